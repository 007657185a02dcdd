"""crewai in a version that nobody has tested, or made differently inside: followed by its public events.

Each test is a process of its own: taps are put into a process once.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEWER = "crewai 1.17.0 is newer than what this was tested with (1.13 to 1.15)"
EVENTS = "agents and tasks come from its public events; figures are checked against the HTTP calls"
HTTP = "agents and tasks are not known; figures come from the HTTP calls alone"
# Two crews at once, with names in common, each in a block of its own; and what is said of them.
TWO_CREWS = """
import json, sys, threading
sys.path[:0] = ["tests"]
import pretend
from pathlib import Path
from contract.modes.stage import Stage, kickoff
from meter import MeterServer
from tracking import parse_token_metrics, track
from tracking.capture.evidence import evidence

told = {}

def run(name, roles):
    with MeterServer() as meter, track(name) as tracker:
        stage = Stage(meter.url, Path("nowhere"))
        llm = stage.llm()
        ran = kickoff(stage.crew(*(stage.agent(role, llm) for role in roles), name=name))
        metrics = parse_token_metrics(tracker, ran.crew, ran.result)
    told[name] = {
        "calls": [
            [c.agent_name, c.task_name, c.workflow_name, c.usage.total_tokens, str(c.usage_state)]
            for c in tracker.calls
            if c.billed  # crewai may fail and try again where two threads import its client at once
        ],
        "billed": [request.usage.total_tokens for request in meter.billed],
        "untracked": tracker.untracked,
        "notes": evidence(tracker, ran.crew)["tracker"]["notes"],
        "errors": tracker.errors,
        "caption": metrics.caption,
    }

threads = [
    threading.Thread(target=run, args=("north", ["Analyst", "Writer"])),
    threading.Thread(target=run, args=("south", ["Writer", "Analyst"])),
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("told", json.dumps(told))
"""
WHO = {
    "north": [["Analyst", "task-0", "north"], ["Writer", "task-1", "north"]],
    "south": [["Writer", "task-0", "south"], ["Analyst", "task-1", "south"]],
}


def python(*arguments, pretending):
    environment = os.environ | {"PRETEND": pretending, "PYTHONPATH": os.pathsep.join((".", "tests"))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def told_by(script, pretending):
    done = python("-c", script, pretending=pretending)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("told "))[5:])


def test_every_mode_is_true_on_a_newer_crewai():
    """Two runs at once only where they differ in how they could be taken for one another."""
    modes = "true_row or (not_mix and (agents or hierarchical or tools or async or threads or guardrail))"
    done = python(
        "-m", "pytest", "-q", "-p", "pretend", "-p", "no:cacheprovider",
        "tests/contract/test_modes.py", "-k", modes,
        pretending="newer",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize(
    ("pretending", "problem"),
    [
        ("newer", NEWER),
        (
            "renamed usage counter",
            "has no BaseLLM._track_token_usage_internal of the kind this was tested with",
        ),
        ("emit of another shape", "has no CrewAIEventsBus.emit of the kind this was tested with"),
    ],
)
def test_two_crews_at_once_are_told_apart_by_events(pretending, problem):
    told = told_by(TWO_CREWS, pretending)
    for name, run in told.items():
        assert [call[:3] for call in run["calls"]] == WHO[name]
        assert [call[3:] for call in run["calls"]] == [[tokens, "reported"] for tokens in run["billed"]]
        assert (run["untracked"], run["errors"]) == ([], [])
        [note] = run["notes"]
        assert problem in note
        assert note.endswith(f": {EVENTS}")
        assert "one LLM object is shared by 2 agents and counted for each" in run["caption"]


def test_without_ids_in_the_context_nobody_is_named_and_nothing_is_lost():
    """On a newer version at that: one that was tested does not look for them."""
    newer = "import pretend\npretend.support.installed_version = lambda: '1.17.0'\n"
    script = TWO_CREWS.replace("import pretend\n", newer)
    told = told_by(script, "renamed event context")
    for name, run in told.items():
        assert [call[:3] for call in run["calls"]] == [[None, None, name]] * 2
        assert [call[3:] for call in run["calls"]] == [[tokens, "reported"] for tokens in run["billed"]]
        assert (run["untracked"], run["errors"]) == ([], [])
        assert run["notes"] == [f"{NEWER}: {HTTP}"]


def test_a_context_that_has_no_ids_any_more_makes_no_call_count_twice():
    """Its events say that there were model calls; that these are the requests they can't say."""
    for name, run in told_by(TWO_CREWS, "newer, without ids").items():
        assert [call[:3] for call in run["calls"]] == [[None, None, name]] * 2
        assert [call[3:] for call in run["calls"]] == [[tokens, "reported"] for tokens in run["billed"]]
        assert (run["errors"], run["notes"]) == ([], [f"{NEWER}: {EVENTS}"])


def test_a_crewai_as_it_was_tested_has_no_note():
    told = told_by(TWO_CREWS, "")
    assert {name: [call[:3] for call in run["calls"]] for name, run in told.items()} == WHO
    assert [run["notes"] for run in told.values()] == [[], []]


OWN_MODEL = """
import json, sys
sys.path[:0] = ["tests"]
import pretend
from crewai import Agent, BaseLLM, Crew, Task
from crewai.events.types.llm_events import LLMCallType
from crewai.llms.base_llm import llm_call_context
from tracking import track

class OwnModel(BaseLLM):
    def call(self, messages, *args, from_task=None, from_agent=None, **kwargs):
        with llm_call_context():
            self._emit_call_started_event(messages, from_task=from_task, from_agent=from_agent)
            usage = {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 42}
            self._emit_call_completed_event("done", LLMCallType.LLM_CALL, from_task, from_agent, usage=usage)
            return "done"

agent = Agent(role="Analyst", goal="answer", backstory="brief", llm=OwnModel(model="mine", provider="own"))
task = Task(name="compare", description="Do.", expected_output="words", agent=agent)
with track("own") as tracker:
    Crew(agents=[agent], tasks=[task]).kickoff()
print("told", json.dumps([
    [c.agent_name, c.task_name, c.provider_name, c.request_model, c.usage.total_tokens, list(c.sources)]
    for c in tracker.calls
]))
"""


def test_a_model_that_asks_nobody_over_http_is_taken_at_its_events_word():
    assert told_by(OWN_MODEL, "newer") == [["Analyst", "compare", "own", "mine", 42, ["event"]]]


SLOW = TWO_CREWS.replace(
    "told = {}\n",
    """told = {}
import time
from crewai.events import AgentExecutionStartedEvent, TaskStartedEvent, crewai_event_bus
for kind in (AgentExecutionStartedEvent, TaskStartedEvent):
    crewai_event_bus.on(kind)(lambda source, event: time.sleep(0.7))
""",
)


def test_a_slow_handler_costs_names_at_most():
    for name, run in told_by(SLOW, "newer").items():
        for call, (agent, task, _) in zip(run["calls"], WHO[name], strict=True):
            assert call[0] in {None, agent}
            assert call[1] in {None, task}
        assert [call[3] for call in run["calls"]] == run["billed"]
        assert run["untracked"] == []
