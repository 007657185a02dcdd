"""`docs/modes.md`: what each source says of each mode, one line a mode."""

from collections.abc import Sequence
from pathlib import Path

from tracking.capture.readings import crew_reading, result_reading
from tracking.domain.reading import Reading

TABLE = Path(__file__).resolve().parents[3] / "docs" / "modes.md"

_HEAD = """# Execution modes

What each source says a run used, in every way in which crewai can run. Written by the tests
(`pytest tests/contract/test_modes.py --write-modes`) from runs of real crewai and real provider clients
against a provider on a loopback port, whose own meter is the truth.

A cell is `requests: input + output` tokens. **Bold**: it equals the truth. `ours` is bold only where cached,
cache-write and reasoning tokens, model, agent, task and purpose of every single request are right too. ≈: the
provider reported no usage, or the end of its answer was never seen; what was sent and received was counted,
and is shown as an estimate, with the reason. There the truth is a count as well: four characters a token.
Modes whose clients take their address as an argument are also run twice at once.

{summary}

| mode | truth | crew.usage_metrics | result.token_usage | ours | state |
|---|---|---|---|---|---|
"""


def row(mode, billed_truth, tracker, ran, found: Sequence[str]) -> str:
    truth = (
        len(billed_truth),
        sum(request.usage.input_tokens for request in billed_truth),
        sum(request.usage.output_tokens for request in billed_truth),
    )
    billed = [call for call in tracker.calls if call.billed]
    known = [call.usage for call in billed if call.usage is not None]
    ours = (
        len(billed),
        sum(usage.input_tokens or 0 for usage in known),
        sum(usage.output_tokens or 0 for usage in known),
    )
    readings = (crew_reading(ran.crew), result_reading(ran.result))
    cells = [_cell(truth), *(_reading(reading, truth) for reading in readings)]
    cells.append(_ours(mode, ours, exact=not found))
    return f"| {' | '.join([mode.name, *cells, _state(mode, found)])} |"


def _ours(mode, counts: tuple[int, int, int], *, exact: bool) -> str:
    if mode.unknown:
        return f"{counts[0]}: not known"
    if mode.estimated:
        return f"≈ {_cell(counts)}"
    return _cell(counts, bold=exact)


def read_rows(text: str) -> dict[str, str]:
    """The rows of a table, by the mode's name."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines[1:]}


def render(rows: Sequence[str]) -> str:
    cells = [line.strip("| ").split(" | ") for line in rows]
    right = [
        sum(len(cell) > column and cell[column].startswith("**") for cell in cells) for column in (2, 3, 4)
    ]
    asked = [sum(len(cell) > column and cell[column] != "—" for cell in cells) for column in (2, 3)]
    marked = sum(line.endswith("marked |") for line in rows)
    summary = (
        f"{len(rows)} modes. `crew.usage_metrics` is right in {right[0]} of the {asked[0]} that have it, "
        f"`result.token_usage` in {right[1]} of {asked[1]}.\nOurs is exact in {right[2]} and marked as "
        f"estimated or not known in {marked}; wrong without a mark: {len(rows) - right[2] - marked}."
    )
    return _HEAD.format(summary=summary) + "\n".join(rows) + "\n"


def _cell(counts: tuple[int | None, ...], *, bold: bool = False) -> str:
    requests, read, written = (f"{count or 0:,}" for count in counts)
    text = f"{requests}: {read} + {written}"
    return f"**{text}**" if bold else text


def _reading(reading: Reading, truth: tuple[int, int, int]) -> str:
    if reading.found_in is None:
        return "—"
    said = (reading.requests, reading.input_tokens, reading.output_tokens)
    return _cell(said, bold=said == truth)


def _state(mode, found: Sequence[str]) -> str:
    if found:
        return "wrong"
    marks = [f"{count} {mark}" for mark in ("unknown", "estimated") if (count := getattr(mode, mark))]
    return f"{', '.join(marks)}, marked" if marks else "exact"
