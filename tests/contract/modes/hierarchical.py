"""Managers, delegation, planners and reasoning."""

import json

from contract.modes.stage import Mode, Ran, Stage, kickoff
from meter import Reply

DELEGATE = Reply(
    tool_calls=[
        ("delegate_work_to_coworker", {"task": "look", "context": "north", "coworker": "Analyst"}),
    ]
)
MANAGER = "Crew Manager/task-0/manager"
DELEGATED = [MANAGER, "Analyst/task-0/chat", MANAGER]
PLAN = Reply(
    text=json.dumps({"list_of_plans_per_task": [{"task_number": 1, "task": "task-0", "plan": "Do it."}]})
)
READY = Reply(tool_calls=[("create_reasoning_plan", {"plan": "Do it.", "steps": [], "ready": True})])


def _process():
    from crewai import Process

    return Process.hierarchical


def manager_llm(stage: Stage) -> Ran:
    agent = stage.agent()
    return kickoff(stage.crew(agent, process=_process(), manager_llm=stage.llm("openai/gpt-4o")))


def manager_shares_llm(stage: Stage) -> Ran:
    llm = stage.llm()
    return kickoff(stage.crew(stage.agent(llm=llm), process=_process(), manager_llm=llm))


def manager_agent(stage: Stage) -> Ran:
    boss = stage.agent("Boss", allow_delegation=True)
    return kickoff(stage.crew(stage.agent(), process=_process(), manager_agent=boss))


def delegation(stage: Stage) -> Ran:
    analyst, writer = stage.agent(), stage.agent("Writer", allow_delegation=True)
    return kickoff(stage.crew(analyst, writer, tasks=[stage.task(writer, "task-0")]))


def planning(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(), planning=True, planning_llm=stage.llm("openai/gpt-4o")))


def reasoning(stage: Stage) -> Ran:
    from crewai import PlanningConfig

    agent = stage.agent(planning_config=PlanningConfig(max_attempts=1, reasoning_effort="low"))
    return kickoff(stage.crew(agent))


MODES = (
    Mode("hierarchical, manager_llm", manager_llm, DELEGATED, [DELEGATE]),
    Mode("hierarchical, manager shares an LLM", manager_shares_llm, DELEGATED, [DELEGATE]),
    Mode(
        "hierarchical, manager agent",
        manager_agent,
        ["Boss/task-0/manager", "Analyst/task-0/chat", "Boss/task-0/manager"],
        [DELEGATE],
    ),
    Mode(
        "delegation",
        delegation,
        ["Writer/task-0/chat", "Analyst/task-0/chat", "Writer/task-0/chat"],
        [DELEGATE],
    ),
    Mode(
        "planning with its own LLM",
        planning,
        ["Task Execution Planner/-/planning", "Analyst/task-0/chat"],
        [PLAN],
    ),
    Mode("agent reasoning", reasoning, ["Analyst/task-0/reasoning", "Analyst/task-0/chat"], [READY]),
)
