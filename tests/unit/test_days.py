from datetime import date, timedelta
from decimal import Decimal

from run_support import BEGAN, call, run, three_calls

from tracking.domain.call import totals
from tracking.ledger.ledger import Ledger
from tracking.report.days import by_day, days_frame, days_of_all
from tracking.report.history import add_up, entries

LATER = BEGAN + timedelta(hours=1)


def history():
    runs = [run(run_id="a"), run(run_id="b", created_at=BEGAN - timedelta(days=1))]
    return entries(runs, {"a": totals(three_calls()), "b": totals([call(0)])}, LATER)


def test_days_are_the_viewers_and_add_up_to_the_whole():
    days = by_day(history(), "Asia/Tokyo")
    assert [each.day for each in days] == [date(2026, 11, 21), date(2026, 11, 22)]
    assert sum(each.tokens for each in days) == add_up(history()).tokens
    assert [each.day for each in by_day(history(), None)] == [date(2026, 11, 20), date(2026, 11, 21)]


def test_the_days_of_a_whole_ledger_come_from_its_sums():
    with Ledger.open("sqlite://") as ledger:
        assert days_of_all(ledger, None) == []
        for number, days in enumerate((0, 0, 1, 200)):
            ledger.append(call(number, started_at=BEGAN - timedelta(days=days), nano=120_000 * (days < 1)))
        ledger.append(call(9, nano=None))
        first, second = days_of_all(ledger, "Asia/Tokyo")  # 200 days before the newest is too long ago
    assert (first.day, first.tokens, first.cost) == (date(2026, 11, 21), 420, 0)
    assert (second.day, second.tokens, second.cost) == (date(2026, 11, 22), 1260, Decimal("0.00024"))
    assert second.words == ("3 calls, 1,260 tokens, ≥ $0.00024", "1 call unpriced")


def test_the_data_of_the_days_is_the_newest_first_with_what_each_lacks():
    frame = days_frame(by_day(history(), None))
    assert frame.to_numpy().tolist() == [
        ["21 Nov 2026", "1 run used 1,275 tokens, $0.00036", ""],
        ["20 Nov 2026", "1 run used 420 tokens, $0.00012", ""],
    ]
