"""The history that the benches ask is one that the program itself could have written."""

from collections import Counter

import pyarrow as pa
import pytest
from bench.firm import AGENTS, MODELS
from bench.history import made_history
from bench.runs import END, FIRST
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking import Ledger, PriceBook
from tracking.domain.cost import CostState
from tracking.domain.spec import RunSpec
from tracking.domain.usage import UsageState
from tracking.ledger.rows import CALL_COLUMNS, READ_COLUMNS, call_of, call_values
from tracking.ledger.schema import runs

BOOK = PriceBook.load()


def made(calls, seed=5):
    """The calls with their rows, and the runs' rows."""
    rows, of_runs, receipts = [], [], {}
    for piece in made_history(calls, seed):
        receipts |= dict(zip(*(column.to_pylist() for column in piece.receipts.columns), strict=True))
        rows += zip(*(column.to_pylist() for column in piece.calls.columns), strict=True)
        of_runs += piece.runs.to_pylist()
    number = READ_COLUMNS.index("receipt_id")
    return [(call_of((*row, receipts[row[number]])), row) for row in rows], of_runs


@settings(max_examples=12, deadline=None)
@given(calls=st.integers(1, 1_500), seed=st.integers(0, 2**31))
def test_there_are_as_many_calls_as_asked_for_each_at_the_price_of_its_time(calls, seed):
    found, _ = made(calls, seed)
    assert len(found) == calls
    for call, _ in found:
        assert call.started_at >= FIRST
        price = BOOK.price(
            call.billed_model,
            call.usage,
            provider=call.provider_name,
            at=call.started_at,
            service_tier=call.service_tier,
        )
        assert (call.cost.nano_usd, call.cost.receipt) == (price.nano_usd, price.receipt)
        estimated = call.usage_state is UsageState.ESTIMATED and price.state is CostState.KNOWN
        assert call.cost.state is (CostState.ESTIMATED if estimated else price.state)


@pytest.fixture(scope="module")
def some():
    return made(20_000)


def test_a_row_is_what_the_ledger_writes_for_its_call(some):
    names = [name for name in CALL_COLUMNS if name not in {"receipt", "raw_usage"}]
    for call, row in some[0]:
        written = dict(zip(CALL_COLUMNS, call_values(call), strict=True))
        kept = dict(zip(READ_COLUMNS, row, strict=False))
        assert {name: written[name] for name in names} == {name: kept[name] for name in names}


def test_a_second_making_is_the_same():
    first, second = (pa.concat_tables(p.calls for p in made_history(3_000)).to_pylist() for _ in range(2))
    assert first == second


def test_it_is_of_all_kinds_and_skewed(some):
    calls = [call for call, _ in some[0]]
    models = Counter(call.request_model for call in calls)
    agents = Counter(call.agent_name for call in calls if call.agent_name)
    assert set(models) == {model.name for model in MODELS}
    assert set(agents) == set(AGENTS)
    assert models.most_common()[0][1] > 5 * models.most_common()[9][1]
    assert agents.most_common()[0][1] > 5 * agents.most_common()[19][1]
    assert {call.cost.state for call in calls} >= {CostState.KNOWN, CostState.ESTIMATED, CostState.UNPRICED}
    assert {call.usage_state for call in calls} == set(UsageState)
    assert 0 < sum(not call.billed for call in calls) < len(calls) / 50
    weekend = sum(call.started_at.weekday() >= 5 for call in calls)
    assert weekend < len(calls) / 10  # two days of seven
    assert max(call.started_at for call in calls) < END


def test_its_runs_are_those_of_its_calls_and_can_be_read(some, tmp_path):
    calls, rows = [call for call, _ in some[0]], some[1]
    assert {row["run_id"] for row in rows} == {call.run_id for call in calls}
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        with ledger.engine.begin() as connection:
            connection.execute(runs.insert(), rows)
        read = ledger.runs()
    assert len(read) == len(rows)
    last = {call.run_id: call.ended_at for call in sorted(calls, key=lambda call: call.ended_at)}
    for run in read:
        RunSpec.from_json(run.spec)
        assert run.finished_at == last[run.run_id]
