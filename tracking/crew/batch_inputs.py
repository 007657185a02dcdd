"""The rows of a file as the runs of a batch, every one of them checked before any is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracking.dataset.cells import excerpt
from tracking.dataset.rows import Row, Rows, read_rows
from tracking.domain.batch import BatchItem
from tracking.domain.spec import ContextMode, RunSpec
from tracking.domain.variation import (
    MODEL,
    NAME,
    CellError,
    field_named,
    known_fields,
    nearest_field,
    value_of,
    vary,
)
from tracking.errors import DatasetError

# Each is a report for somebody to read, and one click spends what they cost together. All of them stand in
# one table, which is read again every other second while they run.
MOST_ROWS: Final = 500
_LISTED: Final = 8  # names in a message


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be asked for on this machine, with this data, of this crew.

    Attributes:
        models: every model's id, and why it can't be used here; None: it can.
        names: what the data offers, by field; of other fields any value may be asked for.
        told: the fields that reach an agent, or choose the data; another one would change nothing.
        refusal: why a spec can't be run on the data, in a sentence; None: it can.
    """

    models: Mapping[str, str | None]
    names: Mapping[str, Sequence[str]]
    told: Collection[str]
    refusal: Callable[[RunSpec], str | None]


@dataclass(frozen=True, slots=True)
class InputProblem:
    """Why a file can't be run as it is. `row` counts from 1 with the header as the first one."""

    row: int
    column: str | None
    text: str

    def told(self, source: str) -> str:
        column = "" if self.column is None else f", column '{excerpt(self.column)}'"
        return f"{source}, row {self.row:,}{column}: {self.text}"


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row: its cells by field, what they change, and the run they ask for; None where it has problems."""

    number: int
    cells: Mapping[str, str]
    changes: Mapping[str, Any]
    spec: RunSpec | None
    problems: tuple[InputProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchInputs:
    """A file that was read. `columns` are the fields that it varies, in its order."""

    source: str
    columns: tuple[str, ...]
    rows: tuple[InputRow, ...]
    header_problems: tuple[InputProblem, ...] = ()

    @property
    def problems(self) -> tuple[InputProblem, ...]:
        return (*self.header_problems, *(problem for row in self.rows for problem in row.problems))

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        return tuple(row.spec for row in self.rows if row.spec is not None)

    @property
    def items(self) -> tuple[BatchItem, ...]:
        """The runs to be made; those of rows without problems."""
        return tuple(BatchItem(row.spec, row.changes.get(NAME)) for row in self.rows if row.spec is not None)


def batch_inputs(data: bytes, source: str, base: RunSpec, offer: Offer) -> BatchInputs:
    """Read a file as changes of a spec: a column per field, a row per run. An empty cell changes nothing.

    Raises:
        DatasetError: it can't be read as a table, or has more than `MOST_ROWS` rows.
    """
    table = read_rows(data, source, lambda header: field_named(header) is not None)
    if len(table.rows) > MOST_ROWS:
        raise DatasetError(
            f"{source} has {len(table.rows):,} rows. At most {MOST_ROWS:,} make a batch: split the file."
        )
    columns, problems = _columns(table, offer.told)
    rows = tuple(_row(row, table.headers, columns, base, offer) for row in table.rows)
    return BatchInputs(source, tuple(columns.values()), rows, tuple(problems))


def _columns(table: Rows, told: Collection[str]) -> tuple[dict[int, str], list[InputProblem]]:
    """Which field each column is for, by position, and what is wrong with the others."""
    fields: dict[int, str] = {}
    problems = []
    for position, header in enumerate(table.headers):
        found = field_named(header)
        if found is None:
            text = _unknown(header, told) if header else _without_header(table.rows, position)
        elif found in fields.values():
            earlier = table.headers[next(p for p, field in fields.items() if field == found)]
            text = f"'{excerpt(earlier)}' is for {found} already. Remove one of the two"
        elif found not in known_fields(told):
            text = (
                f"no chosen agent is told {found}, so it would change nothing. "
                "Remove the column, or choose an agent that is told"
            )
        else:
            fields[position] = found
            continue
        if text:
            problems.append(InputProblem(table.header_row, header or f"{position + 1}", f"{text}."))
    return fields, problems


def _unknown(header: str, told: Collection[str]) -> str:
    known = known_fields(told)
    meant = nearest_field(header)
    if meant in known:
        return f"no field of a run has this name. Did you mean {meant}? Rename the column, or remove it"
    return f"no field of a run has this name. Rename the column, or remove it; there are {', '.join(known)}"


def _without_header(rows: Iterable[Row], position: int) -> str:
    """An empty column is what spreadsheets append; one that holds something was meant to say something."""
    filled = next((row for row in rows if row.cells[position]), None)
    if filled is None:
        return ""
    shown = excerpt(filled.cells[position])
    return f"it has no header, but row {filled.number:,} has '{shown}'. Name it, or empty it"


def _row(
    row: Row, headers: Sequence[str], columns: Mapping[int, str], base: RunSpec, offer: Offer
) -> InputRow:
    cells = {field: row.cells[position] for position, field in columns.items()}
    changes: dict[str, Any] = {}
    problems = []
    for position, field in columns.items():
        if not (cell := cells[field]):
            continue
        try:
            changes[field] = _offered(field, value_of(field, cell), offer)
        except CellError as error:
            text = f"found '{excerpt(cell)}', {error}."
            problems.append(InputProblem(row.number, headers[position], text))
    if problems:
        return InputRow(row.number, cells, changes, None, tuple(problems))
    spec = vary(base, changes)
    if (refusal := _in_vain(spec, changes) or offer.refusal(spec)) is not None:
        return InputRow(row.number, cells, changes, None, (InputProblem(row.number, None, refusal),))
    return InputRow(row.number, cells, changes, spec)


def _offered(field: str, value: Any, offer: Offer) -> Any:
    """The value, where it can be had here; names of the data however their letters' case is written."""
    if field == MODEL:
        usable = ", ".join(model for model, problem in offer.models.items() if problem is None)
        if value not in offer.models:
            raise CellError(f"which is no model of config/models.toml. Write one of {usable}")
        if (problem := offer.models[value]) is not None:
            raise CellError(f"which {problem}. Or write one of {usable}")
    if field not in offer.names:
        return value
    known = {name.casefold(): name for name in offer.names[field]}
    if missing := next((name for name in value if name.casefold() not in known), None):
        more = len(offer.names[field]) - _LISTED
        shown = ", ".join(offer.names[field][:_LISTED]) or "none"
        shown += f" and {more} more" if more > 0 else ""
        raise CellError(f"and the data has no '{excerpt(missing)}'. It has {shown}")
    return tuple(known[name.casefold()] for name in value)


def _in_vain(spec: RunSpec, changes: Mapping[str, Any]) -> str | None:
    """Why a change would have no effect, though it was asked for."""
    settings = spec.settings
    if settings.budget is not None and not settings.track_tokens:
        return (
            "a budget needs token tracking: without it nobody sees what is spent. "
            "Set settings.track_tokens to true, or leave the budget out."
        )
    if "settings.context_tokens" in changes and settings.context_mode is not ContextMode.TRIMMED:
        return (
            f"settings.context_tokens is for trimmed context, and settings.context_mode is "
            f"{settings.context_mode}. Set it to trimmed, or leave the tokens out."
        )
    return None
