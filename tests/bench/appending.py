"""A process that appends calls and writes down how long each took: `appending.py URL NUMBER CALLS FILE`."""

import sys
from pathlib import Path
from time import perf_counter_ns, sleep

import numpy as np
from bench.made_calls import made_calls

from tracking import Ledger


def append_timed(ledger: Ledger, calls) -> np.ndarray:
    """Microseconds for each."""
    taken = np.empty(len(calls))
    for number, call in enumerate(calls):
        started = perf_counter_ns()
        ledger.append(call)
        taken[number] = perf_counter_ns() - started
    return taken / 1_000


def told(taken: np.ndarray) -> str:
    middle, late = np.quantile(taken, (0.5, 0.99))
    return f"p50 {middle:.0f} µs, p99 {late:.0f} µs, max {taken.max() / 1_000:.1f} ms"


def main(url: str, number: str, count: str, file: str) -> None:
    # One history each: no two processes make the same call.
    calls = made_calls(int(count), seed=100 + int(number))
    with Ledger.open(url) as ledger:
        ready, go = Path(f"{file}.ready"), Path(file).with_name("go")
        ready.touch()
        while not go.exists():
            sleep(0.01)
        taken = append_timed(ledger, calls)
        ledger.flush()
    np.save(file, taken)


if __name__ == "__main__":
    main(*sys.argv[1:])
