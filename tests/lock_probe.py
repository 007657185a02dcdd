"""Asks for the write locks of SQLite files again and again, as a page would, until its input ends.

Writes how long it waited for each, in milliseconds, less what it was itself woken too late just before: on a
busy machine that much of a wait is not the lock's.
"""

import json
import select
import sqlite3
import sys
import time

_EVERY_SECONDS = 0.05


def probe(paths):
    databases = [sqlite3.connect(path, timeout=30, isolation_level=None) for path in paths]
    waits, late = [[] for _ in paths], []
    while True:
        began = time.monotonic()
        if select.select([sys.stdin], [], [], _EVERY_SECONDS)[0]:
            break
        late.append(time.monotonic() - began - _EVERY_SECONDS)
        for database, found in zip(databases, waits, strict=True):
            began = time.monotonic()
            database.execute("BEGIN IMMEDIATE")
            found.append(max(0.0, time.monotonic() - began - late[-1]))
            database.execute("ROLLBACK")
    return {**{path: _said(w) for path, w in zip(paths, waits, strict=True)}, "woken late": _said(late)}


def _said(waits):
    waits = sorted(waits)
    at = {"median": len(waits) // 2, "p99": len(waits) * 99 // 100, "longest": len(waits) - 1}
    return {"count": len(waits), **{name: round(waits[place] * 1000, 2) for name, place in at.items()}}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe(sys.argv[1:])))
