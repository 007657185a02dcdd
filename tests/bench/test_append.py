"""How long a crew waits for the ledger, alone and among four, and how long a bulk import takes."""

import gc
import sys
from time import perf_counter

import numpy as np
import pytest
from bench.appending import append_timed, told
from bench.made_calls import made_calls
from browser import ROOT, process, wait_until

from tracking import Ledger

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_200)]

CALLS = 20_000
WRITERS = 4
IMPORTED = 100_000
MOST_MICROSECONDS_ALONE = 60  # p50
MOST_MICROSECONDS_AMONG_FOUR = 20_000  # p99
MOST_SECONDS_OF_IMPORT = 5.0


def told_by_thousands(taken):
    return "\n".join(
        f"  calls {n + 1:>6,} to {n + 1_000:,}: {told(taken[n : n + 1_000])}"
        for n in range(0, len(taken), 1_000)
    )


def test_one_writer_waits_less_than_sixty_microseconds(database_url, capsys):
    calls = made_calls(CALLS)
    with Ledger.open(database_url) as ledger:
        gc.collect()
        taken = append_timed(ledger, calls)
        ledger.flush()
        assert ledger.totals().requests + ledger.totals().failed_requests == CALLS
    with capsys.disabled():
        print(f"\none writer, {database_url.partition(':')[0]}: {told(taken)}\n{told_by_thousands(taken)}")
    assert np.median(taken) <= MOST_MICROSECONDS_ALONE


def test_four_writers_wait_less_than_twenty_milliseconds(database_url, tmp_path, capsys, request):
    files = [tmp_path / f"writer-{number}.npy" for number in range(WRITERS)]
    Ledger.open(database_url).close()
    path = f"{ROOT}:{ROOT / 'tests'}"
    writers = [
        process(
            *(sys.executable, "-m", "bench.appending", database_url, number, CALLS, file),
            log=tmp_path / f"{number}.log",
            PYTHONPATH=path,
        )
        for number, file in enumerate(files)
    ]
    with writers[0] as a, writers[1] as b, writers[2] as c, writers[3] as d:
        wait_until(
            lambda: all(file.with_name(f"{file.name}.ready").exists() for file in files), "four writers"
        )
        (tmp_path / "go").touch()
        codes = [writer.wait(600) for writer in (a, b, c, d)]
    logs = "".join((tmp_path / f"{number}.log").read_text() for number in range(WRITERS))
    assert (codes, logs) == ([0] * WRITERS, "")
    taken = [np.load(file) for file in files]
    with Ledger.open(database_url) as ledger:
        written = ledger.columns("call_id")["call_id"]
    assert len(written) == len(set(written)) == WRITERS * CALLS
    with capsys.disabled():
        print(f"\nfour writers, {database_url.partition(':')[0]}: {told(np.concatenate(taken))}")
        for number, each in enumerate(taken):
            print(f" writer {number + 1}: {told(each)}\n{told_by_thousands(each)}")
    assert np.quantile(np.concatenate(taken), 0.99) <= MOST_MICROSECONDS_AMONG_FOUR


def test_a_hundred_thousand_calls_are_imported_within_five_seconds(database_url, capsys):
    calls = made_calls(IMPORTED)
    with Ledger.open(database_url) as ledger:
        gc.collect()
        started = perf_counter()
        assert ledger.append_all(calls) == IMPORTED
        seconds = perf_counter() - started
        sums = ledger.totals()
    assert sums.requests + sums.failed_requests == IMPORTED
    with capsys.disabled():
        print(f"\n{IMPORTED:,} calls imported, {database_url.partition(':')[0]}: {seconds:.2f} s")
    assert seconds <= MOST_SECONDS_OF_IMPORT
