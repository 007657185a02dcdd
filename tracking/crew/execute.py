"""One run, from the spec in the ledger to its report. Runs in a process of its own, with crewai imported."""

from __future__ import annotations

import contextlib
import functools
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracking.capture.evidence import evidence
from tracking.capture.tracker import Tracker
from tracking.crew.build import build_crew
from tracking.crew.catalog import load_catalog
from tracking.crew.files import load_data
from tracking.crew.limits import gate_of
from tracking.crew.loop_guard import Guard
from tracking.crew.models import Models
from tracking.crew.prompts import TaskPrompt, task_prompts
from tracking.crew.redact import redacted
from tracking.dataset.choices import select
from tracking.domain.run import Run, RunState, TaskProgress
from tracking.domain.spec import LoopGuard, RunSpec
from tracking.domain.under_way import CallUnderWay
from tracking.errors import BudgetExceeded, LedgerError, RunStopped, TrackingError
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore, TaskOutput
from tracking.ledger.runs import RunBook
from tracking.ledger.under_way import telling
from tracking.session import beating, parse_token_metrics, track
from tracking.settings import Settings


@dataclass(slots=True)
class Execution:
    """What is known of the run under way, for the record that is written whichever way it ends."""

    tracker: Tracker | None = None
    crew: Any = None
    result: Any = None
    server_tokens: tuple[int, int] | None = None

    def give_up(self) -> None:
        """Record what is still under way, for a process that is about to end."""
        if self.tracker is not None:
            self.tracker.give_up()

    def under_way(self) -> list[CallUnderWay]:
        return [] if self.tracker is None else self.tracker.under_way()


def warm_up(settings: Settings) -> Models:
    """Do ahead of need whatever the first run would wait for: imports, the sample's figures, the local model.

    Asks no model anything. What can't be warmed up is left to the run, which says what is wrong with it.
    """
    models = Models(settings)
    with contextlib.suppress(TrackingError):
        catalog = load_catalog(settings)
        preset, entry = next(iter(catalog.presets.values())), catalog.default_model
        spec = RunSpec(preset=preset.name, agents=preset.agents, model=entry.id)
        data = load_data(settings, spec.dataset)
        build_crew(spec, catalog, task_prompts(spec, catalog, data), data, models, lambda *_: None)
    return models


def execute_run(
    settings: Settings,
    run_id: str,
    models: Models,
    *,
    worker: str | None = None,
    execution: Execution | None = None,
) -> None:
    """Carry out a queued run to its end, whatever that is, and write it down. Raises nothing of the crew's.

    A run that is not queued any more (stopped while it waited, taken by somebody else) is left alone. In
    `execution` another thread may see what is known of it meanwhile.
    """
    execution = execution or Execution()
    ledger = Ledger.open(settings.ledger_url)
    book = RunBook(ledger)
    run = ledger.run(run_id)
    if run is None or not book.start(run_id, worker=worker, pid=os.getpid()):
        return
    outputs = OutputStore.open(settings.outputs_url)
    with (
        telling(ledger, run_id, execution.under_way) as tell,
        beating(lambda: _beat(book, run_id, execution, tell)),
    ):
        try:
            _kick_off(settings, models, ledger, outputs, run, execution)
        except BaseException as error:
            if (stop := _stop_in(error)) is not None:
                why = f"budget: {stop}" if isinstance(stop, BudgetExceeded) else str(stop)
                book.finish(run_id, RunState.STOPPED, stop_reason=why, **_record(execution))
            elif isinstance(error, Exception):  # whatever ends a run is its result
                _end_badly(book, outputs, run_id, execution, error)
            else:
                raise
        else:
            book.finish(run_id, RunState.COMPLETED, **_record(execution))


def _stop_in(error: BaseException) -> RunStopped | BudgetExceeded | None:
    """What was meant to end the run; among tasks that ran side by side it comes in a group."""
    if isinstance(error, BaseExceptionGroup):
        found = (_stop_in(each) for each in error.exceptions)
        return next((each for each in found if each is not None), None)
    return error if isinstance(error, RunStopped | BudgetExceeded) else None


def _kick_off(
    settings: Settings,
    models: Models,
    ledger: Ledger,
    outputs: OutputStore,
    run: Run,
    execution: Execution,
) -> None:
    run_id, spec, book = run.run_id, RunSpec.from_json(run.spec), RunBook(ledger)
    catalog = load_catalog(settings)
    data = load_data(settings, spec.dataset)
    prompts = task_prompts(spec, catalog, data)
    book.set_tasks(
        run_id,
        [TaskProgress(position=p.position, task_name=p.name, agent_name=p.agent.role) for p in prompts],
    )
    book.log(run_id, "info", f"{len(prompts)} tasks, data {data.name} with {data.rows:,} rows")
    part = select(data, spec.market.regions, spec.market.categories, spec.market.brands)
    on_task = _progress(book, run_id, outputs)
    execution.crew = build_crew(spec, catalog, prompts, part, models, on_task)
    prices, gate = settings.price_overrides, gate_of(settings, ledger, book, run)
    with contextlib.ExitStack() as stack:
        if gate is not None:
            stack.enter_context(gate)
        if spec.settings.track_tokens:
            tracking = track(run.name, ledger=settings.ledger_url, run_id=run_id, prices=prices, budget=gate)
            execution.tracker = stack.enter_context(tracking)
        guard = _guard(spec.settings.loop_guard, execution, functools.partial(book.log, run_id, "warning"))
        execution.result = execution.crew.kickoff()
        if guard is not None and guard.stopped is not None:  # crewai made do without the refused call
            raise RunStopped(guard.stopped)
        if gate is not None and gate.refusal is not None:  # crewai made do without the refused call
            raise BudgetExceeded(str(gate.refusal), gate.refusal)
    execution.server_tokens = models.metered()


def _guard(mode: LoopGuard, execution: Execution, warn: Callable[[str], None]) -> Guard | None:
    """What watches the run for loops; None: nobody does, or nobody sees its calls."""
    if execution.tracker is None or mode is LoopGuard.OFF:
        return None
    guard = Guard(mode, warn)
    execution.tracker.guards.append(guard)
    return guard


def _progress(book: RunBook, run_id: str, outputs: OutputStore) -> Callable[[TaskPrompt, str | None], None]:
    last: str | None = None  # the task that is done

    def on_task(prompt: TaskPrompt, text: str | None) -> None:
        nonlocal last
        if text is None:
            # crewai lets whatever a task's beginning raises pass: nothing is asked again, and the crew ends.
            after = "before its first task" if last is None else f"after the task {last}"
            if book.ends_before_next_task(run_id, reason := f"stopped by you {after}"):
                raise RunStopped(reason)
            book.change_task(run_id, prompt.position, RunState.RUNNING)
            return
        outputs.put(run_id, TaskOutput(prompt.position, prompt.name, prompt.agent.role, text, prompt.figures))
        book.change_task(run_id, prompt.position, RunState.COMPLETED)
        book.log(run_id, "info", f"{prompt.name} done")
        last = prompt.name

    return on_task


def _beat(book: RunBook, run_id: str, execution: Execution, tell: Callable[[], None]) -> None:
    """Say that we live, and what is in flight; when a stop was asked for, end at once.

    A crew can't be interrupted otherwise.
    """
    # A database that is away for a moment is asked again in a second: without its heart a run counts as lost.
    with contextlib.suppress(LedgerError):
        if book.beat(run_id):
            execution.give_up()
            book.finish(run_id, RunState.STOPPED, stop_reason="stopped by you", **_record(execution))
            os._exit(0)
        tell()


def _end_badly(
    book: RunBook, outputs: OutputStore, run_id: str, execution: Execution, error: Exception
) -> None:
    record = _record(execution)
    name, message = type(error).__name__, redacted(str(error))
    if not isinstance(error, TrackingError):
        # Others' messages may quote what was said: they are kept with the outputs, not in the ledger.
        outputs.put_failure(run_id, message)
        message = ""
    book.log(run_id, "error", f"{name}: {message}".removesuffix(": "))
    frames = redacted_frames(traceback.format_tb(error.__traceback__))
    book.finish(
        run_id, RunState.FAILED, error={"type": name, "message": message, "traceback": frames}, **record
    )


def redacted_frames(frames: list[str]) -> str:
    """Where it happened: file names and source lines, which hold none of the values."""
    return "".join(frames).replace(os.path.expanduser("~"), "~")  # noqa: PTH111  # also inside quoted paths


def _record(execution: Execution) -> dict[str, Any]:
    """Readings and evidence, as far as there are any. Its own failure is evidence too, not the run's end."""
    try:
        metrics = parse_token_metrics(execution.tracker, execution.crew, execution.result)
        return {
            "readings": {"metrics": metrics.to_json()},
            "evidence": evidence(execution.tracker, execution.crew, execution.result)
            | {"server_tokens": execution.server_tokens},
        }
    except Exception as error:  # noqa: BLE001  # a crew finished; that its account failed is told beside it
        return {"evidence": {"tracker": {"lost": 0, "errors": [type(error).__name__], "notes": []}}}
