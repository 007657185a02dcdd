"""A run as Markdown, JSON and CSV: the same figures, words and lines as on the screen."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from tracking.domain.call import LlmCall
from tracking.domain.usage import TokenUsage
from tracking.ledger.outputs import TaskOutput
from tracking.report.account import Account, headline, part_of_sums, tiles, tokens_of_sums
from tracking.report.breakdown import Dimension, breakdown, breakdown_note
from tracking.report.format import share, spoken, usd, when
from tracking.report.markdown import lowered
from tracking.report.notes import cut_short, reason, unfinished

_COUNTS: Final = tuple(TokenUsage.__dataclass_fields__)
# A cell that begins like this is a formula to a spreadsheet; names of models and agents come from outside.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def file_name(account: Account, extension: str) -> str:
    """`comprehensive-2026-11-21-20-05.md`, in UTC so that a name means the same to everyone."""
    return f"{slug(account.run.name, 'run')}-{account.run.created_at:%Y-%m-%d-%H-%M}.{extension}"


def slug(name: str, otherwise: str) -> str:
    """A name as part of a file's; `otherwise` where nothing of it can be."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or otherwise


def as_markdown(account: Account, outputs: Sequence[TaskOutput], tz: str | None) -> str:
    """The summary, the breakdowns, the report and every other output. Times in the zone `tz`."""
    run = account.run
    parts = [f"# {headline(account)}", f"{run.name}, {when(run.created_at, tz)}"]
    if why := reason(account):
        parts.append(why)
    if note := cut_short(account):
        parts.append(note)
    parts += [
        "## Token Usage Summary",
        f"Data source: {account.metrics.caption}",
        *run.notes,
        _summary(account),
    ]
    for by in Dimension:
        if account.calls:
            parts += [f"### By {by}", _breakdown(account, by)]
            parts += [note] if (note := breakdown_note(account, by)) else []
    return "\n\n".join([*parts, *_outputs(account, outputs)]) + "\n"


def _outputs(account: Account, outputs: Sequence[TaskOutput]) -> list[str]:
    """The report, and what the tasks before it said, every text once and below the document's headings."""
    if not outputs:
        return []
    *earlier, last = outputs
    parts = (
        ["## Report"] + ([note] if (note := unfinished(account, outputs)) else []) + _output(last, below=2)
    )
    if earlier:
        parts.append("## Task outputs")
    for output in earlier:
        parts += [f"### {spoken(output.task_name)}", *_output(output, below=3)]
    return parts


def _output(output: TaskOutput, *, below: int) -> list[str]:
    parts = [f"*{output.agent_name}*", lowered(output.text.strip(), below), output.figures.strip()]
    return [part for part in parts if part]


def _summary(account: Account) -> str:
    rows = [(tile.label, tile.value, tile.note) for tile in tiles(account)]
    return _table(("Figure", "Value", "Note"), rows)


def _breakdown(account: Account, by: Dimension) -> str:
    rows = [
        (
            line.label,
            f"{line.totals.requests:,}",
            part_of_sums(line.totals, line.totals.usage.input_tokens),
            part_of_sums(line.totals, line.totals.usage.output_tokens),
            tokens_of_sums(line.totals),
            share(line.share),
            usd(line.totals.cost.amount, line.totals.cost.state),
        )
        for line in breakdown(account.calls, by)
    ]
    return _table((str(by).capitalize(), "Calls", "Input", "Output", "Tokens", "Share", "Cost"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def as_json(account: Account, outputs: Sequence[TaskOutput]) -> str:
    """Everything, for programs: times in ISO 8601, money as decimal strings, what is not known as null."""
    run = account.run
    content = {
        "run": {
            "run_id": run.run_id,
            "name": run.name,
            "preset": run.preset,
            "state": str(account.state),
            "reason": reason(account),
            "created_at": run.created_at.isoformat(),
            "started_at": iso(run.started_at),
            "finished_at": iso(run.finished_at),
            "elapsed_seconds": None if account.elapsed is None else account.elapsed.total_seconds(),
            "headline": headline(account),
        },
        "spec": run.spec,
        "metrics": account.metrics.to_json(),
        "breakdown": {str(by): _lines(account, by) for by in Dimension},
        "calls": [call_record(call) for call in account.calls],
        "outputs": [
            {"task": o.task_name, "agent": o.agent_name, "text": o.text, "figures": o.figures}
            for o in outputs
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _lines(account: Account, by: Dimension) -> list[dict[str, object]]:
    return [
        {
            "name": line.name,
            "requests": line.totals.requests,
            "failed_requests": line.totals.failed_requests,
            "unknown_requests": line.totals.unknown_requests,
            "estimated_requests": line.totals.estimated_requests,
            "unpriced_requests": line.totals.unpriced_requests,
            "total_tokens": line.totals.usage.total_tokens,
            "estimated_tokens": line.totals.estimated_usage.total_tokens or 0,
            **line.totals.usage.counts(),
            "cost_usd": money(line.totals.cost.amount),
            "cost_state": str(line.totals.cost.state),
        }
        for line in breakdown(account.calls, by)
    ]


def as_csv(calls: Iterable[LlmCall]) -> str:
    """One row per call, oldest first. An empty cell is not known; a 0 is a 0."""
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for call in calls:
        record = {name: cell(value) for name, value in call_record(call).items() if name != "receipt"}
        if writer is None:
            writer = csv.DictWriter(text, record, lineterminator="\n")
            writer.writeheader()
        writer.writerow(record)
    return text.getvalue()


def call_record(call: LlmCall) -> dict[str, object]:
    """A call under the names of the ledger."""
    usage, receipt = call.usage or TokenUsage(), call.cost.receipt
    return {
        "call_id": call.call_id,
        "run_id": call.run_id,
        "started_at": call.started_at.isoformat(),
        "duration_seconds": call.duration,
        "provider_name": call.provider_name,
        "request_model": call.request_model,
        "response_model": call.response_model,
        "operation_name": call.operation_name,
        "agent_name": call.agent_name,
        "task_name": call.task_name,
        **{name: getattr(usage, name) for name in _COUNTS},
        "usage_state": str(call.usage_state),
        "notes": "; ".join(call.notes),
        "cost_usd": money(call.cost.amount),
        "cost_state": str(call.cost.state),
        "price_source": None if receipt is None else receipt.source,
        "status": str(call.status),
        "error_type": call.error_type,
        "sources": ", ".join(call.sources),
        "receipt": None if receipt is None else receipt.to_json(),
    }


def cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def money(amount: object) -> str | None:
    return None if amount is None else f"{amount:f}"
