"""Budgets against the metering provider: what is set aside before a call, and what becomes of it."""

import asyncio
import contextlib
import contextvars
import gc
import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime

import pytest
from meter import MeterServer, Reply

from tracking import Budget, BudgetExceeded, Ledger, TokenBudgetManager, track
from tracking.capture import abandoned
from tracking.capture.bounds import bounds
from tracking.domain.budget import NOTHING, Amounts, Per, Unit
from tracking.domain.run import RunState
from tracking.errors import ConfigError
from tracking.ledger.accounts import Accounts, Share

pytestmark = [
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]

# `ask` sends 1 token of text, 4 of framing and 3 before the answer; 50 more at most come back, and 40 do.
MOST, TOOK = 58, 48


class Provider:
    """A provider whose tokenizer is the one that calls are counted with, and who can be made to wait."""

    def __init__(self):
        self.output_tokens = 40
        self.gate = None  # an event that answers wait for

    def __call__(self, request):
        if self.gate is not None:
            self.gate.wait(60)
        found = bounds(json.dumps(request.body).encode(), "chat")
        most = self.output_tokens if found.output_tokens is None else found.output_tokens
        return Reply(input_tokens=found.input_tokens, output_tokens=min(self.output_tokens, most))


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def meter(provider, monkeypatch):
    with MeterServer(provider) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        yield server


@pytest.fixture
def client(meter):
    from openai import OpenAI

    with OpenAI(max_retries=2) as opened:
        yield opened


def request(most=50, model="gpt-4o-mini", **options):
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": most, **options}


def ask(client, most=50, **options):
    return client.chat.completions.create(**request(most, **options))


def until_reserved(manager):
    deadline = time.monotonic() + 60
    while manager.status()[0].reserved.calls == 0 and time.monotonic() < deadline:
        time.sleep(0.02)


def crew_of(agents, *, asynchronous=False, stream=False):
    from crewai import LLM, Agent, Crew, Task

    made = [
        Agent(
            role=f"Agent {i}",
            goal="answer",
            backstory="brief",
            llm=LLM(model="openai/gpt-4o-mini", max_tokens=50),
        )
        for i in range(agents)
    ]
    tasks = [
        Task(
            name=f"task-{i}",
            description="Say it",
            expected_output="words",
            agent=agent,
            async_execution=asynchronous and i < agents - 1,
        )
        for i, agent in enumerate(made)
    ]
    return Crew(agents=made, tasks=tasks, stream=stream)


def test_a_call_that_does_not_fit_is_refused_before_it_is_sent(client, meter):
    # Two calls take 96; the third asks for 58, and 154 are more than 153.
    with track("run", budget=Budget(name="small", tokens=2 * TOOK + MOST - 1)) as tracker:
        ask(client)
        ask(client)
        with pytest.raises(BudgetExceeded) as refused:
            ask(client)
    assert len(meter.requests) == 2
    assert str(refused.value) == (
        "budget 'small' of 153 tokens does not suffice: 96 tokens spent, 0 tokens reserved, "
        "at most 58 tokens asked for the next call, which was not made"
    )
    assert refused.value.refusal.unit is Unit.TOKENS
    assert tracker.notes == ["budget 'small' is 50 % spent: 96 tokens of 153 tokens", str(refused.value)]


def test_what_fits_to_the_last_token_is_made(client, meter):
    with track("run", budget=Budget(tokens=2 * TOOK + MOST)):
        for _ in range(3):
            ask(client)
    assert len(meter.requests) == 3


def test_dollars_are_kept_to_the_last_nano_dollar(client, meter):
    # gpt-4o-mini: 8 × $0.15 and 50 × $0.60 per million are 31,200 nano-dollars at most, 40 make it 25,200.
    with track("run", budget=Budget(usd="0.000056400")):
        ask(client)
        ask(client)
    with track("run", budget=Budget(usd="0.000056399")):
        ask(client)
        with pytest.raises(BudgetExceeded, match=r"\$0.0000252 spent"):
            ask(client)
    assert len(meter.requests) == 3


def test_a_call_waits_for_what_calls_under_way_may_give_back(client, meter, provider, database_url):
    provider.gate = threading.Event()
    budget = Budget(tokens=TOOK + MOST)  # not for two at once, but for one after the other
    with (
        Ledger.open(database_url) as ledger,
        TokenBudgetManager([budget], ledger=ledger, run_id="r") as manager,
    ):
        with track("run", budget=manager):
            first = threading.Thread(target=contextvars.copy_context().run, args=(ask, client))
            second = threading.Thread(target=contextvars.copy_context().run, args=(ask, client))
            first.start()
            second.start()
            until_reserved(manager)
            assert manager.status()[0].reserved == Amounts(31_200, MOST, 1)
            provider.gate.set()
            first.join()
            second.join()
        [standing] = manager.status()
    assert len(meter.requests) == 2
    assert (standing.spent.tokens, standing.reserved, standing.refused) == (2 * TOOK, Amounts(), 0)


def test_tasks_of_one_loop_wait_for_each_other_without_holding_it_up(meter):
    from openai import AsyncOpenAI

    async def both():
        async with AsyncOpenAI() as client:
            calls = [client.chat.completions.create(**request()) for _ in range(3)]
            await asyncio.gather(*calls)

    with track("run", budget=Budget(tokens=2 * TOOK + MOST)) as tracker:
        asyncio.run(both())
    assert len(meter.requests) == 3
    assert tracker.usage.total_tokens == 3 * TOOK


def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing_set_aside(meter, provider):
    from openai import AsyncOpenAI

    provider.gate = threading.Event()

    async def cancelled(manager):
        async with AsyncOpenAI() as client:
            first = asyncio.create_task(client.chat.completions.create(**request()))
            await asyncio.to_thread(until_reserved, manager)
            second = asyncio.create_task(client.chat.completions.create(**request()))
            await asyncio.sleep(0.1)
            second.cancel()
            provider.gate.set()
            await first
            with pytest.raises(asyncio.CancelledError):
                await second

    with TokenBudgetManager([Budget(tokens=MOST)]) as manager:
        with track("run", budget=manager):
            asyncio.run(cancelled(manager))
        assert manager.status()[0].reserved == Amounts()
    assert len(meter.requests) == 1


def test_a_streamed_call_gives_back_what_it_did_not_use(client, meter):
    with TokenBudgetManager([Budget(tokens=500)]) as manager:
        with track("run", budget=manager):
            for _ in ask(client, stream=True, stream_options={"include_usage": True}):
                pass
        assert manager.status()[0].spent == Amounts(25_200, TOOK, 1)
        assert manager.status()[0].reserved == Amounts()


def test_a_call_whose_end_is_not_seen_is_taken_to_have_used_all_it_could(client, provider, monkeypatch):
    with MeterServer([Reply(cut_after_chunks=1)] * 9) as cutting:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{cutting.url}/v1")
        from openai import APIConnectionError, OpenAI

        with TokenBudgetManager([Budget(tokens=500)]) as manager:
            with (
                track("run", budget=manager),
                OpenAI(max_retries=0) as cut,
                pytest.raises(APIConnectionError),
            ):
                ask(cut)
            [standing] = manager.status()
    assert standing.spent == Amounts(31_200, MOST, 1)
    assert standing.presumed == Amounts(31_200, MOST, 0)  # that it was made is known


def test_a_refused_request_costs_nothing(monkeypatch):
    from openai import OpenAI, RateLimitError

    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with MeterServer([Reply(status=429)]) as meter, TokenBudgetManager([Budget(calls=5)]) as manager:
        with (
            track("run", budget=manager),
            OpenAI(base_url=f"{meter.url}/v1", max_retries=0) as client,
            pytest.raises(RateLimitError),
        ):
            ask(client)
        assert manager.status()[0].spent == manager.status()[0].reserved == Amounts()


@pytest.mark.parametrize(
    ("policy", "limits", "made"),
    [
        ("block", {"usd": "1"}, 0),
        ("allow", {"usd": "1"}, 3),
        ("count tokens", {"usd": "1", "tokens": 2 * TOOK + MOST - 1}, 2),
    ],
)
def test_a_budget_says_what_becomes_of_a_model_without_a_price(client, meter, policy, limits, made):
    with track("run", budget=Budget(**limits, on_unpriced=policy)):
        for _ in range(made):
            ask(client, model="nobody-prices-this")
        if made < 3:
            with pytest.raises(BudgetExceeded):
                ask(client, model="nobody-prices-this")
    assert len(meter.requests) == made


def test_without_a_limit_of_its_own_a_call_may_fill_the_models_window(client, meter):
    # gpt-4o-mini's window is 128,000 tokens: as many of output at most, $0.0768012 with the input.
    unlimited = request()
    del unlimited["max_tokens"]
    with track("run", budget=Budget(usd="0.07")), pytest.raises(BudgetExceeded, match=r"at most \$0.0768012"):
        client.chat.completions.create(**unlimited)
    with track("run", budget=Budget(usd="0.08")):
        client.chat.completions.create(**unlimited)
    assert len(meter.requests) == 1


def test_a_block_inside_another_keeps_to_both_budgets(client, meter):
    with track("outer", budget=Budget(name="outer", calls=2)):
        with track("inner", budget=Budget(name="inner", calls=1)):
            ask(client)
            with pytest.raises(BudgetExceeded, match="'inner'"):
                ask(client)
        ask(client)
        with pytest.raises(BudgetExceeded, match="'outer'"):
            ask(client)
    assert len(meter.requests) == 2


def test_a_budget_of_one_agent_or_model_leaves_the_others_alone(client, meter):
    with track("run", budget=[Budget(calls=1, model="gpt-4o-*"), Budget(calls=1, provider="anthropic")]):
        ask(client)
        ask(client, model="gpt-4.1-mini")
        with pytest.raises(BudgetExceeded):
            ask(client)
    assert len(meter.requests) == 2


def test_a_raised_limit_lets_a_waiting_call_pass(client, meter):
    waits = []
    budget = Budget(calls=1, wait_minutes=1)
    with TokenBudgetManager([budget], run_id="r", on_wait=waits.append) as manager:
        raised = threading.Timer(0.5, lambda: manager.raise_limit(budget, Amounts(calls=1)))
        with track("run", budget=manager):
            ask(client)
            raised.start()
            ask(client)
        raised.join()
    assert len(meter.requests) == 2
    assert [None if each is None else each.asked for each in waits] == [1, None]


def test_runs_share_a_budget_and_its_days_are_the_zones(client, meter, database_url):
    url = database_url
    budget = Budget(name="today", per=Per.DAY, calls=2, zone="Pacific/Kiritimati")
    for _ in range(2):
        with track("run", ledger=url, budget=budget):
            ask(client)
    with pytest.raises(BudgetExceeded), track("run", ledger=url, budget=budget):
        ask(client)
    with Ledger.open(url) as ledger:
        assert [run.state for run in ledger.runs()] == [
            RunState.STOPPED,
            RunState.COMPLETED,
            RunState.COMPLETED,
        ]
        assert ledger.runs()[0].stop_reason.startswith(
            "budget: budget 'today' of 2 calls does not suffice: 2 calls spent"
        )
    assert len(meter.requests) == 2


def test_calls_of_programs_that_ask_no_budget_count_too(client, meter, database_url):
    url = database_url
    with track("before", ledger=url):
        ask(client)
    with (
        pytest.raises(BudgetExceeded, match="1 call spent"),
        track("run", ledger=url, budget=Budget(per=Per.MONTH, calls=1)),
    ):
        ask(client)
    assert len(meter.requests) == 1


def test_a_killed_process_holds_nothing_and_its_open_call_is_presumed(meter, provider, database_url):
    provider.gate = threading.Event()
    url = database_url
    program = f"""
        from openai import OpenAI
        from tracking import Budget, track
        client = OpenAI()
        with track("killed", ledger={url!r}, budget=Budget(name="shared", per="all", tokens=500)):
            client.chat.completions.create(**{request()!r})
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    budget = Budget(name="shared", per=Per.ALL, tokens=500)
    with TokenBudgetManager([budget], ledger=url) as manager:
        until_reserved(manager)
        assert manager.status()[0].reserved.tokens == MOST
        process.send_signal(signal.SIGKILL)
        process.wait()
        provider.gate.set()
        [standing] = manager.status()
    assert standing.reserved == Amounts()
    assert standing.spent == standing.presumed == Amounts(31_200, MOST, 1)


@pytest.mark.parametrize(
    "how", ["kickoff", "asynchronous", "stream", "kickoff_async", "akickoff", "for_each"]
)
def test_a_crew_ends_where_its_budget_does(meter, how):
    crew = crew_of(3, asynchronous=how == "asynchronous", stream=how == "stream")

    def run():
        if how == "stream":
            for _ in crew.kickoff():
                pass
        elif how == "for_each":
            crew.kickoff_for_each([{}, {}])
        elif how in {"kickoff_async", "akickoff"}:
            asyncio.run(getattr(crew, how)())
        else:
            crew.kickoff()

    with track("run", budget=Budget(calls=2)) as tracker, pytest.raises(BudgetExceeded):
        run()
    assert len(meter.requests) == tracker.requests == 2
    assert tracker.errors == []


def test_a_call_that_was_served_at_a_price_nobody_knows_counts_for_all_it_could(monkeypatch):
    from openai import OpenAI

    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    replies = [Reply(input_tokens=8, output_tokens=40, service_tier="scale")] * 9
    with MeterServer(replies) as meter, OpenAI(base_url=f"{meter.url}/v1") as client:
        with track("run", budget=Budget(usd="0.00006")):
            ask(client)
            with pytest.raises(BudgetExceeded, match=r"\$0.0000312 spent"):
                ask(client)
        assert len(meter.billed) == 1


def test_a_budget_of_the_answering_model_limits_from_the_second_call_on(monkeypatch):
    from openai import OpenAI

    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    replies = [Reply(served_model="gpt-4o-mini-2024-07-18")] * 9
    with MeterServer(replies) as meter, OpenAI(base_url=f"{meter.url}/v1") as client:
        with track("run", budget=Budget(calls=1, model="gpt-4o-mini-2024*")):
            ask(client)
            with pytest.raises(BudgetExceeded):
                ask(client)
        assert len(meter.billed) == 1


def test_what_is_presumed_does_not_hide_what_others_spend(client, meter, provider, tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    budget = Budget(name="all", per=Per.ALL, tokens=1_000)
    with Ledger.open(url) as ledger:
        accounts, span = Accounts(ledger), budget.span(datetime.now(UTC), "")
        accounts.book([Share(budget, span, Amounts(0, 500, 0))], NOTHING)  # nobody knows what it took
        with track("others", ledger=url):
            ask(client)
        with track("ours", ledger=url, budget=budget):
            ask(client)
        assert accounts.standing(budget, span).spent.tokens == 500 + 2 * TOOK


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        ([Budget(usd="1.00"), Budget(tokens=200)], "two budgets are named 'budget' and mean the same calls"),
        ([Budget(calls=1, preset="custom")], "is of a preset, and nobody says of which"),
    ],
)
def test_budgets_that_could_not_be_kept_apart_are_none(budgets, said):
    with pytest.raises(ConfigError, match=said):
        TokenBudgetManager(budgets)


def test_streams_that_nobody_reads_to_their_end_hold_nothing_up(client, meter):
    with TokenBudgetManager([Budget(tokens=10**6)]) as manager:
        with track("run", budget=manager) as tracker:
            for _ in range(150):
                stream = ask(client, stream=True)
                next(iter(stream))
                del stream
        gc.collect()
        abandoned.settle()
        assert len(tracker.calls) == 150
        assert manager.status()[0].reserved == NOTHING


def test_what_could_not_be_booked_is_booked_later(client, meter, provider, tmp_path):
    path = tmp_path / "ledger.sqlite"
    provider.gate = threading.Event()
    with TokenBudgetManager([Budget(calls=1)], ledger=f"sqlite:///{path}") as manager:
        with track("run", budget=manager) as tracker, contextlib.closing(sqlite3.connect(path)) as other:
            asking = threading.Thread(target=contextvars.copy_context().run, args=(ask, client))
            asking.start()
            until_reserved(manager)
            other.execute("BEGIN IMMEDIATE")
            provider.gate.set()
            asking.join()  # after ten seconds the database was not to be had
            other.rollback()
        assert tracker.errors == ["LedgerError"]
        deadline = time.monotonic() + 30
        while manager.status()[0].reserved.calls and time.monotonic() < deadline:
            time.sleep(0.1)
        assert manager.status()[0].spent.calls == 1


def test_a_call_inside_a_stream_of_its_own_thread_is_refused_and_does_not_wait_for_it(client, meter):
    with track("run", budget=Budget(tokens=MOST + 10)):
        for _ in ask(client, stream=True):
            with pytest.raises(BudgetExceeded):
                ask(client)
            break


def test_blocks_inside_one_another_share_a_ledger_and_a_manager(client, meter, database_url):
    url = database_url
    budgets = Budget(name="outer", calls=2), Budget(name="inner", calls=2)
    with track("outer", ledger=url, budget=budgets[0]), track("inner", ledger=url, budget=budgets[1]):
        ask(client)
    with TokenBudgetManager([Budget(calls=2)], ledger=url) as manager:
        with track("outer", ledger=url, budget=manager), track("inner", ledger=url, budget=manager):
            ask(client)
        assert manager.status()[0].spent.calls == 1
    assert len(meter.requests) == 2


def test_a_flow_that_streams_ends_where_its_budget_does(meter):
    from crewai import LLM
    from crewai.flow.flow import Flow, start

    class Asking(Flow):
        @start()
        def begin(self):
            return LLM(model="openai/gpt-4o-mini", max_tokens=50).call("hello")

    def run():
        for _ in Asking(stream=True).kickoff():
            pass

    with track("run", budget=Budget(calls=0)), pytest.raises(BudgetExceeded):
        run()
    assert meter.requests == []


def test_a_stream_that_ends_after_its_block_is_booked(client, meter, tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        with TokenBudgetManager([Budget(calls=5)], ledger=ledger) as manager, track("run", budget=manager):
            stream = ask(client, stream=True, stream_options={"include_usage": True})
        for _ in stream:
            pass
        assert manager.status()[0].spent == Amounts(25_200, TOOK, 1)


def test_no_limit_of_the_answer_may_be_written_as_minus_one(client, meter):
    with track("run", budget=Budget(calls=1)):
        ask(client, most=-1)
    assert len(meter.requests) == 1
