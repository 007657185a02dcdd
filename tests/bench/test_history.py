"""What pages ask of a long history: the ledger on SQLite and PostgreSQL against DuckDB on the raw rows."""

import gc
import os
from statistics import median
from time import perf_counter, sleep

import pytest
from bench.questions import questions

from tracking import Ledger

pytestmark = [pytest.mark.bench, pytest.mark.timeout(4 * 3600)]

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
MOST_OF_DUCKDB = 1.0
MOST_OF_DUCKDB_FOR_ALL_HISTORY = 0.1
MOST_SECONDS_ON_POSTGRESQL = 0.2
NEAR = 0.02


def test_every_answer_is_the_raw_rows_own_and_comes_faster(made, capsys):
    import duckdb

    with capsys.disabled():  # making it takes minutes, and says so
        urls, raw = (made.sqlite(), made.postgresql()), made.duckdb()
    with (
        duckdb.connect(raw, read_only=True) as connection,
        Ledger.open(urls[0]) as sqlite,
        Ledger.open(urls[1]) as postgres,
    ):
        run = connection.execute(
            "SELECT run_id FROM calls GROUP BY run_id HAVING COUNT(*) = 40 ORDER BY hash(run_id) LIMIT 1"
        ).fetchone()[0]
        asked = list(questions(run))
        engines = {
            "SQLite": lambda question: question.ask(sqlite),
            "PostgreSQL": lambda question: question.ask(postgres),
            "DuckDB": lambda question: connection.execute(question.sql).fetchall(),
        }
        _warm(asked, engines, (sqlite, postgres))
        wrong = [name for question in asked for name in _differing(question, engines)]
        seconds = {question.name: {name: [] for name in engines} for question in asked}
        gc.disable()  # as timeit does: what pytest and its plugins hold would be walked through meanwhile
        for number in range(ROUNDS):
            for question in asked:
                names = list(engines)
                for name in (*names[number % 3 :], *names[: number % 3]):
                    engines[name](question)  # or the other engines' rows are what is near
                    started = perf_counter()
                    engines[name](question)
                    seconds[question.name][name].append(perf_counter() - started)
        gc.enable()
    with capsys.disabled():
        print(f"\n{made.calls:,} calls, medians of {ROUNDS} warm rounds, ms")
        slow = [each for question in asked for each in _told(question, seconds[question.name])]
        print(f"{len(wrong)} answers differ, {len(slow)} limits are missed", *wrong, *slow, sep="\n")
    assert wrong == []
    assert slow == []


def _warm(asked, engines, ledgers):
    """Everything once; days of a new time zone are put together in the background, which is waited for."""
    for question in asked:
        for ask in engines.values():
            ask(question)
    for ledger in ledgers:
        for _ in range(3):
            if ledger._tending is not None:
                ledger._tending.join()
            for question in asked:
                question.ask(ledger)
    sleep(1)


def _differing(question, engines):
    rows = engines["DuckDB"](question)
    truth = _compared({row[: question.keys]: row[question.keys :] for row in rows}, question)
    for name in ("SQLite", "PostgreSQL"):
        answer = _compared(question.read(engines[name](question)), question)
        if question.near:
            same = answer.keys() == truth.keys() and all(
                value == pytest.approx(exact, rel=NEAR)
                for key, values in truth.items()
                for value, exact in zip(answer[key], values, strict=True)
            )
        else:
            same = answer == truth
        if not same:
            first = next(
                (
                    (k, answer.get(k), truth.get(k))
                    for k in (*truth, *answer)
                    if answer.get(k) != truth.get(k)
                ),
                None,
            )
            yield f"{name} on {question.name}: {len(answer)} groups, truth {len(truth)}; {first}"


def _compared(answer, question):
    return {key: list(values[:1] if question.rest else values) for key, values in answer.items()}


def _told(question, seconds):
    sqlite, postgres, duckdb = (median(each) for each in seconds.values())
    ratio = median(a / b for a, b in zip(seconds["SQLite"], seconds["DuckDB"], strict=True))
    most = MOST_OF_DUCKDB_FOR_ALL_HISTORY if question.whole else MOST_OF_DUCKDB
    missed = []
    if ratio > most:
        missed.append(f"{question.name}: SQLite takes {ratio:.3f} of DuckDB's time, more than {most}")
    if sqlite > question.limit:
        missed.append(
            f"{question.name}: SQLite takes {sqlite * 1e3:.2f} ms, more than {question.limit * 1e3:.0f}"
        )
    if postgres > MOST_SECONDS_ON_POSTGRESQL:
        missed.append(f"{question.name}: PostgreSQL takes {postgres * 1e3:.1f} ms")
    mark = "*" if missed else " "
    print(
        f"{mark} {question.name:<58} SQLite {sqlite * 1e3:8.2f}  PostgreSQL {postgres * 1e3:8.2f}  "
        f"DuckDB {duckdb * 1e3:8.2f}  ratio {ratio:6.3f} of {most}"
    )
    return missed
