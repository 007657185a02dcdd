"""Every mode of crewai against the meter, and the table that says how each source did."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from contract.modes import MODES
from contract.modes.stage import Ran, Stage, numbered
from contract.modes.table import TABLE, read_rows, render, row
from meter import MeterServer

from tracking import track
from tracking.analysis.loops import find_loops
from tracking.capture import support
from tracking.domain.usage import TokenUsage, UsageState

# What 80 paths through crewai, its clients and its stores warn about is theirs, not ours.
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).resolve().parents[2]
# The version whose requests are written down, mode by mode. Others are run by tests/compat.
CURRENT = f"\ncrewai=={version('crewai')} " in (ROOT / "requirements.txt").read_text()
# Here others ask less often: fewer searches for knowledge, and tools that are not called.
FEWER_ELSEWHERE = {"knowledge", "OpenAI Responses, tools", "litellm, streamed hierarchical"}
# No event says that memories are extracted or sources are embedded: followed from outside, that is not known.
UNANNOUNCED = {"knowledge", "memory"}
COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "reasoning_output_tokens",
)


def script_of(mode):
    """A script of this run's own; a mode may make it anew for each run."""
    fresh = mode.replies() if getattr(mode.replies, "__name__", "") == "fresh" else mode.replies
    return fresh if mode.estimated else numbered(fresh)


def settings(url):
    """For clients that can't be told otherwise where the meter is."""
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return dict.fromkeys(keys, "any") | {
        "OPENAI_BASE_URL": f"{url}/v1",
        "ANTHROPIC_API_BASE": url,  # litellm's
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_BEDROCK_RUNTIME_ENDPOINT": url,  # litellm's
        "AWS_REGION": "us-east-1",
    }


def perform(mode, folder, environ=None):
    """Run a mode once: what the meter saw, what we did, and what crewai says."""
    with MeterServer(script_of(mode)) as meter:
        if environ is not None:
            for name, value in settings(meter.url).items():
                environ.setenv(name, value)
        stage = Stage(meter.url, folder)
        if mode.before is not None:
            stage.prepared = mode.before(stage)
        earlier = len(meter.billed)
        with track("mode") as tracker:
            ran = mode.run(stage) or Ran()
        return meter.billed[earlier:], tracker, ran


def known(usage):
    return tuple(getattr(usage, name) or 0 for name in COUNTS)


def estimate_problems(truth, ours, estimated):
    """An estimate is near what the meter counts; where the end was never seen, its output is at most that."""
    if not estimated:
        return []
    usages = [call.usage or TokenUsage() for call in ours]
    read = sum(usage.input_tokens or 0 for usage in usages) - sum(r.usage.input_tokens for r in truth)
    wrote = sum(usage.output_tokens or 0 for usage in usages) - sum(r.usage.output_tokens for r in truth)
    # How messages are framed, and what a tokenizer makes of words that are longer or shorter than most.
    near = 10 * estimated + sum(r.usage.input_tokens for r in truth) // 4
    if abs(read) <= near and wrote <= near:
        return []
    return [f"estimates are off by {read} + {wrote}"]


def attributed(mode, who):
    """Whether the requests are those of the right agents and tasks, for the right purpose."""
    meant = list(mode.who)
    if tracker_is_outside() and mode.name in UNANNOUNCED:
        who, meant = ([one.rpartition("/")[0] for one in names] for names in (who, meant))
    if mode.name in FEWER_ELSEWHERE and not CURRENT:
        return set(who) <= set(meant)
    return who == meant if mode.ordered else Counter(who) == Counter(meant)


def tracker_is_outside():
    return support.note() is not None


def problems(mode, truth, tracker):
    """Every way in which ours differs from the meter."""
    found = []
    ours = [call for call in tracker.calls if call.billed]
    if len(ours) != len(truth):
        found.append(f"{len(ours)} rows for {len(truth)} billed requests")
    states = Counter(call.usage_state for call in ours)
    reported = [call for call in ours if call.usage_state is UsageState.REPORTED]
    if (unknown := states[UsageState.UNKNOWN]) != mode.unknown:
        found.append(f"{unknown} unknown, expected {mode.unknown}")
    if (estimated := states[UsageState.ESTIMATED]) != mode.estimated:
        found.append(f"{estimated} estimated, expected {mode.estimated}")
    found += estimate_problems(truth, ours, estimated)
    counts = Counter((call.billed_model, *known(call.usage)) for call in reported)
    meant = Counter((r.response_model, *known(r.usage)) for r in truth)
    if wrong := counts - meant:
        found.append(f"counts {dict(wrong)} are not among {dict(meant)}")
    who = [f"{c.agent_name or '-'}/{c.task_name or '-'}/{c.purpose}" for c in ours]
    if not attributed(mode, who):
        found.append(f"attributed to {who}, expected {list(mode.who)}")
    if tracker.lost or tracker.errors:
        found.append(f"lost {tracker.lost}, errors {tracker.errors}")
    return found


def _missing_package(mode):
    return next((name for name in mode.needs if not _installed(name)), None)


def _installed(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


ROWS = {}


@pytest.mark.parametrize("mode", MODES, ids=[mode.name for mode in MODES])
def test_every_billed_request_is_one_true_row(mode, tmp_path, monkeypatch):
    if package := _missing_package(mode):
        pytest.skip(f"{package} is not installed")
    truth, tracker, ran = perform(mode, tmp_path, monkeypatch)
    found = problems(mode, truth, tracker)
    ROWS[mode.name] = row(mode, truth, tracker, ran, found)
    assert found == []
    assert find_loops(tracker.calls) == []  # the loop guard would say nothing of an ordinary run


@pytest.mark.parametrize("mode", [m for m in MODES if m.twice], ids=[m.name for m in MODES if m.twice])
def test_two_runs_at_once_do_not_mix(mode, tmp_path):
    if package := _missing_package(mode):
        pytest.skip(f"{package} is not installed")
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: perform(mode, tmp_path), range(2)))
    assert [problems(mode, truth, tracker) for truth, tracker, _ in runs] == [[], []]


def test_the_table_is_what_the_runs_made(request):
    """Rows of modes that could not run here (a package is missing) are left as they are."""
    names = [mode.name for mode in MODES]
    if not CURRENT or tracker_is_outside():
        pytest.skip("the table is about the current version")
    if len(ROWS) < sum(_missing_package(mode) is None for mode in MODES):
        pytest.skip("not every mode was run")
    kept = read_rows(TABLE.read_text()) if TABLE.exists() else {}
    made = render([(kept | ROWS).get(name, f"| {name} | | | | | not run |") for name in names])
    if request.config.getoption("--write-modes"):
        TABLE.write_text(made)
    told = TABLE.read_text()
    assert [line for line in made.splitlines() if line not in told] == []  # what should be written instead
    assert told == made, "docs/modes.md is out of date: pytest tests/contract/test_modes.py --write-modes"
