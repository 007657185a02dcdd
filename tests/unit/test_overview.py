from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from run_support import BEGAN, call, estimated, refused, run

from tracking.domain.call import totals
from tracking.domain.usage import TokenUsage
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.report.breakdown import Dimension
from tracking.report.overview import dearest_runs, latencies, load_overview, model_order, where
from tracking.report.period import period

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
THIRTY = period("30", NOW, BERLIN)


@pytest.fixture
def ledger():
    with Ledger.open("sqlite://") as opened:
        yield opened


def kept(ledger, *calls):
    for each in calls:
        ledger.append(each)
    return calls


def days_ago(days, **changes):
    return {"started_at": NOW - timedelta(days=days), **changes}


def test_a_period_is_told_with_the_one_before_and_nothing_else(ledger):
    now = kept(ledger, call(0, **days_ago(0)), call(1, **days_ago(29)), refused(2, **days_ago(3)))
    before = kept(ledger, call(3, nano=50_000, **days_ago(31)), call(4, **days_ago(59)))
    kept(ledger, call(5, **days_ago(60)))
    found = load_overview(ledger, THIRTY, BERLIN)
    assert (found.whole, found.before) == (totals(now), totals(before))


def test_the_parts_are_the_whole_whichever_way_it_is_told(ledger):
    kept(
        ledger,
        call(0, **days_ago(1)),
        call(1, "Report Writer", "report", nano=240_000, request_model="gpt-4o", **days_ago(1)),
        call(2, None, None, nano=None, **days_ago(2)),
    )
    found = load_overview(ledger, THIRTY, BERLIN)
    assert [(part.label, part.share) for part in found.agents] == [
        ("Report Writer", 240 / 360),
        ("Data Analyst", 120 / 360),
        ("unattributed", 0),
    ]
    assert [part.label for part in found.models] == ["gpt-4o", "gpt-4o-mini"]
    tasks = where(ledger, THIRTY, Dimension.TASK)
    assert [part.label for part in tasks] == ["Report", "Data analysis", "unattributed"]
    for parts in (found.agents, found.models, tasks):
        assert sum(part.totals.cost.nano_usd or 0 for part in parts) == found.whole.cost.nano_usd == 360_000
        assert sum(part.totals.requests for part in parts) == 3
        assert sum(part.totals.unpriced_requests for part in parts) == 1


def test_the_model_that_answered_is_billed_whichever_was_asked_for(ledger):
    kept(
        ledger,
        call(0, request_model="fast", response_model="gpt-4o", **days_ago(1)),
        call(1, request_model="gpt-4o", **days_ago(1)),
    )
    [model] = load_overview(ledger, THIRTY, BERLIN).models
    assert (model.name, model.totals.requests) == ("gpt-4o", 2)


def test_days_are_the_viewers_and_none_is_left_out(ledger):
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # it is the 21st in Berlin
    kept(ledger, call(0, started_at=late), call(1, started_at=NOW - timedelta(days=5)))
    found = load_overview(ledger, THIRTY, BERLIN)
    assert (len(found.stretches), found.unit) == (30, "day")
    spent = {stretch.start: stretch.cost for stretch in found.stretches if stretch.cost}
    assert spent == {
        date(2026, 11, 17): {"gpt-4o-mini": 120_000},
        date(2026, 11, 21): {"gpt-4o-mini": 120_000},
    }
    assert sum(stretch.sums["cost_nano_usd"] for stretch in found.stretches) == found.whole.cost.nano_usd


def test_a_long_period_is_told_in_weeks_and_a_longer_one_in_months(ledger):
    kept(ledger, call(0, **days_ago(0)), call(1, **days_ago(300)))
    year = load_overview(ledger, period("365", NOW, BERLIN), BERLIN)
    assert (year.unit, len(year.stretches)) == ("week", 53)
    assert all(stretch.start.weekday() == 0 for stretch in year.stretches)
    kept(ledger, call(2, **days_ago(1_000)))
    everything = load_overview(ledger, period("all", NOW, BERLIN), BERLIN)
    assert (everything.unit, len(everything.stretches)) == ("month", 34)
    assert everything.first == date(2024, 2, 26)
    assert sum(stretch.tokens.get("gpt-4o-mini", 0) for stretch in everything.stretches) == 3 * 420


def test_an_empty_ledger_is_empty_in_every_period(ledger):
    for choice in ("30", "all"):
        found = load_overview(ledger, period(choice, NOW, BERLIN), BERLIN)
        assert found.is_empty
        assert not any(stretch.cost for stretch in found.stretches)
        assert latencies(ledger, found.period) == []
        assert dearest_runs(ledger, found.period, found.whole) == []


def test_the_dearest_runs_have_their_names_and_shares(ledger):
    RunBook(ledger).add(run(run_id="a", name="Autumn launch"))
    kept(
        ledger,
        call(0, run_id="a", nano=300_000),
        call(0, run_id="b", nano=100_000),
        call(0, run_id="free", nano=0),
        call(0, run_id="old", nano=900_000, started_at=BEGAN - timedelta(days=40)),
    )
    whole = load_overview(ledger, THIRTY, BERLIN).whole
    found = [(each.run_id, each.name, each.share) for each in dearest_runs(ledger, THIRTY, whole)]
    assert found == [("a", "Autumn launch", 0.75), ("b", None, 0.25)]


def test_latencies_are_per_model_the_most_asked_first(ledger):
    kept(ledger, *(call(n, duration=1.0 + n, **days_ago(2)) for n in range(100)))
    kept(ledger, call(100, request_model="gpt-4o", duration=7.0, **days_ago(2)))
    mini, big = latencies(ledger, THIRTY)
    assert (mini.model, mini.requests, big.model, big.requests) == ("gpt-4o-mini", 100, "gpt-4o", 1)
    assert (mini.p50, mini.p95, mini.p99) == pytest.approx((50.5, 95.05, 99.01), rel=0.02)
    assert (big.p50, big.p99) == pytest.approx((7.0, 7.0), rel=0.01)


def test_the_same_model_asked_for_under_two_names_is_told_apart(ledger):
    kept(
        ledger,
        call(0, request_model="fast", response_model="gpt-4o", **days_ago(1)),
        call(1, request_model="gpt-4o", **days_ago(1)),
    )
    kept(ledger, call(2, request_model="gpt-4o", **days_ago(1)))
    lines = {line.model: line.requests for line in latencies(ledger, THIRTY)}
    assert lines == {"gpt-4o (asked for as fast)": 1, "gpt-4o (asked for as gpt-4o)": 2}


def test_a_day_says_what_is_not_exact_of_it(ledger):
    kept(
        ledger,
        call(0, **days_ago(1)),
        call(1, nano=None, request_model="dark", **days_ago(1)),
        call(2, tokens=None, request_model="mute", **days_ago(1)),
        estimated(3, request_model="guess", **days_ago(1)),
        call(4, nano=0, request_model="gratis", **days_ago(1)),
    )
    [day] = [each for each in load_overview(ledger, THIRTY, UTC).stretches if each.tokens]
    told = {name: (day.told([name], spend=True), day.told([name], spend=False)) for name in day.tokens}
    assert told == {
        "gpt-4o-mini": ("$0.00012", "420"),
        "dark": ("unpriced", "420"),
        "mute": ("unpriced", "≥ 0"),
        "guess": ("≈ $0.00009", "≈ 240"),
        "gratis": ("$0.00", "420"),
    }
    assert (day.told(day.tokens, spend=True), day.told(["absent"], spend=True)) == ("≥ $0.00021", "")


def test_models_have_their_colours_by_what_they_cost_in_all_history(ledger):
    kept(
        ledger,
        call(0, request_model="cheap", usage=TokenUsage(input_tokens=9_000, output_tokens=1)),
        call(1, request_model="dear", nano=900_000, started_at=BEGAN - timedelta(days=400)),
        call(2, request_model="free", nano=0),
    )
    assert model_order(ledger) == ["dear", "cheap", "free"]


@pytest.mark.parametrize("choice", ["7", "30", "365", "month", "all"])
def test_no_single_call_is_read_that_has_been_added_up(choice, tmp_path):
    """Neither for the figures nor for the tables: the page costs the same at any number of calls."""
    import sqlalchemy as sa

    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.append_all(call(n, started_at=NOW - timedelta(hours=5 * n)) for n in range(300))
        ledger.catch_up()
        asked = []
        sa.event.listen(ledger.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        chosen = period(choice, NOW, BERLIN)
        found = load_overview(ledger, chosen, BERLIN)
        where(ledger, chosen, Dimension.TASK)
        dearest_runs(ledger, chosen, found.whole)
        latencies(ledger, chosen)
        model_order(ledger)
    reading = [
        part for text in asked for part in text.split("UNION ALL") if "FROM calls" in part.replace("\n", " ")
    ]
    assert reading
    assert all("position >=" in part for part in reading)
