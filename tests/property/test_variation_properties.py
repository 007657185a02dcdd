"""Whatever a spec holds, a table can say; whatever a table holds, it is read or refused with its place."""

import csv
import io
from enum import StrEnum
from typing import get_origin

from hypothesis import given
from hypothesis import strategies as st

from tracking.crew.batch_inputs import Offer, batch_inputs
from tracking.domain.spec import BOUNDS, RunSpec
from tracking.domain.variation import FIELDS, cell_of, vary
from tracking.errors import DatasetError

BASE = RunSpec(preset="custom", agents=("data_analyst",), model="embedded")
EVERYTHING = Offer(models={"embedded": None, "other": None}, names={}, told=FIELDS, refusal=lambda _: None)
_WORDS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=";|"), min_size=1)


def _values(path):
    kind = FIELDS[path]
    low, high = BOUNDS.get(path, (0, 0))
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(int(low), int(high))
    if kind is float:
        return st.integers(int(low * 10), int(high * 10)).map(lambda tenths: tenths / 10)
    if get_origin(kind) is tuple:
        return st.lists(_WORDS, min_size=1, unique=True).map(tuple)
    return st.sampled_from(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else _WORDS


CHANGES = st.fixed_dictionaries({}, optional={path: _values(path) for path in FIELDS})


@given(st.lists(CHANGES, min_size=1, max_size=4), st.sampled_from(",;\t|"))
def test_specs_written_as_a_table_are_read_back_the_same(changes, separator):
    specs = [vary(BASE, each) for each in changes]
    columns = [path for path in FIELDS if path != "settings.context_tokens" and "budget" not in path]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["name", *columns])
    writer.writerows([["run", *(cell_of(spec, path) for path in columns)] for spec in specs])
    found = batch_inputs(text.getvalue().encode(), "inputs.csv", BASE, EVERYTHING)
    assert found.problems == ()
    for spec, read in zip(specs, found.specs, strict=True):
        assert [getattr_at(read, path) for path in columns] == [getattr_at(spec, path) for path in columns]


def getattr_at(spec, path):
    section, name = path.split(".")
    return getattr(getattr(spec, section), name)


def outcome(data):
    try:
        return "", batch_inputs(data, "inputs.csv", BASE, EVERYTHING)
    except DatasetError as error:
        return str(error), None


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused_in_words(data):
    refused, found = outcome(data)
    assert (found is None) == refused.startswith("inputs.csv")
    if found is not None:
        assert len(found.items) + sum(bool(row.problems) for row in found.rows) == len(found.rows)
        assert all(problem.told("inputs.csv").startswith("inputs.csv, row ") for problem in found.problems)
