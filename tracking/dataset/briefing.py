"""The figures a specialist needs, as a few lines for a small model's prompt or as a table for a report.

Both come from the same lines, so a report can't state another number than the prompt did.
"""

import re
from typing import Final

from tracking.dataset.cells import excerpt
from tracking.dataset.figures import ratio
from tracking.dataset.lines import FOCUS_LINES, Line, money, percent, revenue, scope, span
from tracking.dataset.outlook import forecast
from tracking.dataset.sales import SalesData

FOCUSES: Final = tuple(FOCUS_LINES)
FIGURES_LABEL: Final = "Figures computed from the data, not by the model"
# About 220 tokens: figures cost one for 2.5 characters, and a 135M-parameter model loses the thread of more.
MOST_CHARACTERS: Final = 560


def briefing(data: SalesData, focus: str, *, periods: int = 6, max_lines: int = 12) -> str:
    """Plain text, one self-contained figure a line, at most 560 characters long.

    Args:
        data: the sales to describe.
        focus: one of `FOCUSES`; picks the lines, most important first.
        periods: months to forecast, 1 to 60.
        max_lines: how many lines at most, at least 1.

    Raises:
        ValueError: for an unknown focus or a `periods` out of range.
    """
    text = ""
    for line in _lines(data, focus, periods)[:max_lines]:
        longer = f"{text}\n{line.label}: {line.value}".lstrip()
        if len(longer) > MOST_CHARACTERS:
            break
        text = longer
    return text


def figures_markdown(
    data: SalesData, focus: str, *, periods: int = 6, expected_revenue: float | None = None
) -> str:
    """A Markdown table of the same figures, under a line that says who computed them.

    Args:
        data: the sales to describe.
        focus: one of `FOCUSES`.
        periods: months to forecast, 1 to 60.
        expected_revenue: the user's own figure for these months, set beside the forecast.

    Raises:
        ValueError: for an unknown focus or a `periods` out of range.
    """
    lines = _lines(data, focus, periods)
    if expected_revenue is not None:
        lines.append(_expectation(data, expected_revenue, periods))
    rows = [f"| {_escaped(line.label)} | {_escaped(line.value)} |" for line in lines]
    source = _escaped(f"{excerpt(data.name)}, {data.rows:,} rows, {span(data)}")
    return "\n".join(
        [
            f"**{FIGURES_LABEL}** ({source})",
            "",
            "| Figure | Value |",
            "| --- | --- |",
            *rows,
        ]
    )


def _lines(data: SalesData, focus: str, periods: int) -> list[Line]:
    if focus not in FOCUS_LINES:
        raise ValueError(f"unknown focus '{focus}'; it is one of {', '.join(FOCUSES)}")
    made = (make(data, periods) for make in FOCUS_LINES[focus])
    lines = [line for line in made if line is not None]
    return lines or [scope(data, periods), revenue(data, periods)]  # these two hold for any data


def _expectation(data: SalesData, expected: float, periods: int) -> Line:
    label = f"Expected revenue, next {periods} months (entered)"
    outlook = forecast(data.frame, periods)
    stated = money(expected, data.currency)
    if outlook is None:
        return Line(label, f"{stated}; less than a year of data, nothing to compare it with")
    forecasted = money(outlook.total, data.currency)
    against = ratio(expected, outlook.total)
    if against is None:
        return Line(label, f"{stated}; the forecast is {forecasted}")
    return Line(label, f"{stated}, {percent(against - 1, signed=True)} on the forecast of {forecasted}")


def _escaped(text: str) -> str:
    """Names come from the user's file: none may end the cell, start a link or a formula."""
    return re.sub(r"([\\`*_\[\]<>|$~#])", r"\\\1", text)
