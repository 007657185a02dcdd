"""What a page can offer to choose from, and the rows such a choice leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tracking.dataset.cells import excerpt
from tracking.dataset.sales import NOT_GIVEN, SalesData
from tracking.errors import DatasetError

_SHOWN: Final = 8  # names listed in a message


@dataclass(frozen=True, slots=True)
class Choices:
    """The names in the data, each tuple by revenue, largest first. Empty where the file has none."""

    regions: tuple[str, ...]
    countries: tuple[str, ...]
    categories: tuple[str, ...]
    brands: tuple[str, ...]


def choices(data: SalesData) -> Choices:
    return Choices(
        regions=_by_revenue(data, "region"),
        countries=_by_revenue(data, "country"),
        categories=_by_revenue(data, "category"),
        brands=_by_revenue(data, "brand"),
    )


def select(
    data: SalesData,
    regions: Sequence[str] = (),
    categories: Sequence[str] = (),
    brands: Sequence[str] = (),
) -> SalesData:
    """The rows of the chosen regions, categories and brands; an empty choice means all.

    Raises:
        DatasetError: when no row is left, saying which filter took the last one.
    """
    frame = data.frame
    narrowed: list[str] = []
    for column, wanted in (("region", regions), ("category", categories), ("brand", brands)):
        if not wanted:
            continue
        left = frame[frame[column].isin(list(wanted))]
        if left.empty:
            known = [str(name) for name in frame[column].unique()]
            raise DatasetError(_nothing_left(column, wanted, narrowed, known), column=column)
        frame = left
        narrowed.append(f"{column} {_listed(wanted)}")
    if frame is data.frame:
        return data
    frame = frame.reset_index(drop=True)
    names = frame.select_dtypes("category").columns
    return replace(
        data, frame=frame.assign(**{name: frame[name].cat.remove_unused_categories() for name in names})
    )


def _by_revenue(data: SalesData, column: str) -> tuple[str, ...]:
    revenue = data.frame.groupby(column, observed=True)["revenue"].sum()
    ordered = revenue.sort_index().sort_values(ascending=False, kind="stable")
    names = tuple(str(name) for name in ordered.index)
    return () if names == (NOT_GIVEN,) else names


def _nothing_left(column: str, wanted: Sequence[str], narrowed: Sequence[str], known: Sequence[str]) -> str:
    within = f" within {' and '.join(narrowed)}" if narrowed else ""
    return (
        f"No rows are left: the {column} filter {_listed(wanted)} matches nothing{within}. "
        f"There the data has {_listed(sorted(known))}; choose one of these or clear the filter."
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{excerpt(name)}'" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
