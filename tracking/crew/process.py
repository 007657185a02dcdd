"""The program of a run's process: warm up, say "ready", wait for a run, carry it out, end.

Started by the worker ahead of need, so that a click does not wait for the import. Its standard input is
the line to the worker: when it closes, the worker has died, and a crew nobody watches must not go on
spending money. The worker ends it when it is to end: a signal that reaches a whole group of processes, as a
terminal's Ctrl-C or a service manager's stop does, is the worker's to answer.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

from tracking.settings import Settings

READY = "ready"

# crewai reports home unless told not to, and reads these when it is imported.
QUIET_CREWAI = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
}


def main() -> None:
    _leave_signals_to_worker()
    settings = Settings()
    os.environ.update(QUIET_CREWAI)
    os.environ.setdefault("CREWAI_STORAGE_DIR", str(settings.home / "crewai"))
    line_to_worker, worker_fd = sys.stdin, os.dup(1)
    _silence(1)
    from tracking.crew.execute import Execution, execute_run, warm_up  # noqa: PLC0415  # the slow import that is done ahead of need

    models = warm_up(settings)
    _leave_signals_to_worker()  # whatever was imported may have thought otherwise

    os.write(worker_fd, f"{READY}\n".encode())
    words = line_to_worker.readline().split()
    if not words:
        return
    run_id, worker = words
    _silence(2)  # until here the worker's log is told why a process could not warm up
    execution = Execution()
    arguments = settings, run_id, execution.give_up
    threading.Thread(target=_end_with_worker, args=arguments, daemon=True).start()
    execute_run(settings, run_id, models, worker=worker, execution=execution)
    # crewai leaves threads behind that are not daemons; everything that matters is in the ledger.
    os._exit(0)


def _leave_signals_to_worker() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _silence(fd: int) -> None:
    """Crewai prints what its agents say: that belongs in no log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, fd)
    os.close(nowhere)


def _end_with_worker(settings: Settings, run_id: str, give_up: Callable[[], None]) -> None:
    from tracking.domain.run import RunState  # noqa: PLC0415  # needed when everything else has gone wrong
    from tracking.ledger.ledger import Ledger  # noqa: PLC0415
    from tracking.ledger.runs import RunBook  # noqa: PLC0415

    while sys.stdin.read(1):
        pass
    try:
        give_up()
        book = RunBook(Ledger.open(settings.ledger_url))
        book.finish(
            run_id,
            RunState.LOST,
            only={RunState.RUNNING},  # one that has not begun is another worker's to take
            stop_reason="its worker died, and nobody was left to watch over it",
        )
    finally:  # whatever the ledger says: a crew nobody watches must not go on
        os._exit(1)


if __name__ == "__main__":
    main()
