"""The state of a ledger in words: how large, whether its sums are right, what is kept for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from tracking.domain.cost import CostState
from tracking.domain.money import usd as dollars
from tracking.ledger.agreement import Agreement
from tracking.ledger.archive import Part
from tracking.ledger.database import moment
from tracking.ledger.rollups.checking import Difference
from tracking.ledger.sizes import Sizes
from tracking.report.format import counted, usd

_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a ledger now.

    Attributes:
        waiting, rejected: calls of this process, see `Ledger`.
        checked: per month (its start) that was compared with its calls, what differed.
    """

    sizes: Sizes
    archived: tuple[Part, ...]
    agreements: tuple[Agreement, ...]
    waiting: int
    rejected: int
    checked: Mapping[int, Sequence[Difference]]

    @property
    def size(self) -> int:
        """Bytes on disk, the archive's files too."""
        return self.sizes.database + sum(part.bytes for part in self.archived)

    @property
    def on_their_way(self) -> int:
        """Calls that are on disk and not in the database."""
        return max(self.waiting, self.sizes.journals)


def byte_size(count: int) -> str:
    """`512 bytes`, `3.1 MB`: in powers of a thousand, as disks are sold."""
    size, unit = float(count), _UNITS[0]
    for unit in _UNITS:  # the last one is asked for
        if size < 999.5 or unit == _UNITS[-1]:
            break
        size /= 1000
    if unit == _UNITS[0]:
        return f"{count:,} {unit}" if count != 1 else "1 byte"
    return f"{size:.1f} {unit}" if size < 9.95 else f"{size:,.0f} {unit}"


def title(health: Health) -> str:
    """The page's answer: `The ledger is sound: 1,204 calls, 3.1 MB`."""
    holds = f"{counted(health.sizes.calls, 'call')}, {byte_size(health.size)}"
    if wrong := [start for start, found in health.checked.items() if found]:
        months = f"{moment(wrong[0]):%B %Y}" if len(wrong) == 1 else counted(len(wrong), "month")
        return f"Sums of {months} are not what the calls add up to: {holds}"
    if any(not agreement.holds for agreement in health.agreements):
        return f"The ledger's sums contradict each other: {holds}"
    if health.rejected:
        return f"{counted(health.rejected, 'call')} could not be kept: {holds}"
    if not health.sizes.calls:
        return "The ledger is sound, and has no call yet"
    return f"The ledger is sound: {holds}"


def way_note(health: Health) -> str:
    """What the database has not got yet, in a sentence; empty where it has everything."""
    notes = []
    if health.on_their_way:
        verb = "is" if health.on_their_way == 1 else "are"
        notes.append(
            f"{counted(health.on_their_way, 'call')} {verb} on disk and on the way into the database; "
            "while it can't be written they wait there."
        )
    if health.rejected:
        notes.append(
            f"The database would not have {counted(health.rejected, 'call')} while it took others: "
            "they are lost, and the log says why."
        )
    return " ".join(notes)


def behind_note(sizes: Sizes) -> str:
    """How far the sums are behind the calls."""
    if not sizes.behind:
        return "All calls are in the sums."
    many = sizes.behind >= sizes.most_behind
    count = f"{sizes.behind:,} calls or more are" if many else f"{counted(sizes.behind, 'call')} not yet"
    rest = "not yet in the sums" if many else "in the sums"
    return f"{count} {rest}; every answer has them all the same."


def retention_words(keep_days: int | None, *, archive: bool) -> str:
    """What leaves the database, and when."""
    if keep_days is None:
        return "Every call stays in the database (`keep_calls_days` is not set)."
    after = f"Single calls leave the database {counted(keep_days, 'day')} after their month has ended"
    kept = "as Parquet files, and are read from there" if archive else "for good"
    return f"{after}, {kept}; their sums stay for ever."


def agreement_words(agreement: Agreement) -> str:
    """Whether sums of the same calls are equal, in a sentence."""
    names = [side.by for side in agreement.sides]
    if agreement.holds:
        return f"{_listed(names)}: {agreement.of} add up to the same, to the token and the nano-dollar."
    return f"{_listed([side.by for side in agreement.odd])}: the sums are not those by {names[0]}."


def _listed(names: Sequence[str]) -> str:
    said = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"By {said}"


def agreement_frame(agreement: Agreement) -> pd.DataFrame:
    """A row per way of adding up."""
    first = agreement.sides[0].sums
    return pd.DataFrame(
        [
            {
                "Added up by": side.by,
                "Groups": f"{side.groups:,}",
                "Calls": f"{side.sums['requests'] + side.sums['failed_requests']:,}",
                "Tokens": f"{side.sums['input_tokens'] + side.sums['output_tokens']:,}",
                "Cost": usd(dollars(side.sums["cost_nano_usd"]), CostState.KNOWN),
                "": "equal" if side.sums == first else "differs",
            }
            for side in agreement.sides
        ]
    )


def difference_words(found: Iterable[Difference]) -> str:
    """What of a month's sums is not what its calls add up to."""
    return ", ".join(f"{counted(each.rows, 'row')} of {each.table}" for each in found) or "adds up"


def months_frame(months: Sequence[tuple[int, int]], archived: Sequence[Part], health: Health) -> pd.DataFrame:
    """Every month, the newest first: whether its calls are here, and whether its sums were found right."""
    gone: dict[int, list[Part]] = {}
    for part in archived:
        gone.setdefault(part.month, []).append(part)
    rows = [(start, "in the database", _result(health, start)) for start, _ in months]
    rows += [(start, _moved(parts), "its calls are not here to compare") for start, parts in gone.items()]
    return pd.DataFrame(
        [
            {"Month": f"{moment(start):%B %Y}", "Single calls": where, "Sums against calls": result}
            for start, where, result in sorted(rows, reverse=True)
        ]
    )


def _result(health: Health, start: int) -> str:
    return difference_words(health.checked[start]) if start in health.checked else "not compared yet"


def _moved(parts: Sequence[Part]) -> str:
    calls = counted(sum(part.calls for part in parts), "call")
    if all(part.file is None for part in parts):
        return f"{calls} left for good"
    return f"{calls} in {counted(len(parts), 'file')}, {byte_size(sum(part.bytes for part in parts))}"
