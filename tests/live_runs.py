"""A run that goes on while it is watched: its calls are written as its process would write them."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from run_support import CREW, call, run, tasks

from tracking.domain.run import RunState
from tracking.domain.under_way import CallUnderWay
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.ledger.under_way import UnderWay

# Notes in a page when the value of a metric changes, by the browser's clock, which is this computer's.
NOTE_CHANGES = """label => {
  window.changes = [];
  const look = () => document.querySelectorAll('[data-testid="stMetric"]').forEach(metric => {
    if (metric.querySelector('[data-testid="stMetricLabel"]')?.textContent !== label) return;
    const value = metric.querySelector('[data-testid="stMetricValue"]').textContent.trim();
    const last = window.changes.at(-1);
    if (!last || last[0] !== value) window.changes.push([value, Date.now()]);
  });
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
  look();
}"""


class Going:
    """`ended` is when each call ended, in seconds since 1970, the ones it began with left out."""

    def __init__(self, run_id: str, already: int, every: float) -> None:
        self.run_id = run_id
        self.already = already
        self.ended: list[float] = []
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def begin(self, ledger: Ledger) -> None:
        now, book = datetime.now(UTC), RunBook(ledger)
        began = now - timedelta(seconds=1.2 * self.already)
        times = {"created_at": began, "started_at": began, "heartbeat_at": now}
        book.add(run(RunState.RUNNING, run_id=self.run_id, evidence={}, **times))
        first, *others = tasks(*[RunState.QUEUED] * 3)
        book.set_tasks(self.run_id, [replace(first, state=RunState.RUNNING, started_at=began), *others])
        for number in range(self.already):
            sent = began + timedelta(seconds=1.2 * number)
            ledger.append(call(number, *CREW[0], run_id=self.run_id, started_at=sent, duration=1.0))
        self._ledger = ledger
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        book = RunBook(self._ledger)
        book.change_task(self.run_id, 0, RunState.COMPLETED)
        book.finish(self.run_id, RunState.COMPLETED)

    def _go(self) -> None:
        book, under_way, number = RunBook(self._ledger), UnderWay(self._ledger), self.already
        while not self._stop.is_set():
            sent = datetime.now(UTC)
            agent, task = CREW[0]
            open_call = CallUnderWay(
                call_id=f"{self.run_id}-{number}",
                run_id=self.run_id,
                started_at=sent,
                provider_name="openai",
                request_model="gpt-4o-mini",
                operation_name="chat",
                agent_name=agent,
                task_name=task,
            )
            under_way.say(self.run_id, [open_call])
            book.beat(self.run_id)
            self._stop.wait(self._every * 0.8)
            ended = time.time()
            lasted = ended - sent.timestamp()
            self._ledger.append(
                call(number, agent, task, run_id=self.run_id, started_at=sent, duration=lasted)
            )
            self.ended.append(ended)
            under_way.clear(self.run_id)
            number += 1
            self._stop.wait(self._every * 0.2)


@contextmanager
def going(ledger: Ledger, run_id: str, *, already: int = 0, every: float = 1.0) -> Iterator[Going]:
    """A run that makes a call every so many seconds, until the block ends and it completes."""
    one = Going(run_id, already, every)
    one.begin(ledger)
    try:
        yield one
    finally:
        one.end()


def delays(changes: list[list[object]], run: Going) -> list[float]:
    """Seconds from the end of each call to its being counted on the page, of those that a page counted."""
    shown = [(int(str(value).replace(",", "")), moment / 1000) for value, moment in changes]
    found = []
    for place, ended in enumerate(run.ended):
        count = run.already + place + 1
        seen = [moment for value, moment in shown if value >= count]
        # What had ended before anybody looked was not awaited.
        if seen and shown[0][0] < count:
            found.append(seen[0] - ended)
    return found


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
