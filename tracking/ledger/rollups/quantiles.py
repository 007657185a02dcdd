"""Quantiles of durations and token counts: from histograms, and from single calls where no day is whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from tracking.errors import LedgerError
from tracking.ledger.rollups import histogram
from tracking.ledger.rollups.batch import ALL_MODELS, bucket_of, key_of_calls
from tracking.ledger.rollups.grains import cover
from tracking.ledger.rollups.histogram import Histogram
from tracking.ledger.rollups.query import Question, Source
from tracking.ledger.rollups.tables import HISTOGRAM_GRAINS, HISTOGRAM_OF, MODEL, histograms
from tracking.ledger.schema import calls

Groups = dict[tuple[Any, ...], Histogram]


def histograms_of(source: Source, question: Question, measure: str) -> Groups:
    """How often which values occur, per group, among the billed calls that match.

    Raises:
        LedgerError: nothing is kept of this measure.
    """
    if measure not in HISTOGRAM_OF:
        raise LedgerError(f"there are no quantiles of {measure!r}; there are of {', '.join(HISTOGRAM_OF)}")
    found: Groups = {}
    if not {*question.by, *question.equal} <= set(MODEL):
        _add_calls(source, found, question, measure, question.since, question.until)
        return found
    parts = cover(question.since, question.until, HISTOGRAM_GRAINS)
    for piece in parts.pieces:
        query = _matching(
            sa.select(*(histograms.c[name] for name in question.by), histograms.c.counts), question
        )
        query = query.where(histograms.c.measure == measure, histograms.c.grain == piece.grain)
        if piece.start is not None:
            query = query.where(histograms.c.start >= piece.start)
        if piece.end is not None:
            query = query.where(histograms.c.start < piece.end)
        for *group, counts in source.connection.execute(query):
            found.setdefault(tuple(group), Histogram()).add_bytes(counts)
    for start, end in parts.edges:
        _add_calls(source, found, question, measure, start, end, f"+position < {source.watermark}")
    new = [f"position >= {source.watermark}", *_range(question.since, question.until, "+started_at")]
    _add(found, source.connection.execute(_counting(question, measure, new, source.connection)))
    return found


def _matching(query: sa.Select[Any], question: Question) -> sa.Select[Any]:
    if not question.by and not question.equal:
        return query.where(*(histograms.c[n] == v for n, v in zip(MODEL, ALL_MODELS, strict=True)))
    for name, values in question.equal.items():
        query = query.where(histograms.c[name].in_(["" if value is None else value for value in values]))
    return query.where(histograms.c.provider_name != "")


def _add_calls(
    source: Source,
    found: Groups,
    question: Question,
    measure: str,
    since: int | None,
    until: int | None,
    *where: str,
) -> None:
    """Calls one by one, wherever they are."""
    conditions = [*where, *_range(since, until)]
    _add(found, source.connection.execute(_counting(question, measure, conditions, source.connection)))
    if parts := [part for part in source.archive.parts(source.connection) if part.touches(since, until)]:
        _add(found, source.archive.select(_counting(question, measure, _range(since, until)), parts))


def _add(found: Groups, rows: Iterable[Sequence[Any]]) -> None:
    groups: dict[tuple[Any, ...], Counter[int]] = defaultdict(Counter)
    for *group, each, count in rows:
        groups[tuple(group)][each] += count
    for key, counts in groups.items():
        found.setdefault(key, Histogram()).add(counts)


def _counting(
    question: Question, measure: str, where: Sequence[str], connection: sa.Connection | None = None
) -> sa.Select[Any]:
    """How many calls are in each bucket. Without a connection it is for DuckDB, which has logarithms."""
    keys: list[sa.ColumnElement[Any]] = [sa.literal_column(key_of_calls(n)).label(n) for n in question.by]
    number = histogram.bucket_sql(measure) if connection is None else bucket_of(connection, measure)
    bucket: sa.ColumnElement[int] = sa.literal_column(number).label("bucket")
    query = sa.select(*keys, bucket, sa.func.count()).select_from(calls)
    query = query.where(calls.c.billed == 1, calls.c[measure].is_not(None), *map(sa.text, where))
    for name, values in question.equal.items():
        known = calls.c[name].in_([value for value in values if value is not None])
        query = query.where(known | calls.c[name].is_(None) if None in values else known)
    return query.group_by(*keys, bucket)


def _range(since: int | None, until: int | None, column: str = "started_at") -> list[str]:
    first = [] if since is None else [f"{column} >= {since}"]
    return first if until is None else [*first, f"{column} < {until}"]
