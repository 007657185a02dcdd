"""Which journal a ledger's calls go through: one for every database that this process writes to."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import sqlalchemy as sa

from tracking.ledger.database import synchronous
from tracking.ledger.journal import Journal, recover
from tracking.ledger.places import place_of
from tracking.ledger.rows import CALL_COLUMNS
from tracking.ledger.writer import Writer, writer_for


@dataclass(slots=True)
class _Shared:
    journal: Journal
    writer: Writer
    users: int = 0


_open: dict[tuple[int, str], _Shared] = {}
_lock = threading.Lock()


def join(url: str) -> Journal:
    """The journal for the database at `url`, made for the first who asks. Every `join` needs a `leave`."""
    with _lock:
        key = os.getpid(), url  # a forked process has a journal of its own
        if key not in _open:
            writer = writer_for(url)
            parsed = sa.make_url(url)
            sync = parsed.get_backend_name() == "sqlite" and synchronous(parsed) == "FULL"
            journal = Journal(place_of(url, "journals"), CALL_COLUMNS, writer.write, sync=sync)
            _open[key] = _Shared(journal, writer)
        _open[key].users += 1
        return _open[key].journal


def leave(url: str) -> None:
    """Give a journal back; the last to leave closes it.

    Raises:
        LedgerError: calls were left in it which the database would not take.
    """
    with _lock:
        key = os.getpid(), url
        shared = _open[key]
        shared.users -= 1
        if shared.users:
            return
        del _open[key]
    try:
        shared.journal.close()
    finally:
        shared.writer.close()


def flush(url: str) -> None:
    """Wait until the database has every call that this process has appended to it, by whichever ledger.

    Raises:
        LedgerError: the database would not take them; they are kept, and tried again.
    """
    with _lock:
        shared = _open.get((os.getpid(), url))
    if shared is not None:
        shared.journal.flush()


def bring_in(url: str) -> int:
    """Bring in the calls of processes that died before the database had them. Returns how many.

    Raises:
        Exception: what the database says; the calls stay where they are.
    """
    folder = place_of(url, "journals")
    if not folder.exists():
        return 0
    writer = writer_for(url)
    try:
        return recover(folder, CALL_COLUMNS, writer.write)
    finally:
        writer.close()
