from datetime import UTC, datetime

import pytest

from tracking.ledger.agreement import MEASURES, Agreement, Side
from tracking.ledger.archive import Part
from tracking.ledger.database import microseconds
from tracking.ledger.rollups.checking import Difference
from tracking.ledger.sizes import Sizes
from tracking.report.health import (
    Health,
    agreement_frame,
    agreement_words,
    behind_note,
    byte_size,
    difference_words,
    months_frame,
    retention_words,
    title,
    way_note,
)

MARCH, APRIL = (microseconds(datetime(2026, month, 1, tzinfo=UTC)) for month in (3, 4))
SUMS = dict(zip(MEASURES, (1_200, 4, 0, 0, 80_000, 4_120, 1_240_000_000), strict=True))
SAME = Agreement("all calls", (Side("model", 3, SUMS), Side("agent", 5, SUMS)))
OTHER = Agreement("all calls", (*SAME.sides, Side("task", 2, SUMS | {"requests": 1_199})))


def health(**changes):
    values = {
        "sizes": Sizes(database=3_100_000, journals=0, behind=0, calls=1_204, runs=12),
        "archived": (),
        "agreements": (SAME,),
        "waiting": 0,
        "rejected": 0,
        "checked": {},
    }
    return Health(**{**values, **changes})


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1.0 kB"), (9_949, "9.9 kB"),
        (9_951, "10 kB"), (3_100_000, "3.1 MB"), (999_600_000, "1.0 GB"), (2_500_000_000_000_000, "2,500 TB"),
    ],
)  # fmt: skip
def test_sizes_are_in_powers_of_a_thousand(count, text):
    assert byte_size(count) == text


def test_the_title_is_the_answer():
    assert title(health()) == "The ledger is sound: 1,204 calls, 3.1 MB"
    empty = Sizes(database=100_000, journals=0, behind=0, calls=0, runs=0)
    assert title(health(sizes=empty)) == "The ledger is sound, and has no call yet"


def test_the_archive_is_part_of_the_size():
    parts = (Part(MARCH, 1, "a.parquet", 900, 900_000), Part(MARCH, 2, None, 1, 0))
    assert title(health(archived=parts)) == "The ledger is sound: 1,204 calls, 4.0 MB"


def test_what_is_wrong_comes_first():
    assert title(health(agreements=(OTHER,))) == (
        "The ledger's sums contradict each other: 1,204 calls, 3.1 MB"
    )
    wrong = {MARCH: [Difference("usage_by_agent", MARCH, 2)], APRIL: []}
    assert title(health(checked=wrong)) == (
        "Sums of March 2026 are not what the calls add up to: 1,204 calls, 3.1 MB"
    )
    assert title(health(rejected=2)) == "2 calls could not be kept: 1,204 calls, 3.1 MB"


def test_calls_on_their_way_and_lost_ones_are_said():
    assert way_note(health()) == ""
    assert way_note(health(waiting=1)).startswith("1 call is on disk and on the way into the database;")
    assert "would not have 2 calls while it took others: they are lost" in way_note(health(rejected=2))


def test_how_far_sums_are_behind():
    def behind(count):
        return behind_note(Sizes(database=1, journals=0, behind=count, calls=9, runs=1, most_behind=1_000))

    assert behind(0) == "All calls are in the sums."
    assert behind(1) == "1 call not yet in the sums; every answer has them all the same."
    assert behind(1_000) == "1,000 calls or more are not yet in the sums; every answer has them all the same."


def test_what_is_kept_is_said_in_words():
    assert retention_words(None, archive=True) == (
        "Every call stays in the database (`keep_calls_days` is not set)."
    )
    assert retention_words(90, archive=True) == (
        "Single calls leave the database 90 days after their month has ended, as Parquet files, and are read "
        "from there; their sums stay for ever."
    )
    assert "for good; their sums" in retention_words(90, archive=False)


def test_agreement_is_said_with_what_was_compared():
    assert agreement_words(SAME) == (
        "By model and agent: all calls add up to the same, to the token and the nano-dollar."
    )
    assert agreement_words(OTHER) == "By task: the sums are not those by model."
    frame = agreement_frame(OTHER)
    assert list(frame[""]) == ["equal", "equal", "differs"]
    assert list(frame.loc[0]) == ["model", "3", "1,204", "84,120", "$1.24", "equal"]


def test_every_month_says_where_its_calls_are_and_whether_they_were_compared():
    parts = (Part(MARCH, 1, "a.parquet", 900, 900_000), Part(MARCH, 2, "b.parquet", 100, 100_000))
    frame = months_frame([(APRIL, APRIL + 1)], parts, health(checked={APRIL: []}))
    assert frame.to_numpy().tolist() == [
        ["April 2026", "in the database", "adds up"],
        ["March 2026", "1,000 calls in 2 files, 1.0 MB", "its calls are not here to compare"],
    ]
    found = [Difference("usage_by_agent", APRIL, 2), Difference("histograms", APRIL, 1)]
    assert difference_words(found) == "2 rows of usage_by_agent, 1 row of histograms"
    [row] = months_frame([(MARCH, APRIL)], [], health()).to_numpy().tolist()
    assert row == ["March 2026", "in the database", "not compared yet"]
    [gone] = months_frame([], [Part(MARCH, 1, None, 5, 0)], health()).to_numpy().tolist()
    assert gone[1] == "5 calls left for good"
