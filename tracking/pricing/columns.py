"""Calls in columns, sorted by who bills, model, service tier and time: what costs alike lies together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from tracking.domain.usage import TokenUsage

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Group(NamedTuple):
    """Calls that were billed alike: a slice of the table's rows, in the order of time."""

    provider: str | None
    model: str
    service_tier: str | None
    rows: slice


@dataclass(frozen=True, slots=True)
class CallTable:
    """Calls in columns, sorted.

    Attributes:
        order: for every row of the table, its number in what it was made from.
        started_at: microseconds since 1970 in UTC.
        counts: by the names of `TokenUsage`; 0 where it is not known.
        odd: usages of rows that columns can't price: their parts are known without their wholes, or overlap.
        unknown: rows whose usage is not known at all.
    """

    groups: tuple[Group, ...]
    order: Integers
    started_at: Integers
    counts: Mapping[str, Integers]
    odd: Mapping[int, TokenUsage]
    unknown: Flags

    def __len__(self) -> int:
        return len(self.order)


def call_table(
    provider: Sequence[str],
    model: Sequence[str],
    service_tier: Sequence[str | None],
    started_at: Integers,
    counts: Mapping[str, npt.ArrayLike],
) -> CallTable:
    """Lay calls out.

    Args:
        provider: who billed, for each call.
        model: the model that was billed.
        service_tier: the tier that served it; None: not said.
        started_at: microseconds since 1970 in UTC.
        counts: by the names of `TokenUsage`, NaN where not known; a name left out is known for no call.
    """
    sellers, seller_names = pd.factorize(pd.Series(provider, dtype=object))
    models, model_names = pd.factorize(pd.Series(model, dtype=object))
    tiers, tier_names = pd.factorize(pd.Series(list(service_tier), dtype=object))  # -1: none
    key = (sellers * len(model_names) + models) * (len(tier_names) + 1) + tiers + 1
    order = np.lexsort((started_at, key)).astype(np.int64)
    key = key[order]
    bounds = [0, *(np.flatnonzero(np.diff(key)) + 1).tolist(), len(key)] if len(key) else []
    groups = tuple(
        Group(
            str(seller_names[sellers[order[start]]]),
            str(model_names[models[order[start]]]),
            None if tiers[order[start]] < 0 else str(tier_names[tiers[order[start]]]),
            slice(start, end),
        )
        for start, end in pairwise(bounds)
    )
    stated = {name: np.asarray(column, np.float64)[order] for name, column in counts.items()}
    known = {name: ~np.isnan(column) for name, column in stated.items()}
    whole = {name: np.nan_to_num(column).astype(np.int64) for name, column in stated.items()}
    unknown = ~np.logical_or.reduce(list(known.values())) if known else np.ones(len(key), bool)
    odd = {int(row): _usage(whole, known, int(row)) for row in np.flatnonzero(_odd(whole, known) & ~unknown)}
    return CallTable(groups, order, started_at[order], whole, odd, unknown)


def _odd(whole: Mapping[str, Integers], known: Mapping[str, Flags]) -> Flags:
    """Rows for which `Quote.price` can't use its weights either."""
    rows = len(next(iter(whole.values()))) if whole else 0
    nothing = np.zeros(rows, np.int64)

    def some(*names: str) -> Flags:
        flags: Flags = sum((whole.get(name, nothing) for name in names), nothing) > 0
        return flags

    def absent(name: str) -> Flags:
        return ~known[name] if name in known else np.ones(rows, bool)

    read, write, audio = "cache_read_input_tokens", "cache_creation_input_tokens", "input_audio_tokens"
    lifetimes = ("cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens")
    return (
        (absent("input_tokens") & some(read, write, audio, *lifetimes))
        | (absent("output_tokens") & some("reasoning_output_tokens", "output_audio_tokens"))
        | (absent(write) & some(*lifetimes))
        | (some(audio) & some(read, write))
    )


def _usage(whole: Mapping[str, Integers], known: Mapping[str, Flags], row: int) -> TokenUsage:
    return TokenUsage(**{name: int(column[row]) for name, column in whole.items() if known[name][row]})
