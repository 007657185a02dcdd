"""The ledger: every call, once, for ever; and the runs they belong to."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from itertools import islice
from time import monotonic
from types import TracebackType
from typing import Any, Self, overload

import sqlalchemy as sa

from tracking.domain.bill import Item
from tracking.domain.call import CallTotals, LlmCall
from tracking.domain.run import Run
from tracking.errors import LedgerError
from tracking.ledger import journals
from tracking.ledger.archive import Archive
from tracking.ledger.database import is_in_memory, open_engine
from tracking.ledger.filters import filtered
from tracking.ledger.journal import Journal
from tracking.ledger.rollups.upkeep import Upkeep
from tracking.ledger.rows import call_values, run_of
from tracking.ledger.schema import runs
from tracking.ledger.stored import StoredCalls
from tracking.ledger.sums import Sums
from tracking.ledger.upgrade import prepare
from tracking.ledger.writer import EngineWriter, writer_for

logger = logging.getLogger(__name__)

_TEND_EVERY = 5_000  # calls of this process
_TEND_SECONDS = 5.0  # between looks at whether many calls wait to be added up


class Ledger:
    """A database of calls. Every process and thread may append to it at once.

    Filters are column names with a value or a tuple of values (`run_id="…"`, `agent_name=("A", "B")`; None
    is what could not be told), and `since` (inclusive) and `until` (exclusive), time zone aware, on the start
    of a call or the creation of a run.

    Raises:
        LedgerError: from every method, when the database can't be read or written.
    """

    def __init__(self, engine: sa.Engine, url: str) -> None:
        self.engine = engine
        self._url = url
        self._in_memory = is_in_memory(engine.url)
        self._journal: Journal | None = None
        self._owner = 0  # the process that joined the journal
        self._lock = threading.Lock()
        self._appended = 0
        self.upkeep = Upkeep(engine)
        self.archive = Archive(self._url)
        self._sums = Sums(engine, self.archive)
        self._stored = StoredCalls(engine, self.archive)
        self._tending: threading.Thread | None = None
        self._looked = -_TEND_SECONDS  # when, by the monotonic clock

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the ledger at a `sqlite:///` or `postgresql://` URL, making its tables when they are missing.

        Raises:
            LedgerError: it can't be opened.
            LedgerVersionError: a newer program wrote it.
        """
        engine = open_engine(url)
        try:
            prepare(engine)
        except LedgerError:
            engine.dispose()
            raise
        if engine.dialect.name == "postgresql":
            url = engine.url.render_as_string(hide_password=False)  # however it was written
        ledger = cls(engine, url)
        ledger.bring_in()
        return ledger

    def append(self, call: LlmCall) -> None:
        """Keep one call. When this returns it survives the death of this process, see `journal`.

        It is in the database within a fraction of a second, or when that can be written again; `flush` waits
        for it. A `call_id` that is there already is left as it is.

        Raises:
            LedgerError: it could not be kept.
        """
        row = call_values(call)
        if self._in_memory:
            EngineWriter(self.engine).write([row])
            return
        try:
            self._joined().append(row)
        except OSError as error:
            raise LedgerError(f"call {call.call_id} could not be written: {error}") from error
        self._appended += 1
        if self._appended % _TEND_EVERY == 0:
            self._tend()

    def append_all(self, many: Iterable[LlmCall]) -> int:
        """Keep many calls at once, as when a history is imported: in batches, each of which is kept or not.

        Returns:
            How many were given. One whose `call_id` is there already is left as it is.

        Raises:
            LedgerError: they could not be kept; of those before some may be.
        """
        writer = EngineWriter(self.engine) if self._in_memory else writer_for(self._url)
        count, rows = 0, map(call_values, many)
        try:
            while batch := list(islice(rows, _TEND_EVERY)):
                writer.write(batch)
                count += len(batch)
        except Exception as error:  # whatever the driver calls it
            raise LedgerError(f"calls could not be imported: {str(error).partition(chr(10))[0]}") from error
        finally:
            if not self._in_memory:
                writer.close()
        self._tend()
        return count

    def flush(self) -> None:
        """Wait until every call appended in this process is in the database. Reading does so by itself.

        Raises:
            LedgerError: the database would not take them; they are kept, and tried again.
        """
        journals.flush(self._url)

    @property
    def rejected(self) -> int:
        """Calls of this process that the database would not have while it took others: they are lost."""
        return 0 if self._journal is None else self._journal.rejected

    @property
    def waiting(self) -> int:
        """Calls of this process that are kept on disk until the database can be written."""
        return 0 if self._journal is None else self._journal.waiting

    def bring_in(self) -> None:
        """Take in the calls of processes that died before the database had them."""
        if self._in_memory:
            return
        try:
            journals.bring_in(self._url)
        except Exception as error:  # they stay where they are, and are tried again when a ledger is opened
            logger.warning("calls of a process that died still wait", exc_info=error)

    def calls(self, **filters: Any) -> Iterator[LlmCall]:
        """The calls that match, oldest first, in bounded memory; also those that have left the database.

        Raises:
            LedgerError: also where those are not on this computer, or need DuckDB, which is not installed.
        """
        self.flush()
        return self._stored.calls(filters)

    def columns(self, *names: str, **filters: Any) -> dict[str, list[Any]]:
        """Some columns of the calls that match, as the table holds them, in no particular order."""
        self.flush()
        return self._stored.columns(names, filters)

    @overload
    def totals(self, *, by: None = None, **filters: Any) -> CallTotals: ...

    @overload
    def totals(self, *, by: str, **filters: Any) -> dict[str | None, CallTotals]: ...

    @overload
    def totals(self, *, by: tuple[str, ...], **filters: Any) -> dict[tuple[str | None, ...], CallTotals]: ...

    def totals(self, *, by: str | tuple[str, ...] | None = None, **filters: Any) -> Any:
        """The matching calls added up: altogether, or per value of the column(s) `by`.

        By provider and model, agent, task, model and agent, or of named runs it takes milliseconds, however
        many calls there are; with any other column all calls of the range are read.
        """
        found = self._asked().totals((by,) if isinstance(by, str) else by or (), filters)
        if by is None:
            return found[()]
        return {key[0]: each for key, each in found.items()} if isinstance(by, str) else found

    def sums(self, *measures: str, by: tuple[str, ...] = (), **filters: Any) -> dict[str, list[Any]]:
        """Only some sums of the matching calls, column by column: those of `by`, then the measures.

        Measures are the token counts (also `estimated_…`), `requests`, `failed_requests`, `unknown_requests`,
        `unpriced_requests`, `cost_nano_usd`, `duration` (microseconds) and others of `rollups.measures`.
        """
        return self._asked().sums(measures, by, filters)

    def daily(
        self, zone: tzinfo, *measures: str, by: tuple[str, ...] = (), **filters: Any
    ) -> dict[str, list[Any]]:
        """The same per calendar day of a time zone, in order; first comes the column `day` (a date).

        Days of a zone that is asked for the first time are put together from hours, and kept from then on.
        """
        asked = self._asked()
        found = asked.daily(zone, measures, by, filters)
        if asked.phases_wanted:
            self._tend()
        return found

    def top_runs(
        self, limit: int, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[tuple[str, CallTotals]]:
        """The dearest runs whose first call began in a range (`since` inclusive, `until` exclusive)."""
        return self._asked().top_runs(limit, since, until)

    def percentiles(
        self, measure: str, *quantiles: float, by: tuple[str, ...] = (), **filters: Any
    ) -> dict[tuple[str | None, ...], list[float]]:
        """Quantiles (fractions of 1) of billed calls, each within 1 %, per values of the columns `by`.

        `measure` is `duration` (seconds), `input_tokens` or `output_tokens`.
        """
        return self._asked().percentiles(measure, quantiles, by, filters)

    def bill(self, **filters: Any) -> list[Item]:
        """The matching calls that were billed, added up per model and receipt."""
        return self._asked().bill(filters)

    def latest(self, *, by: tuple[str, ...], **filters: Any) -> dict[tuple[str | None, ...], datetime]:
        """When the last of the matching calls began, per values of the columns `by`."""
        return self._asked().latest(by, filters)

    def models(self) -> list[tuple[str, str]]:
        """Every model that was billed: who sent the bill, and the name it was billed under."""
        return self._asked().models()

    def catch_up(self) -> int:
        """Add up the calls that came since somebody last did. Returns how many; no answer depends on it."""
        self.flush()
        return self.upkeep.catch_up()

    def runs(self, *, limit: int | None = None, **filters: Any) -> list[Run]:
        """The runs that match, newest first."""
        query = filtered(sa.select(runs), runs, runs.c.created_at, filters).order_by(runs.c.created_at.desc())
        with self.engine.connect() as connection:
            return [run_of(row) for row in connection.execute(query.limit(limit)).mappings()]

    def run_count(self) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(runs)).scalar_one())

    def run(self, run_id: str) -> Run | None:
        found = self.runs(run_id=run_id)
        return found[0] if found else None

    def close(self) -> None:
        """Close the database. A call that comes later opens it again.

        Raises:
            LedgerError: calls are left that the database would not take; the next `open` tries again.
        """
        try:
            if self._journal is not None and self._owner == os.getpid():
                self._journal = None
                journals.leave(self._url)
        finally:
            if self._tending is not None:
                self.upkeep.stop()
                self._tending.join()
            self.engine.dispose()

    def _asked(self) -> Sums:
        """What answers a question, after every call of this process is there to be counted."""
        self.flush()
        if not self._in_memory and monotonic() - self._looked > _TEND_SECONDS:
            self._looked = monotonic()
            if self.upkeep.has_much_to_do():
                self._tend()
        return self._sums

    def _tend(self) -> None:
        """Bring the sums up to date in the background."""
        with self._lock:
            if self._in_memory or (self._tending is not None and self._tending.is_alive()):
                return
            self.upkeep.resume()
            self._tending = threading.Thread(target=self._bring_up_to_date, name="ledger sums", daemon=True)
            self._tending.start()

    def _bring_up_to_date(self) -> None:
        try:
            self.upkeep.catch_up()
            while self._sums.phases_wanted:
                self.upkeep.add_days(self._sums.phases_wanted.pop())
        except LedgerError as error:  # the next one who asks tries again; answers are right without it
            logger.warning("the sums of the ledger could not be brought up to date", exc_info=error)

    def _joined(self) -> Journal:
        with self._lock:
            if self._journal is None or self._owner != os.getpid():  # a journal is its process's own
                self._journal, self._owner = journals.join(self._url), os.getpid()
            return self._journal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
