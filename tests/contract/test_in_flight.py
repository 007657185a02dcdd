"""What is seen of a request between its sending and its end, with real clients and a real crew."""

import threading
import time
import uuid
from datetime import UTC, datetime

import pytest
from meter import MeterServer, Reply

from tracking import Ledger, track
from tracking.capture.tokenizer import count_tokens
from tracking.domain.run import Run, RunState
from tracking.domain.spec import RunSettings, RunSpec
from tracking.domain.under_way import CallUnderWay
from tracking.ledger.runs import RunBook
from tracking.ledger.under_way import UnderWay, telling
from tracking.settings import Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]
ANSWER = "Demand is steady, prices hold, and the northern regions recover. " * 6
PATIENCE = 120


def slowly(_):
    """Or a client would find many events in one piece."""
    time.sleep(0.01)


@pytest.fixture
def provider(monkeypatch):
    """Starts a provider with a script, for clients that ask OpenAI."""
    opened = []

    def start(script):
        meter = MeterServer(script)
        opened.append(meter)
        meter.__enter__()
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
        return meter

    yield start
    for meter in opened:
        meter.__exit__(None, None, None)


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail(f"{what} did not happen within {PATIENCE} s")


def ask(**options):
    from openai import OpenAI

    messages = [{"role": "user", "content": "How are sales?"}]
    with OpenAI() as client:
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, **options)
        if not options.get("stream"):
            return
        yield from answer


def test_a_plain_call_is_under_way_until_it_ends_and_keeps_its_name(provider):
    seen = []

    def script(_):
        seen.extend(tracker.under_way())
        return Reply(text=ANSWER)

    provider(script)
    with track("plain") as tracker:
        assert tracker.under_way() == []
        list(ask())
        assert tracker.under_way() == []
    [during], [after] = seen, tracker.calls
    assert (during.call_id, during.run_id) == (after.call_id, tracker.run_id)
    assert during.started_at == after.started_at
    assert (during.provider_name, during.request_model, during.operation_name) == (
        "openai",
        "gpt-4o-mini",
        "chat",
    )
    assert during.output_tokens is None  # nobody knows before the answer is there


def test_a_refused_call_is_no_longer_under_way(provider):
    from openai import BadRequestError

    provider(lambda _: Reply(status=400))
    with track("refused") as tracker:
        with pytest.raises(BadRequestError):
            list(ask())
        assert tracker.under_way() == []


def test_the_tokens_of_a_stream_are_counted_as_they_arrive_and_are_never_more_than_all(provider):
    provider(lambda _: Reply(text=ANSWER, between_chunks=slowly))
    counts, looks = [], 0
    with track("streamed") as tracker:
        for _ in ask(stream=True):
            if found := tracker.under_way():
                counts.append(found[0].output_tokens)
                looks += 1
        assert tracker.under_way() == []
    known = [count for count in counts if count is not None]
    assert counts[0] is None  # the first event has the role only
    assert known == sorted(known)
    assert 0 < known[0] < known[-1]
    assert count_tokens(ANSWER) * 0.8 < known[-1] <= count_tokens(ANSWER) + 2 * looks
    [call] = tracker.calls
    assert call.usage.output_tokens == count_tokens(ANSWER)  # as reported: what was estimated is gone


def test_a_stream_that_is_counted_by_another_thread_says_as_much(provider):
    """As a heartbeat does, while the crew's thread reads."""
    provider(lambda _: Reply(text=ANSWER, between_chunks=slowly))
    counts, over = [], threading.Event()

    def watch():
        while not over.is_set():
            counts.extend(call.output_tokens for call in tracker.under_way())

    with track("watched") as tracker:
        watcher = threading.Thread(target=watch)
        watcher.start()
        events = len(list(ask(stream=True)))
        over.set()
        watcher.join()
    known = [count for count in counts if count is not None]
    assert known == sorted(known)
    assert known[-1] <= count_tokens(ANSWER) + 2 * events
    assert tracker.errors == []


def test_a_count_that_fails_is_told_and_disturbs_nobody(provider, monkeypatch):
    from tracking.capture import so_far

    def broken(_):
        raise RuntimeError("no vocabulary")

    monkeypatch.setattr(so_far, "count_tokens", broken)
    provider(lambda _: Reply(text=ANSWER, between_chunks=slowly))
    with track("broken") as tracker:
        for _ in ask(stream=True):
            tracker.under_way()
    assert tracker.requests == 1
    assert tracker.lost == 0
    assert set(tracker.errors) == {"RuntimeError"}


SPEC = RunSpec(
    preset="custom",
    agents=("market_research_analyst", "data_analyst"),
    model="openai-mini",
    settings=RunSettings(max_output_tokens=77, stream=True),
)


@pytest.fixture
def ledger():
    with Ledger.open(Settings().ledger_url) as opened:
        yield opened


def add_run(ledger, spec=SPEC):
    run_id = uuid.uuid4().hex
    RunBook(ledger).add(Run(run_id=run_id, name="test", created_at=datetime.now(UTC), spec=spec.to_json()))
    return run_id


def test_whoever_watches_a_run_sees_its_call_and_how_much_of_the_answer_arrived(provider, ledger):
    from tracking.crew.execute import execute_run
    from tracking.crew.models import Models

    read_on, go_on = threading.Event(), threading.Event()

    def script(request):
        if request.index == 1:  # held back until somebody saw that it was sent
            go_on.wait(PATIENCE)
            return Reply(text="An answer in a few words.")
        return Reply(text=ANSWER, between_chunks=lambda number: number < 5 or read_on.wait(PATIENCE))

    provider(script)
    run_id = add_run(ledger)
    thread = threading.Thread(target=execute_run, args=(Settings(), run_id, Models(Settings())))
    thread.start()
    book, seen = UnderWay(ledger), []

    def arriving():
        seen.extend(found := book.of(run_id))
        return any(call.output_tokens for call in found)

    eventually(arriving, "a part of the first answer")
    read_on.set()
    eventually(lambda: [c for c in book.of(run_id) if c.task_name == "data_analysis"], "the second call")
    go_on.set()
    thread.join()
    during, calls = seen[-1], list(ledger.calls(run_id=run_id))
    assert ledger.run(run_id).state is RunState.COMPLETED
    assert during.call_id == calls[0].call_id
    assert (during.agent_name, during.task_name) == ("Market Research Analyst", "market_research")
    assert 0 < during.output_tokens <= count_tokens(ANSWER) + 8
    assert book.of(run_id) == []


def test_a_crew_of_ones_own_says_what_is_under_way_as_well(provider, ledger):
    def script(_):
        [found] = eventually(lambda: UnderWay(ledger).of(tracker.run_id), "the call")
        seen.append(found)
        return Reply(text="An answer in a few words.")

    provider(script)
    seen = []
    with track("own", ledger=Settings().ledger_url) as tracker:
        list(ask())
    [call] = ledger.calls(run_id=tracker.run_id)
    assert [found.call_id for found in seen] == [call.call_id]
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM calls_under_way").scalar() == 0


def test_a_run_that_is_done_leaves_nothing_behind_although_its_last_word_came_late(ledger):
    run_id = add_run(ledger)
    book = RunBook(ledger)
    book.start(run_id, pid=1)
    last = CallUnderWay(
        call_id="c",
        run_id=run_id,
        started_at=datetime.now(UTC),
        provider_name="openai",
        request_model="gpt-4o-mini",
        operation_name="chat",
    )
    with telling(ledger, run_id, lambda: [last]) as tell:
        book.finish(run_id, RunState.COMPLETED)
        tell()
        assert UnderWay(ledger).of(run_id) == [last]
    assert UnderWay(ledger).of(run_id) == []
