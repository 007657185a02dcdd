"""Which separator a file uses and which of its columns is which."""

import csv
import difflib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracking.dataset.cells import EXCERPT_LENGTH, excerpt
from tracking.errors import DatasetError

# Our column -> what other people call it. Compared without case, spaces, punctuation and "(…)".
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": (
        "order date",
        "sale date",
        "sales date",
        "transaction date",
        "invoice date",
        "day",
        "month",
        "period",
    ),
    "region": ("sales region", "territory", "area", "market"),
    "country": ("country name", "nation"),
    "store": ("store name", "store id", "shop", "outlet", "branch", "location"),
    "brand": ("brand name", "product brand", "manufacturer"),
    "category": ("product category", "category name", "product type"),
    "units": ("units sold", "unit sales", "quantity", "quantity sold", "qty", "sales volume", "volume"),
    "price": ("unit price", "price per unit", "selling price", "sales price", "average price", "avg price"),
    "revenue": (
        "sales",
        "sales revenue",
        "total revenue",
        "total sales",
        "net sales",
        "sales amount",
        "turnover",
    ),
    "cost": ("costs", "total cost", "total costs", "cogs", "cost of goods sold", "cost of sales"),
    "profit": ("gross profit", "total profit", "net profit"),
}
REQUIRED: Final = ("date", "region", "brand", "category", "units", "revenue", "cost")
SEPARATORS: Final = (",", ";", "\t", "|")
_HEAD: Final = 1 << 16  # bytes; no header row is longer
_EXCEL_HINT: Final = re.compile(rb"\s*sep=([,;|\t])\r?\n")  # Excel writes its separator above the header


@dataclass(frozen=True, slots=True)
class Layout:
    separator: str
    headers: tuple[str, ...]  # every column of the file, in its order
    fields: Mapping[str, int]  # our column -> its position in `headers`
    body: bytes  # UTF-8 from the header row on


def _normalised(header: str) -> str:
    return re.sub(r"[\W_]", "", re.sub(r"\(.*?\)|\[.*?\]", "", header)).casefold()


_FIELD_OF: Final = {_normalised(word): field for field, words in SYNONYMS.items() for word in (field, *words)}


def find_layout(text: bytes, name: str) -> Layout:
    """Read the header row of `text` (UTF-8).

    Raises:
        DatasetError: when a required column is missing or two columns claim to be the same one.
    """
    separator_said, body = without_hint(text)
    body = body.lstrip(b"\r\n")  # not tabs: a first column without a name begins with one
    head = body[:_HEAD].decode("utf-8", errors="ignore")
    separators = SEPARATORS if separator_said is None else (separator_said,)
    candidates = [(separator, _first_record(head, separator)) for separator in separators]
    separator, headers = max(candidates, key=lambda pair: (_recognised(pair[1]), len(pair[1])))
    return Layout(separator, headers, _fields(headers, name), body)


def without_hint(text: bytes) -> tuple[str | None, bytes]:
    """The separator that a spreadsheet has written above the header, or None, and the text below it."""
    hint = _EXCEL_HINT.match(text)
    return (hint[1].decode(), text[hint.end() :]) if hint else (None, text)


def _first_record(head: str, separator: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader(io.StringIO(head, newline=""), delimiter=separator), ()))
    except csv.Error:
        return ()  # not a table with this separator; when it is none with any, columns are missing


def _recognised(headers: Sequence[str]) -> int:
    return len({_FIELD_OF.get(_normalised(header)) for header in headers} - {None})


def _fields(headers: Sequence[str], name: str) -> dict[str, int]:
    claims: dict[str, list[int]] = {}
    for position, header in enumerate(headers):
        field = _FIELD_OF.get(_normalised(header))
        if field is not None:
            claims.setdefault(field, []).append(position)
    fields = {field: _only_claim(field, positions, headers, name) for field, positions in claims.items()}
    missing = [field for field in REQUIRED if field not in fields]
    if missing:
        raise DatasetError(_missing_message(missing, headers, fields, name), row=1, column=missing[0])
    return fields


def _only_claim(field: str, positions: Sequence[int], headers: Sequence[str], name: str) -> int:
    """Of several columns that could be `field`, the one that has exactly its name."""
    exact = [position for position in positions if _normalised(headers[position]) == field]
    chosen = exact or positions
    if len(chosen) > 1:
        shown = " and ".join(f"'{excerpt(headers[position])}'" for position in chosen)
        raise DatasetError(
            f"{name} has more than one column for {field}: {shown}. Rename or remove all but one.",
            row=1,
            column=headers[chosen[1]],
        )
    return chosen[0]


def _missing_message(
    missing: Sequence[str], headers: Sequence[str], fields: Mapping[str, int], name: str
) -> str:
    plural = "s" if len(missing) > 1 else ""
    found = ", ".join(f"'{excerpt(header)}'" for header in headers[:20] if header.strip()) or "nothing"
    unused = [
        header
        for position, header in enumerate(headers[:100])
        if position not in fields.values() and header.strip()
    ]
    advice = [
        f"Is '{excerpt(nearest)}' the {field}? Then rename it to '{field}'."
        for field in missing
        if (nearest := _nearest(field, unused)) is not None
    ]
    return " ".join(
        [
            f"{name} lacks the column{plural} {', '.join(missing)}.",
            f"Found in row 1: {found}; needed: {', '.join(REQUIRED)}.",
            *(advice or [f"Add the column{plural}, or rename what is called something else."]),
        ]
    )


def _nearest(field: str, headers: Sequence[str]) -> str | None:
    by_name = {_normalised(header[:EXCERPT_LENGTH]): header for header in headers}
    for word in (field, *SYNONYMS[field]):
        close = difflib.get_close_matches(_normalised(word), by_name, n=1, cutoff=0.75)
        if close:
            return by_name[close[0]]
    return None
