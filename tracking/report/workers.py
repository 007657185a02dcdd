"""Workers in words."""

from __future__ import annotations

from collections.abc import Sequence

from tracking.ledger.workers import Worker, differing_versions
from tracking.report.format import counted


def workers_label(living: Sequence[Worker]) -> str:
    """All of them in a few words: "Worker: busy", "3 workers, 2 busy"."""
    if not living:
        return "Worker: none"
    if len(living) == 1:
        return f"Worker: {_in_a_word(living[0])}"
    words = [_in_a_word(worker) for worker in living]
    counts = [(words.count(word), word) for word in ("busy", "draining")]
    said = [f"{count} {word}" for count, word in counts if count]
    return ", ".join([f"{len(living)} workers", *(said or ["warm" if "warm" in words else "warming up"])])


def worker_state(worker: Worker) -> str:
    """One worker in a line: what it does, of how much it can do, and what is ready."""
    runs = f"{counted(worker.running, 'run')} now, at most {worker.concurrency:,} at a time"
    if worker.draining:
        return f"{counted(worker.running, 'run')} now, takes no new one and ends then"
    return f"{runs}, {'a spare process is ready' if worker.warm else 'a spare process is being made ready'}"


def version_notes(living: Sequence[Worker]) -> list[str]:
    """A sentence for each thing of which workers have different versions, naming the hosts."""
    return [
        f"Workers differ in {name}: "
        + ", ".join(f"{version} on {' and '.join(hosts)}" for version, hosts in versions.items())
        for name, versions in differing_versions(living).items()
    ]


def _in_a_word(worker: Worker) -> str:
    if worker.draining:
        return "draining"
    return "busy" if worker.running else "warm" if worker.warm else "warming up"
