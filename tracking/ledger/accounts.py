"""The accounts of budgets: amounts are set aside before a call, and given back or booked after it.

Every change is one transaction of statements that name what they expect, so that any number of processes on
any number of computers share a budget without passing its limit.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tracking.domain.budget import NOTHING, Amounts, Budget, Span, Unit
from tracking.domain.call import CallStatus, LlmCall
from tracking.domain.cost import CostState
from tracking.domain.standing import Standing
from tracking.ledger.clock import now_of
from tracking.ledger.database import insert_into, is_in_memory, microseconds
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import budget_accounts as accounts
from tracking.ledger.schema import reservation_holders as holders
from tracking.ledger.schema import reservations

HOLDER_GONE_AFTER: Final = timedelta(seconds=15)  # a process that holds something says so every two seconds
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Share:
    """What a call takes of one budget's period: at most, before it; or what it took."""

    budget: Budget
    span: Span
    amounts: Amounts

    @property
    def place(self) -> tuple[str, str]:
        return self.budget.key, self.span.name


@dataclass(frozen=True, slots=True)
class Shortage:
    """The first limit that does not suffice. `fits_alone`: it would, once the calls under way have ended."""

    share: Share
    standing: Standing
    unit: Unit

    @property
    def fits_alone(self) -> bool:
        spent, asked = self.standing.spent.of(self.unit), self.share.amounts.of(self.unit)
        return spent + asked <= self.standing.limits[self.unit]


class Accounts:
    """All budgets of a ledger. Amounts are in nano-dollars, tokens and calls.

    Raises:
        LedgerError: from every method, when the database can't be read or written.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._engine = ledger.engine
        # A database in memory has one connection, which holds one transaction at a time.
        self._alone = threading.Lock() if is_in_memory(ledger.engine.url) else nullcontext()
        self._known: set[tuple[str, str]] = set()

    def reserve(
        self, call_id: str, holder: str, run_id: str | None, shares: Sequence[Share]
    ) -> Shortage | None:
        """Set aside all of these or, where one does not fit, nothing; then it says which."""
        self._open_accounts(shares)
        in_order = sorted(shares, key=lambda share: share.place)  # or two could wait for each other
        try:
            with self._transaction() as connection:
                self._set_aside(connection, call_id, holder, run_id, in_order)
        except _DoesNotFit as short:
            return self._shortage(short.share)
        return None

    def _set_aside(
        self,
        connection: sa.Connection,
        call_id: str,
        holder: str,
        run_id: str | None,
        shares: Sequence[Share],
    ) -> None:
        for share in shares:
            statement = _at(accounts.update(), share).where(*_fits(share))
            if connection.execute(statement.values(_changed("reserved", share.amounts))).rowcount != 1:
                raise _DoesNotFit(share)
        held = [[*share.place, *_plain(share.amounts)] for share in shares]
        row = {"call_id": call_id, "holder": holder, "run_id": run_id, "accounts": json.dumps(held)}
        connection.execute(reservations.insert().values(row | {"at": now_of(self._engine)}))

    def settle(self, call_id: str, holder: str, took: Sequence[Share], seen: Amounts) -> bool:
        """Book what a call took in place of what was set aside for it.

        What of it was set aside nowhere is booked as well. `seen` is what the ledger will have of it: what is
        booked beyond that is presumed.

        Returns:
            False: the reservation was there no more, and the most it could take has been booked.
        """
        self._open_accounts(took)
        with self._transaction() as connection:
            held = self._take_away(connection, call_id, holder)
            if held is None:
                return False
            self._book(connection, held, {share.place: share.amounts for share in took}, seen)
        return True

    def book(self, took: Sequence[Share], seen: Amounts) -> None:
        """Book what a call took for which nothing was set aside."""
        self._open_accounts(took)
        with self._transaction() as connection:
            self._book(connection, {}, {share.place: share.amounts for share in took}, seen)

    def count_others(self, share: Share, in_ledger: Amounts) -> None:
        """Take in what calls of other programs used: what the ledger has, less what of it was booked here.

        `in_ledger` must have been read before, and nothing is in the ledger that was not booked first: so it
        is never counted twice.
        """
        self._open_accounts([share])
        values: dict[str, Any] = {"synced_at": now_of(self._engine)}
        for unit in Unit:
            known = accounts.c[f"settled_{unit}"] - accounts.c[f"presumed_{unit}"]
            more, other = in_ledger.of(unit) - known, accounts.c[f"other_{unit}"]
            values[f"other_{unit}"] = sa.case((more > other, more), else_=other)
        with self._transaction() as connection:
            connection.execute(_at(accounts.update(), share).values(values))

    def is_stale(self, share: Share, after: timedelta) -> bool:
        """Whether what other programs used was not looked at for so long, or never."""
        self._open_accounts([share])
        fresh = accounts.c.synced_at > now_of(self._engine) - after // _MICROSECOND
        with self._reading() as connection:
            return connection.execute(_at(sa.select(fresh), share)).scalar() is not True

    def warn(self, share: Share, percent: int) -> bool:
        """Note that a threshold was told. False: somebody did before."""
        statement = _at(accounts.update(), share).where(accounts.c.warned < percent)
        with self._transaction() as connection:
            return connection.execute(statement.values(warned=percent)).rowcount == 1

    def count_refusal(self, share: Share) -> None:
        with self._transaction() as connection:
            connection.execute(_at(accounts.update(), share).values(refused=accounts.c.refused + 1))

    def raise_limit(self, key: str, period: str, by: Amounts) -> bool:
        """Add to a budget's limits in one of its periods; its thresholds are told anew.

        Returns:
            False: nobody has asked that budget for anything in that period.
        """
        place = (accounts.c.budget == key) & (accounts.c.period == period)
        values = _changed("raised", by) | {"warned": 0}
        with self._transaction() as connection:
            return connection.execute(accounts.update().where(place).values(values)).rowcount == 1

    def open(self, budget: Budget, span: Span) -> None:
        """Make the account of a period that nobody has asked for anything yet."""
        self._open_accounts([Share(budget, span, NOTHING)])

    def standing(self, budget: Budget, span: Span) -> Standing:
        """How a budget stands; untouched where nobody has asked it for anything yet."""
        return self.standings([(budget, span)])[0]

    def standings(self, wanted: Sequence[tuple[Budget, Span]]) -> list[Standing]:
        if not wanted:
            return []
        keys = {(budget.key, span.name) for budget, span in wanted}
        query = sa.select(accounts).where(sa.tuple_(accounts.c.budget, accounts.c.period).in_(sorted(keys)))
        with self._reading() as connection:
            rows = {(row["budget"], row["period"]): row for row in connection.execute(query).mappings()}
        return [_standing(budget, span, rows.get((budget.key, span.name))) for budget, span in wanted]

    def reserved_by(self, run_id: str) -> int:
        """How many calls of a run hold a reservation."""
        query = sa.select(sa.func.count()).where(reservations.c.run_id == run_id)
        with self._reading() as connection:
            return int(connection.execute(query).scalar_one())

    def beat(self, holder: str) -> None:
        """Say that a process which holds reservations lives."""
        values = {
            "holder": holder,
            "host": _here(),
            "pid": os.getpid(),
            "heartbeat_at": now_of(self._engine),
        }
        upsert = insert_into(self._engine, holders).values(values)
        with self._transaction() as connection:
            connection.execute(upsert.on_conflict_do_update(index_elements=["holder"], set_=values))

    def leave(self, holder: str) -> None:
        with self._transaction() as connection:
            connection.execute(holders.delete().where(holders.c.holder == holder))

    def reclaim(self) -> int:
        """Book what processes held that have died. Returns for how many calls.

        They may be billed: where the ledger does not know what one took, the most it could is presumed.
        """
        gone = self._gone()
        if not gone:
            return 0
        self._ledger.bring_in()  # what it had recorded before it died
        found = 0
        for holder in gone:
            with self._reading() as connection:
                query = sa.select(reservations.c.call_id).where(reservations.c.holder == holder)
                calls = list(connection.execute(query).scalars())
            for call_id in calls:
                recorded = next(self._ledger.calls(call_id=call_id), None)
                with self._transaction() as connection:
                    if (held := self._take_away(connection, call_id, holder)) is None:
                        continue
                    took = {
                        place: most if recorded is None else taken(recorded, most)
                        for place, most in held.items()
                    }
                    self._book(connection, held, took, NOTHING if recorded is None else seen_of(recorded))
                    found += 1
            self.leave(holder)
        return found

    def _gone(self) -> list[str]:
        """Holders that have fallen silent, or whose process on this computer is no more."""
        silent = holders.c.heartbeat_at < now_of(self._engine) - HOLDER_GONE_AFTER // _MICROSECOND
        query = sa.select(holders.c.holder, holders.c.host, holders.c.pid, silent)
        here = _here()
        with self._reading() as connection:
            rows = connection.execute(query).all()
            # A reservation whose holder never got into the list, or left it.
            known = sa.select(holders.c.holder)
            old = reservations.c.at < now_of(self._engine) - HOLDER_GONE_AFTER // _MICROSECOND
            nobodys = (
                sa.select(reservations.c.holder).distinct().where(reservations.c.holder.not_in(known), old)
            )
            strays = list(connection.execute(nobodys).scalars())
        return [h for h, host, pid, quiet in rows if quiet or (host == here and not _lives(pid))] + strays

    def _take_away(
        self, connection: sa.Connection, call_id: str, holder: str
    ) -> dict[tuple[str, str], Amounts] | None:
        end = reservations.delete().where(reservations.c.call_id == call_id, reservations.c.holder == holder)
        row = connection.execute(end.returning(reservations.c.accounts)).first()
        if row is None:
            return None
        return {(key, period): Amounts(*amounts) for key, period, *amounts in json.loads(row[0])}

    def _book(
        self,
        connection: sa.Connection,
        held: Mapping[tuple[str, str], Amounts],
        took: Mapping[tuple[str, str], Amounts],
        seen: Amounts,
    ) -> None:
        for key, period in sorted({*held, *took}):
            reserved, used = held.get((key, period)), took.get((key, period), NOTHING)
            values = _changed("settled", used)
            if used != NOTHING:
                values |= _changed("presumed", used - seen)
            if reserved is not None:
                values |= _changed("reserved", NOTHING - reserved)
                more = used - reserved
                values |= _changed("overshoot", Amounts(max(0, more.nano_usd), max(0, more.tokens)))
            if values:
                place = (accounts.c.budget == key) & (accounts.c.period == period)
                connection.execute(accounts.update().where(place).values(values))

    def _shortage(self, share: Share) -> Shortage:
        standing = self.standing(share.budget, share.span)
        for unit in standing.limits:
            left = standing.left(unit)
            if left is not None and share.amounts.of(unit) > left:
                return Shortage(share, standing, unit)
        # Somebody has given something back meanwhile: for a moment it did not suffice.
        return Shortage(share, standing, next(iter(standing.limits)))

    def _open_accounts(self, shares: Sequence[Share]) -> None:
        new = [share for share in shares if share.place not in self._known]
        if not new:
            return
        rows = [
            {
                "budget": share.budget.key,
                "period": share.span.name,
                "since": None if share.span.since is None else microseconds(share.span.since),
                "until": None if share.span.until is None else microseconds(share.span.until),
            }
            for share in sorted(new, key=lambda share: share.place)
        ]
        with self._transaction() as connection:
            connection.execute(insert_into(self._engine, accounts).on_conflict_do_nothing(), rows)
        self._known.update(share.place for share in new)

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._alone, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._alone, self._engine.connect() as connection:
            yield connection


class _DoesNotFit(Exception):  # undoes what the transaction has set aside so far
    def __init__(self, share: Share) -> None:
        super().__init__()
        self.share = share


def taken(call: LlmCall, most: Amounts) -> Amounts:
    """What a call took, and where that is not known `most`: all it could."""
    if not call.billed:
        return NOTHING
    if call.usage is None or call.status is CallStatus.INCOMPLETE or call.cost.state is CostState.PARTIAL:
        seen = seen_of(call)
        return Amounts(max(most.nano_usd, seen.nano_usd), max(most.tokens, seen.tokens), 1)
    if call.cost.nano_usd is None:  # it was served in a way that has no price
        return Amounts(most.nano_usd, call.usage.total_tokens or 0, 1)
    return seen_of(call)


def seen_of(call: LlmCall) -> Amounts:
    """What the ledger's sums have of a call."""
    if not call.billed:
        return NOTHING
    return Amounts(call.cost.nano_usd or 0, 0 if call.usage is None else call.usage.total_tokens or 0, 1)


def _standing(budget: Budget, span: Span, row: sa.RowMapping | None) -> Standing:
    if row is None:
        return Standing(budget, span)
    return Standing(
        budget,
        span,
        spent=_amounts(row, "settled") + _amounts(row, "other"),
        presumed=_amounts(row, "presumed"),
        reserved=_amounts(row, "reserved"),
        raised=_amounts(row, "raised"),
        overshoot=_amounts(row, "overshoot"),
        refused=row["refused"],
    )


def _amounts(row: sa.RowMapping, kind: str) -> Amounts:
    return Amounts(*(row[f"{kind}_{unit}"] for unit in Unit))


def _plain(amounts: Amounts) -> tuple[int, ...]:
    return tuple(amounts.of(unit) for unit in Unit)


def _changed(kind: str, by: Amounts) -> dict[str, Any]:
    return {f"{kind}_{unit}": accounts.c[f"{kind}_{unit}"] + by.of(unit) for unit in Unit if by.of(unit)}


def _fits(share: Share) -> Iterator[sa.ColumnElement[bool]]:
    for unit, limit in share.budget.limits.items():
        column = {kind: accounts.c[f"{kind}_{unit}"] for kind in ("settled", "other", "reserved", "raised")}
        given = column["settled"] + column["other"] + column["reserved"]
        yield given + share.amounts.of(unit) <= limit + column["raised"]


def _at(statement: Any, share: Share) -> Any:
    return statement.where(accounts.c.budget == share.budget.key, accounts.c.period == share.span.name)


@functools.cache
def _here() -> str:
    """What a process number is of: this computer since it was started, and on Linux the container."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _lives(pid: int) -> bool:
    if os.name != "posix":  # there a signal 0 is no question
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
