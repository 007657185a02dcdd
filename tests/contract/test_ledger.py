"""One contract, two engines: SQLite and PostgreSQL keep calls and runs alike."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from tracking import Cost, Ledger, LlmCall, TokenUsage
from tracking.domain.bill import bill
from tracking.domain.call import CallStatus, totals
from tracking.domain.cost import CostState, Receipt
from tracking.domain.run import LOST_AFTER, Run, RunState, TaskProgress
from tracking.domain.under_way import CallUnderWay
from tracking.domain.usage import UsageState
from tracking.errors import LedgerError
from tracking.ledger.database import open_engine
from tracking.ledger.outputs import OutputStore, TaskOutput
from tracking.ledger.runs import RunBook
from tracking.ledger.schema import runs
from tracking.ledger.under_way import UnderWay
from tracking.ledger.upgrade import create

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def call(number, **changes):
    values = {
        "call_id": f"call-{number}",
        "run_id": "run-1",
        "started_at": START + timedelta(seconds=number),
        "duration": 1.25,
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "agent_name": "Analyst",
        "task_name": "market",
        "usage": TokenUsage(input_tokens=100 * number, output_tokens=10),
        "usage_state": UsageState.REPORTED,
        "cost": Cost(
            1_500 * number,
            CostState.KNOWN,
            Receipt("openai", "gpt-4o-mini", "genai-prices", {"input_mtok": Decimal("0.15")}),
        ),
        "sources": ("http", "event"),
    }
    return LlmCall(**{**values, **changes})


ESTIMATED = {"usage_state": UsageState.ESTIMATED, "cost": Cost(700, CostState.ESTIMATED)}
UNKNOWN = {"usage": None, "usage_state": UsageState.UNKNOWN, "cost": Cost.unpriced()}
REFUSED = {**UNKNOWN, "status": CallStatus.ERROR, "error_type": "HTTP 429", "cost": Cost(0, CostState.KNOWN)}


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        yield opened


@pytest.fixture
def book(ledger):
    return RunBook(ledger)


def test_the_models_it_has_seen_are_those_that_were_billed(ledger):
    ledger.append(call(1))
    ledger.append(call(2))
    ledger.append(call(3, response_model=None))
    ledger.append(call(4, provider_name="anthropic", response_model="claude-sonnet-4-5"))
    ledger.append(call(5, response_model="never-billed", **REFUSED))
    assert ledger.models() == [
        ("anthropic", "claude-sonnet-4-5"),
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-4o-mini-2024-07-18"),
    ]


def test_a_call_comes_back_as_it_was_written(ledger):
    ledger.append(call(1))
    assert list(ledger.calls()) == [call(1)]


def test_the_same_call_written_twice_is_one_row(ledger):
    ledger.append(call(1))
    ledger.append(replace(call(1), agent_name="Somebody else"))
    assert list(ledger.calls()) == [call(1)]


def test_the_databases_sums_equal_the_sums_of_the_calls(ledger):
    calls = [call(1), call(2), call(3, **UNKNOWN), call(4, **REFUSED), call(5, agent_name=None)]
    calls.append(call(6, **ESTIMATED))
    for each in calls:
        ledger.append(each)
    assert ledger.totals() == totals(calls)
    assert ledger.totals().estimated_usage == TokenUsage(input_tokens=600, output_tokens=10)
    assert ledger.totals().reported_usage == TokenUsage(input_tokens=800, output_tokens=30)
    by_agent = ledger.totals(by="agent_name")
    assert set(by_agent) == {"Analyst", None}
    assert sum(part.requests for part in by_agent.values()) == ledger.totals().requests == 5
    assert by_agent[None].usage.input_tokens == 500


def test_sums_of_nothing_are_nothing_rather_than_unknown(ledger):
    assert ledger.totals() == totals([])


def test_sums_may_be_asked_for_per_several_columns(ledger):
    made = [call(1), call(2, response_model=None), call(3), call(4, agent_name=None, **UNKNOWN)]
    for each in made:
        ledger.append(each)
    found = ledger.totals(by=("response_model", "agent_name"))
    assert found == {
        ("gpt-4o-mini-2024-07-18", "Analyst"): totals([made[0], made[2]]),
        (None, "Analyst"): totals([made[1]]),
        ("gpt-4o-mini-2024-07-18", None): totals([made[3]]),
    }
    assert ledger.latest(by=("response_model",)) == {
        ("gpt-4o-mini-2024-07-18",): made[3].started_at,
        (None,): made[1].started_at,
    }


def test_the_databases_bill_equals_the_bill_of_the_calls(ledger):
    other = Cost(700, CostState.KNOWN, Receipt("openai", "gpt-4o", "list", {"input_tokens": Decimal(2)}))
    made = [call(1), call(2), call(3, cost=other), call(4, **UNKNOWN), call(5, **REFUSED)]
    for each in made:
        ledger.append(each)
    assert ledger.bill() == bill(made)
    assert [item.totals.requests for item in ledger.bill()] == [2, 1, 1]
    assert ledger.bill(agent_name="Somebody else") == []


def test_filters_take_values_several_values_and_a_time_range(ledger):
    for number in range(1, 5):
        ledger.append(call(number, run_id=f"run-{number}"))
    assert [c.call_id for c in ledger.calls(run_id=("run-2", "run-3"))] == ["call-2", "call-3"]
    since, until = START + timedelta(seconds=2), START + timedelta(seconds=4)
    assert [c.call_id for c in ledger.calls(since=since, until=until)] == ["call-2", "call-3"]


def test_a_filter_for_none_finds_what_could_not_be_told_and_nothing_else(ledger):
    for each in (call(1), call(2, agent_name=None), call(3, agent_name="Writer")):
        ledger.append(each)
    assert [c.call_id for c in ledger.calls(agent_name=None)] == ["call-2"]
    assert [c.call_id for c in ledger.calls(agent_name=("Writer", None))] == ["call-2", "call-3"]


def test_a_database_that_fails_is_a_ledger_error_that_quotes_no_values(ledger, book):
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE calls")
    ledger.append(call(1, request_model="quoted-nowhere"))
    with pytest.raises(LedgerError, match="calls") as failed:
        ledger.flush()
    assert "quoted-nowhere" not in str(failed.value)
    with pytest.raises(LedgerError):
        ledger.totals()
    with ledger.engine.begin() as connection:
        create(connection)
    assert ledger.totals().requests == 1  # it was kept meanwhile


def test_a_connection_that_the_server_dropped_is_replaced(postgres_url):
    import psycopg

    with Ledger.open(postgres_url) as ledger:
        ledger.append(call(1))
        ledger.flush()
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert ledger.totals().requests == 1


def test_a_filter_on_a_column_that_is_not_there_says_which_are(ledger):
    with pytest.raises(LedgerError, match="no column 'colour'; it has position, call_id"):
        list(ledger.calls(colour="red"))


def test_calls_written_by_many_threads_are_all_there(ledger):
    def write(first):
        for number in range(first, first + 50):
            ledger.append(call(number))

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.totals().requests == 400


def test_the_ledger_has_no_column_for_content(ledger):
    columns = {column["name"] for column in sa.inspect(ledger.engine).get_columns("calls")}
    assert not columns & {"messages", "prompt", "completion", "response", "content", "api_key", "headers"}


def test_only_one_of_two_workers_takes_a_run(ledger, book):
    book.add(Run(run_id="r", name="n", created_at=START))
    assert [book.start("r", worker="a", pid=1), book.start("r", worker="b", pid=2)] == [True, False]
    assert ledger.run("r").worker == "a"


def test_a_run_ends_once(ledger, book):
    book.add(Run(run_id="r", name="n", created_at=START))
    book.start("r", pid=1)
    assert book.finish("r", RunState.STOPPED, stop_reason="stopped by you")
    assert not book.finish("r", RunState.LOST, stop_reason="its process was killed")
    assert (ledger.run("r").state, ledger.run("r").stop_reason) == (RunState.STOPPED, "stopped by you")


def test_a_run_comes_back_with_its_spec_readings_and_error(ledger, book):
    run = Run(
        run_id="r",
        name="n",
        preset="roi",
        created_at=START,
        spec={"agents": ["a"]},
        error={"type": "ValueError", "message": "m", "traceback": "t"},
        readings={"metrics": {"total_tokens": None}},
        evidence={"tracking": True},
    )
    book.add(run)
    assert ledger.runs() == [run]


def test_stopping_a_run_that_waits_ends_it_and_stopping_a_running_one_asks_it(ledger, book):
    for run_id in ("waits", "runs"):
        book.add(Run(run_id=run_id, name="n", created_at=START))
    book.start("runs", pid=1)
    for run_id in ("waits", "runs"):
        book.request_stop(run_id)
    assert ledger.run("waits").state is RunState.STOPPED
    assert ledger.run("runs").state is RunState.RUNNING
    assert book.beat("runs") is True


def test_a_run_that_waits_is_stopped_at_once_also_when_the_task_under_way_was_meant(ledger, book):
    book.add(Run(run_id="r", name="n", created_at=START))
    book.request_stop_after_task("r")
    run = ledger.run("r")
    assert (run.state, run.stop_reason, run.stop_after_task_at) == (
        RunState.STOPPED,
        "stopped before it began",
        None,
    )


def test_a_stop_after_the_task_can_be_taken_back_until_it_has_happened(ledger, book):
    book.add(Run(run_id="r", name="n", created_at=START))
    book.start("r", pid=1)
    book.request_stop_after_task("r")
    assert ledger.run("r").stop_after_task_at is not None
    assert book.beat("r") is False  # the task under way is not disturbed
    assert book.take_back_stop_after_task("r")
    assert ledger.run("r").stop_after_task_at is None
    assert not book.ends_before_next_task("r", "stopped")
    book.request_stop_after_task("r")
    assert book.ends_before_next_task("r", "stopped by you after the task x")
    assert not book.take_back_stop_after_task("r")
    assert ledger.run("r").stop_reason == "stopped by you after the task x"
    assert book.finish("r", RunState.STOPPED)
    assert not book.take_back_stop_after_task("r")
    assert not book.ends_before_next_task("r", "again")


@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.STOPPED, RunState.LOST])
def test_a_run_that_ended_has_no_call_under_way(ledger, book, state):
    for run_id in ("r", "other"):
        book.add(Run(run_id=run_id, name="n", created_at=START))
        book.start(run_id, pid=1)
        call = CallUnderWay(
            call_id=f"c-{run_id}",
            run_id=run_id,
            started_at=START,
            provider_name="openai",
            request_model="gpt-4o-mini",
            operation_name="chat",
        )
        UnderWay(ledger).say(run_id, [call])
    book.finish("r", state)
    assert UnderWay(ledger).of("r") == []
    assert len(UnderWay(ledger).of("other")) == 1


def test_a_run_that_fell_silent_is_buried_with_its_task(ledger, book):
    book.add(Run(run_id="r", name="n", created_at=START))
    book.start("r", pid=1)
    book.set_tasks("r", [TaskProgress(position=i, task_name=f"t{i}", agent_name="a") for i in range(2)])
    book.change_task("r", 0, RunState.RUNNING)
    assert book.bury_lost() == []
    silent = datetime.now(UTC) - LOST_AFTER - timedelta(seconds=1)
    book.change("r", only={RunState.RUNNING}, heartbeat_at=silent)
    assert book.bury_lost() == ["r"]
    assert ledger.run("r").state is RunState.LOST
    assert [task.state for task in book.tasks("r")] == [RunState.LOST, RunState.QUEUED]


def test_a_run_that_was_given_up_as_lost_is_told_to_end_when_it_wakes(ledger, book):
    book.add(Run(run_id="r", name="n", created_at=START))
    book.start("r", pid=1)
    assert book.beat("r") is False
    book.finish("r", RunState.LOST)
    assert book.beat("r") is True


def test_runs_come_newest_first_and_by_state(ledger, book):
    for number in range(3):
        book.add(Run(run_id=str(number), name="n", created_at=START + timedelta(seconds=number)))
    book.finish("1", RunState.COMPLETED)
    assert [run.run_id for run in ledger.runs()] == ["2", "1", "0"]
    assert [run.run_id for run in ledger.runs(state=RunState.COMPLETED)] == ["1"]
    assert [run.run_id for run in ledger.runs(limit=1)] == ["2"]
    assert ledger.run_count() == 3


def test_log_lines_keep_their_order(book):
    for message in ("first", "second"):
        book.log("r", "info", message)
    assert [line.message for line in book.log_lines("r")] == ["first", "second"]


def test_outputs_are_kept_apart_from_the_ledger_and_replaced_in_place(database_url):
    store = OutputStore.open(database_url)
    with contextlib.closing(store):
        keep_and_replace(store)


def keep_and_replace(store):
    store.put("r", TaskOutput(1, "report", "Writer", "second"))
    store.put("r", TaskOutput(0, "market", "Analyst", "first", "| a |"))
    store.put("r", TaskOutput(1, "report", "Writer", "second, better"))
    assert [output.text for output in store.of("r")] == ["first", "second, better"]
    assert "text" not in runs.c


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ledger.db", "'ledger.db' is not a database URL: write sqlite:///"),
        ("postgresql//me:hunter2@host/db", "^'host/db' is not a database URL"),
        ("mysql://localhost/x", "mysql is not supported"),
        ("postgresql://nobody@127.0.0.1:1/none", "can't be reached"),
        ("sqlite:////proc/none/ledger.sqlite", "can't be made"),
        ("sqlite://?synchronous=never", "synchronous=never is not known: write normal or full"),
    ],
)
def test_a_ledger_that_cannot_be_opened_says_why(url, message):
    with pytest.raises(LedgerError, match=message):
        open_engine(url)


def test_a_new_ledger_may_be_opened_by_several_at_once(tmp_path):
    """As when two pages are opened, or two workers started, on a computer that has none yet."""
    for number in range(20):
        url, together = f"sqlite:///{tmp_path / str(number)}.sqlite", threading.Barrier(4)

        def begin(url=url, together=together):
            together.wait()
            Ledger.open(url).close()

        with ThreadPoolExecutor(4) as threads:
            for opened in [threads.submit(begin) for _ in range(4)]:
                opened.result()


def test_a_ledger_may_be_asked_to_survive_a_power_cut(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}?synchronous=full") as ledger:
        ledger.append(call(1))
        assert list(ledger.calls()) == [call(1)]
        with ledger.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert ledger._journal._sync
    assert (tmp_path / "ledger.sqlite").exists()
