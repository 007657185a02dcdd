"""Calls on their way into the ledger: on disk before the crew goes on, in the database a moment later.

A call is a line appended to a file of this process, and a file survives its process. A thread moves the lines
into the database. While that is locked, full or away they wait; what a dead process left behind is brought in
by the next one that opens the ledger. A line that comes twice is one row, for `call_id` is unique.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from filelock import FileLock, Timeout

from tracking.errors import LedgerError

logger = logging.getLogger(__name__)

Row = list[Any]
Write = Callable[[Sequence[Row]], None]  # in one transaction; raises what the database says

_SUFFIX: Final = ".jsonl"
_LINGER_SECONDS: Final = 0.02  # calls that end at about the same time share a transaction
_RETRY_SECONDS: Final = 1.0
_MOST_BYTES: Final = 256 * 1024 * 1024  # of calls that wait: a few hundred thousand
_CHUNK: Final = 256 * 1024
_RESERVED: Final = 1024 * 1024  # kept of the disk: a thousand calls have a place when it is full
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class Journal:
    """The journal of one process for one ledger. Any thread may append.

    Args:
        folder: where the journals of a ledger are; made when missing.
        columns: what a row holds, in order.
        write: puts rows into the database.
        sync: wait for the disk with every row, so that it survives a power cut.

    Attributes:
        rejected: how many rows the database would not have while it took others.
    """

    def __init__(self, folder: Path, columns: Sequence[str], write: Write, *, sync: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{os.getpid()}-{uuid4().hex[:8]}{_SUFFIX}"
        self._lock = _lock_of(self.path)
        self._lock.acquire(blocking=False)
        header = _line(list(columns))
        self.path.write_bytes(header)
        self._writing = self.path.open("r+b", buffering=0)
        self._reading = self.path.open("rb", buffering=0)  # what is reserved must not be remembered as zeros
        self._first = self._read = self._end = len(header)  # offsets in the file
        _reserve(self._writing, self._first)
        self._write, self._sync = write, sync
        self._appended = self._moved = 0  # rows
        self._failed: tuple[float, Exception] | None = None  # when, and what the database said
        self._changed = threading.Condition()
        self._wanted, self._hurry, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._mover: threading.Thread | None = None
        self.rejected = 0

    @property
    def waiting(self) -> int:
        """Rows that are on disk and not in the database yet."""
        return self._appended - self._moved

    def append(self, row: Row) -> None:
        """Put a row on disk: from here on it survives this process.

        Raises:
            OSError: it could not be written.
            LedgerError: the database has been away for so long that the journal is full.
        """
        line = _line(row)
        with self._changed:
            if self._end + len(line) > _MOST_BYTES:
                raise LedgerError(f"{self.path} is full of calls that the database would not take")
            self._writing.seek(self._end)
            if self._writing.write(line) != len(line):  # the next one is written over it
                raise OSError(f"{self.path} can't grow: the disk is full")
            if self._sync:
                os.fsync(self._writing.fileno())
            self._end += len(line)
            self._appended += 1
            if self._mover is None:
                self._mover = threading.Thread(target=self._move, name="ledger journal", daemon=True)
                self._mover.start()
        if not self._wanted.is_set():
            self._wanted.set()

    def flush(self) -> None:
        """Wait until what was appended so far is in the database.

        Raises:
            LedgerError: the database would not take it. It stays in the journal and is tried again.
        """
        asked, wanted = monotonic(), self._appended
        with self._changed:
            while self._moved < wanted:
                self._hurry.set()
                self._wanted.set()
                self._changed.wait(_RETRY_SECONDS)
                if self._failed is not None and self._failed[0] > asked:
                    raise LedgerError(f"calls wait in {self.path.name}: {self._failed[1]}") from self._failed[
                        1
                    ]

    def close(self) -> None:
        """Move what is there. What the database will not take is left for the next one that opens the ledger.

        Raises:
            LedgerError: something was left.
        """
        try:
            self.flush()
        finally:
            self._closing.set()
            self._hurry.set()
            self._wanted.set()
            if self._mover is not None:
                self._mover.join()
            self._writing.close()
            self._reading.close()
            if self._moved == self._appended:
                self.path.unlink(missing_ok=True)
            _release(self._lock)

    def _move(self) -> None:
        # `close` sets closing, then wanted; here wanted is cleared, then closing looked at: none is missed.
        while not self._closing.is_set():
            self._wanted.wait()
            self._hurry.wait(_LINGER_SECONDS)
            self._wanted.clear()
            self._hurry.clear()
            try:
                while self._move_some():
                    pass
            except Exception as error:  # whatever it is, the rows wait and are tried again
                logger.warning(
                    "the ledger did not take calls, they wait in %s", self.path.name, exc_info=error
                )
                with self._changed:
                    self._failed = (monotonic(), error)
                    self._changed.notify_all()
                self._hurry.wait(_RETRY_SECONDS)
                self._wanted.set()

    def _move_some(self) -> bool:
        """Move some rows. Returns whether there were any."""
        with self._changed:
            start, waiting = self._read, self._end - self._read
        if not waiting:
            return False
        self._reading.seek(start)
        data = self._reading.read(min(waiting, _CHUNK))
        data = data[: data.rindex(b"\n") + 1]
        rows = list(_rows(data))
        self.rejected += store(rows, self._write)
        with self._changed:
            self._read += len(data)
            self._moved += len(rows)
            if self._read == self._end:
                self._writing.truncate(self._first)
                _reserve(self._writing, self._first)
                self._read = self._end = self._first
            self._changed.notify_all()
        return True


def recover(folder: Path, columns: Sequence[str], write: Write) -> int:
    """Bring in what dead processes left behind in `folder`. Returns how many rows that were.

    Raises:
        Exception: what the database says; the rows stay where they are.
    """
    recovered = 0
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        lock = _lock_of(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue  # its process lives
        try:
            recovered += _bring_in(path, columns, write)
        finally:
            _release(lock)
    return recovered


def store(rows: Sequence[Row], write: Write) -> int:
    """Write rows together, or one by one where the database won't have some. Returns how many it won't.

    Raises:
        Exception: what the database says, when it takes none of them.
    """
    if not rows:
        return 0
    try:
        write(rows)
    except Exception:
        if len(rows) == 1:
            raise
    else:
        return 0
    refused = 0
    for number, row in enumerate(rows):
        try:
            write([row])
        except Exception as error:
            refused += 1
            if refused > number and (refused == len(rows) or refused > 3):
                raise
            logger.warning("a call that the ledger will not have was dropped", exc_info=error)
    return refused


def _bring_in(path: Path, columns: Sequence[str], write: Write) -> int:
    if not path.exists():  # somebody was faster
        return 0
    header, _, data = path.read_bytes().partition(b"\n")
    rows = list(_rows(data[: data.rfind(b"\n") + 1]))  # a last line cut short was never acknowledged
    if rows:
        names = json.loads(header)
        known = [dict(zip(names, row, strict=True)) for row in rows]  # another version has other columns
        store([[each.get(name) for name in columns] for each in known], write)
        logger.info("%s calls of a process that died were brought into the ledger", len(rows))
    path.unlink()
    return len(rows)


def _reserve(file: RawIOBase, start: int) -> None:
    """What is reserved reads as zeros, after the last line; where none can be had there is no reserve."""
    if hasattr(os, "posix_fallocate"):
        with suppress(OSError):
            os.posix_fallocate(file.fileno(), start, _RESERVED)


def _lock_of(path: Path) -> FileLock:
    return FileLock(f"{path}.lock", thread_local=False)


def _release(lock: FileLock) -> None:
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)


def _line(row: Row) -> bytes:
    return _encode(row).encode() + b"\n"


def _rows(data: bytes) -> Iterator[Row]:
    return map(json.loads, data.splitlines())
