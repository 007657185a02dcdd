from datetime import UTC, datetime, timedelta

import pytest
from run_support import call, refused

from tracking.ledger.ledger import Ledger
from tracking.ledger.newest import billed_since, reaching_back

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(hours=10)


@pytest.fixture
def ledger():
    """Ten calls an hour for ten hours; refused ones are not billed, and not counted."""
    with Ledger.open("sqlite://") as opened:
        for number in range(100):
            opened.append(call(number, started_at=START + timedelta(minutes=6 * number)))
        opened.append(refused(100, started_at=START))
        yield opened


def test_what_was_billed_is_counted_from_sums(ledger):
    assert billed_since(ledger, None) == 100
    assert billed_since(ledger, START + timedelta(hours=9)) == 10
    assert billed_since(ledger, START, START + timedelta(hours=1)) == 10


@pytest.mark.parametrize(("most", "hours"), [(100, 0), (50, 5), (48, 5.25), (46, 5.5), (10, 9), (0, 10)])
def test_it_reaches_back_as_far_as_the_calls_are_few_enough(ledger, most, hours):
    since = reaching_back(ledger, START, END, most)
    assert since == START + timedelta(hours=hours)
    assert billed_since(ledger, since) <= most
