"""A batch as CSV: what was asked for, what it used, and what the crew reported, a row per run."""

import csv
import io
from collections.abc import Mapping, Sequence

from tracking.domain.run import RunState
from tracking.domain.variation import at, written
from tracking.export.files import cell, iso, money
from tracking.report.batch import differences, why_ended
from tracking.report.history import Entry


def as_csv(found: Sequence[Entry], reports: Mapping[str, str]) -> str:
    """One row per run by position. An empty count is not known; a 0 is a 0.

    `reports` are the last tasks' answers by run; only a completed run's is its result.
    """
    fields = differences([entry.run for entry in found])
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for entry in found:
        record = {name: cell(value) for name, value in _record(entry, fields, reports).items()}
        if writer is None:
            writer = csv.DictWriter(text, record, lineterminator="\n")
            writer.writeheader()
        writer.writerow(record)
    return text.getvalue()


def _record(entry: Entry, fields: Sequence[str], reports: Mapping[str, str]) -> dict[str, object]:
    run, metrics, nothing = entry.run, entry.metrics, entry.used_nothing
    done = entry.state is RunState.COMPLETED
    return {
        "position": (run.batch_position or 0) + 1,
        "name": run.name,
        "run_id": run.run_id,
        **{field: written(at(run.spec, field)) for field in fields},
        "state": str(entry.state),
        "reason": why_ended(entry),
        "started_at": iso(run.started_at),
        "duration_seconds": None if entry.elapsed is None else entry.elapsed.total_seconds(),
        "requests": 0 if nothing else metrics.requests_made,
        "input_tokens": 0 if nothing else metrics.input_tokens,
        "output_tokens": 0 if nothing else metrics.output_tokens,
        "total_tokens": 0 if nothing else metrics.total_tokens,
        "unknown_requests": metrics.unknown_requests,
        "estimated_requests": metrics.estimated_requests,
        "unpriced_requests": metrics.unpriced_requests,
        "lower_bound": str(metrics.lower_bound).lower(),
        "cost_usd": "0" if nothing else money(metrics.total_cost),
        "cost_state": "known" if nothing else str(metrics.cost_state),
        "report": reports.get(run.run_id, "") if done else "",
    }
