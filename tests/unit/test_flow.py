from run_support import call, refused, three_calls

from tracking.domain.call import totals
from tracking.report.flow import MOST_OF_A_STAGE, Stage, Stop, flow


def through(ways, stage):
    sums = totals(())
    for way in ways:
        if way.source.stage is stage:
            sums += way.sums
    return sums


def test_every_billed_call_goes_from_its_task_through_its_agent_to_its_model():
    calls = [*three_calls(), call(3, response_model="gpt-4o"), call(4, agent=None, task=None), refused(5)]
    ways = flow(calls)
    whole = totals([each for each in calls if each.billed])
    assert through(ways, Stage.TASK) == through(ways, Stage.AGENT) == whole
    analyst, dear = Stop(Stage.AGENT, "Data Analyst"), Stop(Stage.MODEL, "gpt-4o")
    [to_dear] = [way for way in ways if (way.source, way.target) == (analyst, dear)]
    assert (to_dear.sums.usage.total_tokens, to_dear.agent) == (420, "Data Analyst")


def test_stops_are_called_as_they_are_said():
    assert Stop(Stage.TASK, "market_research").label == "Market research"
    assert Stop(Stage.AGENT, None).label == "unattributed"
    assert Stop(Stage.MODEL, None, more=7).label == "7 smaller models"


def test_the_smallest_of_many_stand_together_and_nothing_is_lost():
    calls = [call(n, agent=f"Agent {n}", task=f"task_{n}", tokens=(n, 0)) for n in range(100)]
    ways = flow(calls)
    agents = {way.target for way in ways if way.target.stage is Stage.AGENT}
    assert len(agents) == MOST_OF_A_STAGE
    assert Stop(Stage.AGENT, None, more=81) in agents
    assert Stop(Stage.AGENT, "Agent 99") in agents
    assert through(ways, Stage.TASK) == through(ways, Stage.AGENT) == totals(calls)
