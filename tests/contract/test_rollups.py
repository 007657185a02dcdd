"""Sums that are kept: whatever is asked, and however far they are, the answer is that of the calls."""

import itertools
import math
import random
import threading
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_support import RATES

from tracking import Cost, Ledger, LlmCall, TokenUsage
from tracking.domain.bill import bill
from tracking.domain.call import CallStatus, totals
from tracking.domain.cost import CostState
from tracking.domain.usage import UsageState
from tracking.errors import LedgerError
from tracking.ledger.retention import Retention

FIRST = datetime(2026, 2, 26, tzinfo=UTC)
DAYS = 40  # over two ends of months, and over the spring change of clocks in New York and Berlin
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Auckland"]


def history(seed, count):
    """Calls of every kind, scattered over the days, in no order."""
    chance = random.Random(seed)
    for number in range(count):
        kind = chance.choice(["ok"] * 6 + ["refused", "unknown", "estimated", "unpriced"])
        known = kind not in {"refused", "unknown"}
        tokens = chance.randrange(1, 5_000)
        yield LlmCall(
            call_id=f"{seed}-{number}",
            run_id=chance.choice(["r1", "r2", "r3", "r4", None]),
            started_at=FIRST + timedelta(microseconds=chance.randrange(DAYS * 86_400_000_000)),
            duration=chance.lognormvariate(1, 1),
            provider_name=(provider := chance.choice(["openai", "anthropic"])),
            request_model=chance.choice(["a", "b"]) + provider,
            response_model=chance.choice([None, "a-2026"]),
            agent_name=chance.choice(["Analyst", "Writer", None]),
            task_name=chance.choice(["market", "report", None]),
            usage=TokenUsage(
                input_tokens=tokens,
                output_tokens=chance.randrange(900),
                cache_read_input_tokens=chance.choice([None, 0, tokens // 2]),
            )
            if known
            else None,
            usage_state=UsageState.ESTIMATED
            if kind == "estimated"
            else (UsageState.REPORTED if known else UsageState.UNKNOWN),
            cost=Cost.unpriced()
            if kind in {"unpriced", "unknown"}
            else Cost(0, CostState.KNOWN)
            if kind == "refused"
            else Cost(tokens * 3, CostState.KNOWN, RATES),
            status=CallStatus.ERROR if kind == "refused" else CallStatus.OK,
            stated_nano_usd=chance.choice([None, tokens]) if known else None,
            workflow_name=chance.choice(["crew", None]),
        )


@pytest.fixture(scope="module")
def made():
    return list(history(1, 600))


@pytest.fixture
def ledger(database_url, made):
    """Two thirds of the calls are added up, the others are new, and most of those are older."""
    with Ledger.open(database_url) as opened:
        opened.append_all(made[:400])
        opened._tending.join()
        assert opened.upkeep.catch_up() == 0  # the import had it done
        for call in made[400:]:
            opened.append(call)
        yield opened


def within(calls, since, until):
    return [
        call
        for call in calls
        if (since is None or call.started_at >= since) and (until is None or call.started_at < until)
    ]


RANGES = [
    (None, None),
    (FIRST + timedelta(days=3), None),
    (None, FIRST + timedelta(days=20, hours=5)),
    (FIRST + timedelta(days=1, hours=3, minutes=7, seconds=11), FIRST + timedelta(days=35, minutes=52)),
    (FIRST + timedelta(days=9), FIRST + timedelta(days=10)),
    (FIRST + timedelta(days=9, minutes=3), FIRST + timedelta(days=9, minutes=40)),
    (FIRST + timedelta(days=90), FIRST + timedelta(days=91)),
]
BY = [
    (),
    ("provider_name",),
    ("provider_name", "request_model", "response_model"),
    ("agent_name",),
    ("task_name",),
    ("request_model", "agent_name"),
    ("agent_name", "task_name"),
    ("run_id",),
    ("purpose",),
]


@pytest.mark.parametrize("caught_up", [False, True])
def test_totals_of_any_range_by_anything_are_those_of_the_calls(ledger, made, caught_up):
    if caught_up:
        assert ledger.catch_up() == 200
    for since, until in RANGES:
        bounds = {k: v for k, v in (("since", since), ("until", until)) if v}
        for by in BY:
            groups = defaultdict(list)
            for call in within(made, since, until):
                groups[tuple(getattr(call, name) for name in by)].append(call)
            expected = {key: totals(calls) for key, calls in groups.items()}
            if by:
                assert ledger.totals(by=by, **bounds) == expected, (by, bounds)
            else:
                assert ledger.totals(**bounds) == totals(within(made, since, until))


def test_filters_by_what_could_not_be_told_find_it_in_sums_too(ledger, made):
    for name in ("agent_name", "response_model", "task_name"):
        assert ledger.totals(**{name: None}) == totals([c for c in made if getattr(c, name) is None])
    assert ledger.totals(agent_name=("Writer", None)) == totals(
        [call for call in made if call.agent_name in {"Writer", None}]
    )
    assert ledger.totals(cost_state="unpriced", billed=1) == totals(
        [call for call in made if call.billed and call.cost.nano_usd is None]
    )


@pytest.mark.parametrize("by", [(), ("agent_name",), ("provider_name", "request_model"), ("purpose",)])
def test_days_of_any_zone_add_up_to_the_range(ledger, made, by):
    measures = ("requests", "failed_requests", "input_tokens", "cache_read_input_tokens", "cost_nano_usd")
    for zone, (since, until) in itertools.product(ZONES, (RANGES[0], RANGES[3], RANGES[4])):
        bounds = {k: v for k, v in (("since", since), ("until", until)) if v}
        expected = defaultdict(list)
        for call in within(made, since, until):
            day = call.started_at.astimezone(ZoneInfo(zone)).date()
            expected[(day, *(getattr(call, name) for name in by))].append(call)
        for _ in range(2):  # put together from hours, and then as days that are kept
            found = ledger.daily(ZoneInfo(zone), *measures, by=by, **bounds)
            assert list(found) == ["day", *by, *measures]
            rows = {row[: 1 + len(by)]: row[1 + len(by) :] for row in zip(*found.values(), strict=True)}
            assert rows == {key: of(calls) for key, calls in expected.items()}
            assert sum(found["requests"]) == ledger.totals(**bounds).requests
            if ledger._tending:
                ledger._tending.join()


def of(calls):
    sums = totals(calls)
    return (
        sums.requests,
        sums.failed_requests,
        sums.usage.input_tokens,
        sums.usage.cache_read_input_tokens,
        sum(call.cost.nano_usd or 0 for call in calls),
    )


def test_the_days_of_a_zone_are_kept_once_they_were_asked_for(ledger):
    ledger.daily(ZoneInfo("America/New_York"), "requests")
    ledger._tending.join()
    from tracking.ledger.rollups.state import phases

    with ledger.engine.connect() as connection:
        assert phases(connection) == [4 * 3600, 5 * 3600]  # its days begin at 5:00 UTC, in summer at 4:00


def test_days_that_were_asked_for_before_are_not_repeated_once_calls_changed(ledger, made, database_url):
    zone, gone = ZoneInfo("Asia/Tokyo"), next(call.run_id for call in made if call.run_id is not None)
    new = replace(made[0], call_id="new", run_id=None, started_at=FIRST)
    ledger.daily(zone, "requests")
    ledger._tending.join()  # its days are kept from now on, and so they are read the same way each time
    with Ledger.open(database_url) as other:  # as another process, whose changes this one is not told of
        for change in (other.catch_up, lambda: Retention(other).delete_run(gone), lambda: other.append(new)):
            change()
            other.flush()
            expected = {}
            for call in other.calls():
                day = call.started_at.astimezone(zone).date()
                expected[day] = expected.get(day, 0) + call.billed
            found = ledger.daily(zone, "requests")
            assert dict(zip(found["day"], found["requests"], strict=True)) == expected


def test_days_can_be_told_apart_by_what_some_calls_do_not_have(ledger, made):
    found = ledger.daily(ZoneInfo("UTC"), "requests", by=("workflow_name",))
    assert None in found["workflow_name"]
    assert sum(found["requests"]) == sum(call.billed for call in made)
    assert found["day"] == sorted(found["day"])


def test_runs_are_named_dearest_first(ledger, made):
    sums = ledger.totals(by="run_id")
    named = {run_id: each for run_id, each in sums.items() if run_id is not None}
    expected = sorted(named.items(), key=lambda item: -item[1].cost.nano_usd)
    assert ledger.top_runs(2) == expected[:2]
    assert ledger.totals(by="run_id", run_id=("r1", "r2")) == {key: named[key] for key in ("r1", "r2")}
    first = {run_id: min(c.started_at for c in made if c.run_id == run_id) for run_id in named}
    earliest = min(first, key=first.get)
    after = first[earliest] + timedelta(microseconds=1)
    assert [run for run, _ in ledger.top_runs(9, since=after)] == [r for r, _ in expected if r != earliest]
    assert [run for run, _ in ledger.top_runs(9, until=after)] == [earliest]


@pytest.mark.parametrize("measure", ["duration", "input_tokens", "output_tokens"])
def test_percentiles_are_within_two_percent(ledger, made, measure):
    fractions = (0.5, 0.95, 0.99)
    for since, until in RANGES[:4]:
        bounds = {k: v for k, v in (("since", since), ("until", until)) if v}
        for by in ((), ("provider_name",), ("agent_name",)):
            groups = defaultdict(list)
            for call in within(made, since, until):
                value = call.duration if measure == "duration" else getattr(call.usage, measure, None)
                if call.billed and value is not None:
                    groups[tuple(getattr(call, name) for name in by)].append(value)
            found = ledger.percentiles(measure, *fractions, by=by, **bounds)
            assert found.keys() == groups.keys()
            for key, values in groups.items():
                ordered = sorted(values)
                exact = [ordered[max(1, math.ceil(f * len(ordered))) - 1] for f in fractions]
                assert found[key] == pytest.approx(exact, rel=0.02), (by, key)


def test_percentiles_of_what_is_not_kept_are_refused(ledger):
    with pytest.raises(LedgerError, match="no quantiles of 'cost_nano_usd'; there are of duration"):
        ledger.percentiles("cost_nano_usd", 0.5)
    with pytest.raises(LedgerError, match="no sums of 'colour'"):
        ledger.sums("colour")


def test_a_bill_of_sums_is_the_bill_of_the_calls(ledger, made):
    assert ledger.bill() == bill(made)
    assert ledger.bill(provider_name="openai") == bill([c for c in made if c.provider_name == "openai"])
    assert ledger.bill(run_id="r1") == bill([call for call in made if call.run_id == "r1"])


def test_the_same_call_twice_is_counted_once_also_when_the_first_is_added_up(ledger, made):
    ledger.catch_up()
    before = ledger.totals()
    for call in made[:50]:
        ledger.append(replace(call, agent_name="Somebody else"))
    assert ledger.totals() == before
    assert ledger.catch_up() == 0
    assert ledger.totals() == before


def test_a_check_finds_nothing_where_nothing_is_wrong(ledger):
    ledger.daily(ZoneInfo("Asia/Kolkata"), "requests")
    ledger._tending.join()
    ledger.catch_up()
    assert [ledger.upkeep.check(month) for month in ledger.upkeep.months()] == [[], [], []]


def test_a_check_finds_what_is_wrong_and_a_rebuild_mends_it(ledger, made):
    ledger.catch_up()
    ledger.daily(ZoneInfo("America/New_York"), "requests")
    ledger._tending.join()
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE usage_by_agent SET cost_nano_usd = cost_nano_usd + 1 WHERE grain = 2592000"
        )
        connection.exec_driver_sql("DELETE FROM usage_by_run WHERE run_id = 'r1'")
        connection.exec_driver_sql("DELETE FROM histograms WHERE measure = 'duration'")
    assert ledger.totals(by="agent_name") != totals(made)
    wrong = {found.table for month in ledger.upkeep.months() for found in ledger.upkeep.check(month)}
    assert wrong == {"usage_by_agent", "usage_by_run", "histograms"}
    for month in ledger.upkeep.months():
        ledger.upkeep.rebuild(month)
    assert [ledger.upkeep.check(month) for month in ledger.upkeep.months()] == [[], [], []]
    assert ledger.totals(by="agent_name")["Writer"] == totals([c for c in made if c.agent_name == "Writer"])


def test_several_that_catch_up_at_once_add_nothing_twice(database_url, made):
    with Ledger.open(database_url) as ledger, Ledger.open(database_url) as other:
        together = threading.Barrier(3)

        def write():
            together.wait()
            for call in made[:200]:
                ledger.append(call)

        def keep(opened):
            together.wait()
            for _ in range(40):
                opened.upkeep.catch_up()

        threads = [
            threading.Thread(target=write),
            *(threading.Thread(target=keep, args=(opened,)) for opened in (ledger, other)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ledger.catch_up()
        assert ledger.totals() == totals(made[:200])
        assert ledger.totals(by="agent_name")[None] == totals([c for c in made[:200] if c.agent_name is None])
        assert [ledger.upkeep.check(month) for month in ledger.upkeep.months()] == [[], [], []]


def test_a_transaction_that_commits_late_is_added_up_all_the_same(postgres_url, made):
    """Its calls stand below others that were there before them."""
    import psycopg

    insert = (
        "INSERT INTO calls (call_id, started_at, duration, provider_name, request_model, operation_name, "
        "usage_state, cost_state, status, sources, billed) "
        f"VALUES (%s, {int(FIRST.timestamp() * 1e6)}, 1, 'openai', 'a', 'chat', "
        "'unknown', 'unpriced', 'ok', '', 1)"
    )
    with Ledger.open(postgres_url) as ledger:
        ledger.append(replace(made[0], started_at=FIRST))  # makes the month's partition
        ledger.flush()
        with psycopg.connect(postgres_url) as late, psycopg.connect(postgres_url) as early:
            late.execute(insert, ["late"])
            early.execute(insert, ["early"])
            early.commit()
            assert ledger.catch_up() == 1  # not the early one: an older transaction is open
            assert ledger.totals(by="request_model")["a"].requests == 1
            late.commit()
            assert ledger.totals(by="request_model")["a"].requests == 2
            assert ledger.catch_up() == 2
        assert ledger.totals(by="request_model")["a"].requests == 2


def test_a_transaction_of_another_database_holds_nothing_back(postgres_url, other_postgres_url, made):
    import psycopg

    with Ledger.open(postgres_url) as ledger, psycopg.connect(other_postgres_url) as elsewhere:
        elsewhere.execute("CREATE TABLE somebody (works integer)")
        ledger.append(made[0])
        assert ledger.catch_up() == 1


instants = st.integers(0, DAYS * 86_400_000_000 - 1).map(lambda n: FIRST + timedelta(microseconds=n))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bounds=st.tuples(instants, instants).map(sorted), zone=st.sampled_from(ZONES))
def test_the_days_of_any_range_in_any_zone_are_its_total(kept_ledger, bounds, zone):
    since, until = bounds
    found = kept_ledger.daily(ZoneInfo(zone), "requests", "cost_nano_usd", since=since, until=until)
    total = kept_ledger.sums("requests", "cost_nano_usd", since=since, until=until)
    assert sum(found["requests"]) == total["requests"][0]
    assert sum(found["cost_nano_usd"]) == total["cost_nano_usd"][0]
    assert found["day"] == sorted(set(found["day"]))


@pytest.fixture(scope="module")
def kept_ledger(tmp_path_factory, made):
    with Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('kept') / 'ledger.sqlite'}") as opened:
        opened.append_all(made)
        opened.catch_up()
        yield opened
