"""Ours, genai-prices and litellm on the golden rows: `docs/prices.md` says who is right, and why not.

`pytest tests/golden --write-prices` asks litellm anew, in an environment of its own, and writes the document.
"""

from collections import Counter

import pytest
from golden.comparison.answers import ask_litellm, genai, ours
from golden.comparison.kinds import KINDS
from golden.comparison.rows import golden_rows, read_litellm, write_litellm
from golden.comparison.table import TABLE, explanations, render

ROWS = golden_rows()
pytestmark = pytest.mark.timeout(900)  # making litellm's environment, the first time it is asked


@pytest.fixture(scope="module")
def litellm(request):
    """Which one was asked and when, and its answers."""
    if request.config.getoption("--write-prices"):
        write_litellm(*ask_litellm(ROWS))
    return read_litellm()


@pytest.fixture(scope="module")
def why(litellm):
    """What is wrong with every answer that is, by library and row."""
    return explanations(ROWS, {"genai-prices": {row.key: genai(row) for row in ROWS}, "litellm": litellm[1]})


def test_no_row_is_there_twice():
    assert [key for key, count in Counter(row.key for row in ROWS).items() if count > 1] == []


def test_litellm_was_asked_about_every_row_and_no_other(litellm):
    _, answers = litellm
    assert answers.keys() == {row.key for row in ROWS}, "pytest tests/golden --write-prices asks it anew"


def test_ours_is_right_about_every_row_where_each_ninth_is_wrong_in_both_others(why):
    assert [row.key for row in ROWS if ours(row).verdict(row.truth) != "right"] == []
    both = [row for row in ROWS if ("genai-prices", row.key) in why and ("litellm", row.key) in why]
    assert len(both) * 9 > len(ROWS)


def test_every_disagreement_is_explained(why):
    assert [answer for answer, kinds in why.items() if not kinds] == []


def test_every_explanation_explains_something(why):
    assert KINDS.keys() - {kind for kinds in why.values() for kind in kinds} == set()


def test_the_document_is_what_the_libraries_say(litellm, request):
    made = render(ROWS, *litellm)
    if request.config.getoption("--write-prices"):
        TABLE.write_text(made, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == made, (
        "docs/prices.md is out of date: pytest tests/golden --write-prices"
    )
