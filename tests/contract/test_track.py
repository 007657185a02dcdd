"""`track()` against the metering provider: real clients, real crewai, and the meter's word against ours."""

import asyncio
import contextlib
import errno
import json
import sqlite3
import threading
import time
from decimal import Decimal

import pytest
from meter import MeterServer, Reply

from tracking import Ledger, normalize_usage, parse_token_metrics, track
from tracking.domain.call import CallStatus
from tracking.domain.cost import CostState
from tracking.domain.run import RunState
from tracking.domain.usage import UsageState

pytestmark = [
    # crewai sets attributes on modules while they load, and reads deprecated fields of its own.
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]

SECRET = "the-secret-recipe-is-seven-limes"


@pytest.fixture
def meter(monkeypatch):
    with MeterServer() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        yield server


@pytest.fixture
def client(meter):
    from openai import OpenAI

    with OpenAI(max_retries=2) as opened:
        yield opened


def ask(client, text="hello", **options):
    return client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **options
    )


def crew_of(agents, *, shared=False, stream=False):
    from crewai import LLM, Agent, Crew, Task

    def llm():
        return LLM(model="openai/gpt-4o-mini", stream=stream)

    common = llm()
    made = [
        Agent(role=f"Agent {i}", goal="answer", backstory="brief", llm=common if shared else llm())
        for i in range(agents)
    ]
    tasks = [
        Task(name=f"task-{i}", description=f"Say {'more ' * i}", expected_output="words", agent=agent)
        for i, agent in enumerate(made)
    ]
    return Crew(agents=made, tasks=tasks)


def assert_equal_to_the_meter(tracker, meter):
    ours = [(c.usage.input_tokens, c.usage.output_tokens) for c in tracker.calls if c.billed]
    assert ours == [(r.usage.input_tokens, r.usage.output_tokens) for r in meter.billed]
    assert tracker.requests == len(meter.billed)


def test_a_plain_call_is_one_row_with_its_price(client, meter):
    with track("plain") as tracker:
        ask(client)
    [call] = tracker.calls
    [metered] = meter.billed
    assert call.usage.total_tokens == metered.usage.total_tokens
    assert call.response_id == metered.response_id
    assert (call.provider_name, call.request_model, call.operation_name) == ("openai", "gpt-4o-mini", "chat")
    assert (call.status, call.usage_state, call.sources) == (CallStatus.OK, UsageState.REPORTED, ("http",))
    # $0.15 and $0.60 per million
    expected = Decimal(metered.usage.input_tokens) * 150 + Decimal(metered.usage.output_tokens) * 600
    assert call.cost.amount == expected / 10**9
    assert call.started_at.utcoffset().total_seconds() == 0
    assert 0 < call.duration < 60


def test_a_streamed_call_is_one_row(client, meter):
    with track("streamed") as tracker:
        for _ in ask(client, stream=True, stream_options={"include_usage": True}):
            pass
    assert_equal_to_the_meter(tracker, meter)


def test_a_stream_without_usage_is_estimated_and_not_zero(client, meter):
    with track("silent") as tracker:
        for _ in ask(client, stream=True):
            pass
    [call] = tracker.calls
    assert (call.usage_state, call.cost.state) == (UsageState.ESTIMATED, CostState.ESTIMATED)
    assert (
        call.usage.input_tokens == 8
    )  # "hello" is 1, its role and separators 4, what the answer begins after 3
    metrics = tracker.get_metrics()
    assert metrics.total_tokens == metrics.estimated_tokens == call.usage.total_tokens
    assert (metrics.cost_state, metrics.requests_made) == (CostState.ESTIMATED, 1)
    assert metrics.caption == "tracker, 1 call; all of the tokens estimated (1 call)"


def test_a_stream_without_usage_that_cannot_be_counted_is_unknown_and_not_zero(client, meter):
    with track("silent") as tracker:
        for _ in ask(client, [{"type": "image_url", "image_url": {"url": "data:,"}}], stream=True):
            pass
    [call] = tracker.calls
    assert (call.usage, call.usage_state, call.cost.state) == (None, UsageState.UNKNOWN, CostState.UNPRICED)
    metrics = tracker.get_metrics()
    assert (metrics.total_tokens, metrics.total_cost, metrics.requests_made) == (None, None, 1)
    assert metrics.caption == "tracker, 1 call; 1 call reported no usage"


def test_a_stream_that_is_let_go_early_is_billed_all_the_same(client):
    with track("abandoned") as tracker:
        stream = ask(
            client, "one two three four five six", stream=True, stream_options={"include_usage": True}
        )
        next(iter(stream))
        stream.close()
    [call] = tracker.calls
    assert (call.status, call.usage_state) == (CallStatus.INCOMPLETE, UsageState.ESTIMATED)


def test_refused_requests_are_kept_but_not_billed():
    with MeterServer([Reply(status=429), Reply(status=500), Reply()]) as meter:
        from openai import OpenAI

        with OpenAI(base_url=f"{meter.url}/v1", api_key="k") as client, track("retries") as tracker:
            ask(client)
    assert [call.error_type for call in tracker.calls] == ["HTTP 429", "HTTP 500", None]
    assert tracker.requests == len(meter.billed) == 1
    assert tracker.get_metrics().failed_requests == 2
    assert tracker.cost.state is CostState.KNOWN


def test_a_server_that_is_not_there_is_an_error_that_costs_nothing():
    from openai import APIConnectionError, OpenAI

    with (
        track("gone") as tracker,
        OpenAI(base_url="http://127.0.0.1:1/v1", api_key="k", max_retries=0) as client,
        pytest.raises(APIConnectionError),
    ):
        ask(client)
    [call] = tracker.calls
    assert (call.status, call.error_type, call.billed) == (CallStatus.ERROR, "ConnectError", False)


def test_an_unknown_model_is_unpriced_and_never_free(client):
    with track("unknown") as tracker:
        client.chat.completions.create(model="made-up-1", messages=[{"role": "user", "content": "x"}])
    assert tracker.cost.state is CostState.UNPRICED
    assert tracker.cost.amount is None
    assert tracker.get_metrics().unpriced_requests == 1


def test_embeddings_are_calls_too(client, meter):
    with track("embeddings") as tracker:
        client.embeddings.create(model="text-embedding-3-small", input="words")
    [call] = tracker.calls
    assert call.operation_name == "embeddings"
    assert call.usage.input_tokens == meter.billed[0].usage.input_tokens


def test_counting_tokens_is_not_a_call(client):
    with track("counting") as tracker:
        client.responses.input_tokens.count(model="gpt-4o-mini", input="words")
    assert tracker.calls == []


def test_anthropic_and_gemini_are_read_in_their_own_words(monkeypatch):
    reply = Reply(input_tokens=500, output_tokens=90, cache_read_input_tokens=300)
    import anthropic

    message = [{"role": "user", "content": "x"}]
    with (
        MeterServer(lambda _: reply) as meter,
        anthropic.Anthropic(base_url=meter.url, api_key="k") as client,
        track("others") as tracker,
    ):
        client.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=message)
        with client.messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=message) as stream:
            stream.until_done()
    assert_equal_to_the_meter(tracker, meter)
    assert [call.usage.cache_read_input_tokens for call in tracker.calls] == [300, 300]
    assert {call.provider_name for call in tracker.calls} == {"anthropic"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # google-genai's own imports
def test_gemini_is_read_in_its_own_words():
    with MeterServer(lambda _: Reply(input_tokens=50, output_tokens=90, reasoning_output_tokens=70)) as meter:
        from google import genai
        from google.genai.types import HttpOptions

        client = genai.Client(api_key="k", http_options=HttpOptions(base_url=meter.url))
        with track("gemini") as tracker:
            client.models.generate_content(model="gemini-2.5-flash", contents="x")
            for _ in client.models.generate_content_stream(model="gemini-2.5-flash", contents="x"):
                pass
    assert_equal_to_the_meter(tracker, meter)
    assert [call.usage.reasoning_output_tokens for call in tracker.calls] == [70, 70]
    assert {call.request_model for call in tracker.calls} == {"gemini-2.5-flash"}


def test_async_calls_in_one_loop_do_not_mix(meter):
    from openai import AsyncOpenAI

    async def one(name, times):
        with track(name) as tracker:
            async with AsyncOpenAI() as client:
                for _ in range(times):
                    await ask(client, name)
        return tracker

    async def both():
        return await asyncio.gather(one("first", 2), one("second", 3))

    first, second = asyncio.run(both())
    assert (len(first.calls), len(second.calls)) == (2, 3)
    assert {call.run_id for call in first.calls}.isdisjoint(call.run_id for call in second.calls)


def test_blocks_in_threads_do_not_mix_and_a_bare_thread_goes_to_the_only_open_block(client, meter):
    with track("outer") as tracker:
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        thread.join()
    assert len(tracker.calls) == 1


def test_an_outer_block_sees_the_calls_of_an_inner_one(client, tmp_path):
    url = f"sqlite:///{tmp_path / 'nested.sqlite'}"
    with track("outer", ledger=url) as outer:
        ask(client)
        with track("inner", ledger=url) as inner:
            ask(client)
    assert (len(outer.calls), len(inner.calls)) == (2, 1)
    with Ledger.open(url) as ledger:
        assert ledger.totals().requests == 2
        assert {run.name for run in ledger.runs()} == {"outer", "inner"}


def test_calls_are_in_the_ledger_before_the_block_ends_and_hold_nothing_said(tmp_path, monkeypatch):
    path = tmp_path / "ledger.sqlite"
    from openai import OpenAI

    with (
        MeterServer([Reply(text=SECRET)]) as meter,
        OpenAI(base_url=f"{meter.url}/v1", api_key=SECRET) as client,
        track("private", ledger=f"sqlite:///{path}"),
    ):
        ask(client, SECRET)
        with contextlib.closing(sqlite3.connect(path)) as other:
            while other.execute("SELECT count(*) FROM calls").fetchone() != (
                1,
            ):  # or the test's time is over
                time.sleep(0.01)
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert SECRET.encode() not in written


def test_a_ledger_that_breaks_mid_run_costs_neither_the_crew_nor_the_count(client, meter, tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with track("broken", ledger=url) as tracker:
        with Ledger.open(url) as ledger, ledger.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE calls RENAME TO elsewhere")
        ask(client)
    assert (tracker.lost, tracker.waiting) == (0, 1)  # kept on disk
    assert set(tracker.errors) == {"LedgerError"}
    assert_equal_to_the_meter(tracker, meter)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO calls")
    with Ledger.open(url) as ledger:
        assert ledger.totals().requests == 1


def test_a_run_of_ones_own_is_on_record_with_its_end(client, tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with track("good", ledger=url):
        ask(client)
    with pytest.raises(ZeroDivisionError), track("bad", ledger=url):
        raise ZeroDivisionError
    with Ledger.open(url) as ledger:
        states = {run.name: (run.state, (run.error or {}).get("type")) for run in ledger.runs()}
    assert states == {"good": (RunState.COMPLETED, None), "bad": (RunState.FAILED, "ZeroDivisionError")}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("shared", [False, True], ids=["separate", "shared"])
def test_a_crew_of_three_equals_the_meter_call_by_call(meter, shared, stream):
    crew = crew_of(3, shared=shared, stream=stream)
    with track("crew") as tracker:
        result = crew.kickoff()
    assert_equal_to_the_meter(tracker, meter)
    assert [(c.agent_name, c.task_name) for c in tracker.calls] == [
        (f"Agent {i}", f"task-{i}") for i in range(3)
    ]
    metrics = parse_token_metrics(tracker, crew.usage_metrics, result)
    assert metrics.total_tokens == sum(r.usage.total_tokens for r in meter.billed)
    if shared:
        assert metrics.caption == (
            f"tracker: crew_metrics said {crew.usage_metrics.total_tokens:,} because "
            "one LLM object is shared by 3 agents and counted for each"
        )
    else:
        assert metrics.caption == "crew_metrics, verified against 3 calls"


def test_a_second_kickoff_is_not_charged_for_the_first(meter):
    crew = crew_of(1)
    crew.kickoff()
    first = len(meter.billed)
    with track("second") as tracker:
        result = crew.kickoff()
    metrics = parse_token_metrics(tracker, crew.usage_metrics, result)
    assert metrics.total_tokens == sum(r.usage.total_tokens for r in meter.billed[first:])
    assert "tokens of earlier kickoffs are in it" in metrics.caption


def test_a_crew_without_tracking_is_shown_unverified(meter):
    crew = crew_of(1)
    result = crew.kickoff()
    metrics = parse_token_metrics(None, crew.usage_metrics, result)
    assert metrics.caption == "crew_metrics, unverified: token tracking was off"
    assert metrics.total_tokens == meter.total_tokens


def test_two_crews_in_threads_do_not_mix(meter):
    trackers = {}

    def kick_off(name, agents):
        crew = crew_of(agents)
        with track(name) as tracker:
            crew.kickoff()
        trackers[name] = tracker

    threads = [threading.Thread(target=kick_off, args=(str(n), n)) for n in (1, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: len(tracker.calls) for name, tracker in trackers.items()} == {"1": 1, "3": 3}
    assert sum(t.usage.total_tokens for t in trackers.values()) == meter.total_tokens


def test_a_tasks_description_is_never_its_name(meter):
    from crewai import LLM, Agent, Crew, Task

    agent = Agent(role="Agent", goal="g", backstory="b", llm=LLM(model="openai/gpt-4o-mini"))
    tasks = [Task(description=SECRET, expected_output="words", agent=agent) for _ in range(2)]
    with track("nameless") as tracker:
        Crew(agents=[agent], tasks=tasks).kickoff()
    assert [call.task_name for call in tracker.calls] == ["task 1", "task 2"]


def test_a_model_of_ones_own_is_taken_from_the_events(monkeypatch):
    from crewai import Agent, BaseLLM, Crew, Task
    from crewai.events.types.llm_events import LLMCallType
    from crewai.llms.base_llm import llm_call_context

    class OwnModel(BaseLLM):
        def call(self, messages, *args, from_task=None, from_agent=None, **kwargs):
            with llm_call_context():
                self._emit_call_started_event(messages, from_task=from_task, from_agent=from_agent)
                usage = {"prompt_tokens": 30, "completion_tokens": 4, "total_tokens": 34}
                self._emit_call_completed_event(
                    "Final Answer: done", LLMCallType.LLM_CALL, from_task, from_agent, usage=usage
                )
            return "Thought: I now can give a great answer\nFinal Answer: done"

    agent = Agent(role="Agent", goal="g", backstory="b", llm=OwnModel(model="mine", provider="own"))
    with track("own") as tracker:
        Crew(
            agents=[agent], tasks=[Task(name="t", description="d", expected_output="e", agent=agent)]
        ).kickoff()
    [call] = tracker.calls
    assert (call.provider_name, call.request_model, call.usage.total_tokens) == ("own", "mine", 34)
    assert (call.agent_name, call.task_name, call.sources) == ("Agent", "t", ("event",))
    assert call.cost.state is CostState.UNPRICED


def test_public_names_can_be_read_back_as_json(client):
    with track("json") as tracker:
        ask(client)
    assert json.loads(json.dumps(tracker.get_metrics().to_json()))["source"] == "tracker"
    assert normalize_usage({"prompt_tokens": 1}).input_tokens == 1


def test_a_bare_thread_among_several_blocks_is_nobodys_but_counted(client, meter, tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    together = threading.Barrier(3)

    def block(name):
        with track(name, ledger=url) as tracker:
            together.wait()
            together.wait()
        blocks.append(tracker)

    blocks = []
    threads = [threading.Thread(target=block, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    together.wait()
    ask(client)
    together.wait()
    for thread in threads:
        thread.join()
    assert [(tracker.requests, tracker.unattributed_requests) for tracker in blocks] == [(0, 1), (0, 1)]
    with Ledger.open(url) as ledger:
        [call] = ledger.calls()
    assert (call.run_id, call.workflow_name) == (None, "unattributed")
    assert call.usage.total_tokens == meter.total_tokens
    assert call.notes == ("several runs were under way, and the call's own could not be told",)


def test_an_agent_whose_model_was_never_seen_is_untracked_and_not_zero():
    from crewai import Agent, BaseLLM, Crew, Task

    class Invisible(BaseLLM):
        def call(self, messages, *args, **kwargs):
            return "Thought: I now can give a great answer\nFinal Answer: done"

    agent = Agent(role="Ghost", goal="g", backstory="b", llm=Invisible(model="mine", provider="own"))
    crew = Crew(agents=[agent], tasks=[Task(name="t", description="d", expected_output="e", agent=agent)])
    with track("ghost") as tracker:
        result = crew.kickoff()
    assert (tracker.calls, tracker.untracked) == ([], ["Ghost"])
    metrics = parse_token_metrics(tracker, crew, result)
    assert metrics.total_tokens is None
    assert metrics.caption == "none: no model call was seen, although Ghost worked"


def test_a_long_run_lets_go_of_what_the_ledger_holds(client, tmp_path, monkeypatch):
    monkeypatch.setattr("tracking.capture.tracker._MOST_HELD", 3)
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with track("outer", ledger=url) as outer:
        ask(client)
        with track("long", ledger=url) as tracker:
            for _ in range(7):
                ask(client)
        assert len(tracker._calls) < 3
        assert (len(tracker.calls), tracker.requests, outer.requests, len(outer.calls)) == (7, 7, 8, 8)
        assert tracker.usage == sum((call.usage for call in tracker.calls), normalize_usage({}))


@pytest.mark.parametrize("way", ["json", "text", "lines", "chunks", "any"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # aiohttp's own, at import
def test_aiohttp_is_seen_however_its_answer_is_read(meter, way, stream):
    import aiohttp

    async def read(response):
        if way in {"json", "text"}:
            await response.read()
        elif way == "lines":
            async for _ in response.content:
                pass
        else:
            async for _ in response.content.iter_chunks() if way == "chunks" else response.content.iter_any():
                pass

    async def go():
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello there"}]}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{meter.url}/v1/chat/completions", json=body) as response,
        ):
            await read(response)

    with track("aiohttp") as tracker:
        asyncio.run(go())
    assert_equal_to_the_meter(tracker, meter)
    [call] = tracker.calls
    assert (call.sources, call.status, call.request_model) == (("http",), CallStatus.OK, "gpt-4o-mini")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_requests_is_seen_too(meter, stream):
    import requests

    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    with track("requests") as tracker:
        answer = requests.post(f"{meter.url}/v1/chat/completions", json=body, stream=stream, timeout=10)
        for _ in answer.iter_lines():
            pass
        answer.close()
    assert_equal_to_the_meter(tracker, meter)


def test_a_block_starts_afresh_after_a_crew_that_crashed_outside_of_any(client, meter):
    """In a notebook everything runs in one context."""
    from tracking.capture import scope

    with track("first"):
        left = scope.LlmScope("never ended", "someone", "else", "Analyst", "compare")
        scope.current_call.set((left,))
        scope.current_place.set((scope.Place(agent_name="Analyst"),))
    with track("second") as tracker:
        ask(client)
    [call] = tracker.calls
    assert (call.agent_name, call.task_name, call.provider_name) == (None, None, "openai")


def test_a_slow_handler_of_crewais_events_changes_nothing(meter):
    import time

    from crewai.events import LLMCallCompletedEvent, crewai_event_bus

    crew = crew_of(1)
    with crewai_event_bus.scoped_handlers():
        crewai_event_bus.on(LLMCallCompletedEvent)(lambda *_: time.sleep(0.3))
        with track("slow handler") as tracker:
            crew.kickoff()
    assert_equal_to_the_meter(tracker, meter)


def test_a_tap_that_raises_is_counted_and_the_crew_finishes(meter, monkeypatch):
    def broken(*_):
        raise RuntimeError("broken")

    crew = crew_of(1)
    with track("broken tap") as tracker:
        monkeypatch.setattr("tracking.capture.crewai_tap.observe_place", broken)
        monkeypatch.setattr("tracking.capture.http.endpoint_of", broken)
        result = crew.kickoff()
    assert result.raw
    assert tracker.lost > 0
    assert set(tracker.errors) == {"RuntimeError"}
    # What the wire could not show is taken from crewai's own words.
    assert tracker.usage.total_tokens == meter.total_tokens


def test_a_full_disk_costs_the_crew_nothing_and_the_loss_is_counted(client, meter, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with track("unwritable", ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}") as tracker:
        monkeypatch.setattr("tracking.ledger.journal.Journal.append", full)
        ask(client)
        ask(client)
    assert (tracker.lost, len(tracker.calls)) == (2, 2)
    assert set(tracker.errors) == {"LedgerError"}
    assert_equal_to_the_meter(tracker, meter)


def test_calls_wait_for_a_ledger_that_is_locked_and_arrive_once(client, meter, tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with track("waits", ledger=url) as tracker:
        other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        ask(client)
        ask(client)
        assert other.execute("SELECT count(*) FROM calls").fetchone() == (0,)
        other.execute("COMMIT")
        other.close()
    assert (tracker.lost, tracker.errors) == (0, [])
    with Ledger.open(url) as ledger:
        assert [kept.call_id for kept in ledger.calls()] == [seen.call_id for seen in tracker.calls]
    assert_equal_to_the_meter(tracker, meter)
