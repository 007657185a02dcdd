"""Every model as a table; the chosen one's prices, or those of two to four side by side."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.report.format import zone
from tracking.ui import state
from tracking.ui.prices.models import ModelLine, models_frame

CHOSEN: Final = "models"  # the key, and the name in the URL
_MOST: Final = 4
_TABLE: Final = "models_table"
_DRAWN: Final = "models_table_drawn"  # counts, so that a selection made elsewhere clears the table's own


def listing(lines: Sequence[ModelLine]) -> None:
    key = f"{_TABLE}_{st.session_state.setdefault(_DRAWN, 0)}"
    st.dataframe(
        _frame(lines),
        hide_index=True,
        height=min(460, 38 + 35 * max(1, len(lines))),
        column_config=_columns(),
        placeholder="",
        key=key,
        on_select=lambda: _take_selection(key, [line.name for line in lines]),
        selection_mode=("multi-row", "single-cell"),
        alt="Every model seen or configured, what has no price first",
    )
    st.multiselect(
        "Look at a model's prices, or compare up to four",
        list(dict.fromkeys([*(line.name for line in lines), *_listed()])),
        key=CHOSEN,
        bind="query-params",
        max_selections=_MOST,
        accept_new_options=True,
        placeholder="Select rows above, or type provider/model: openai/gpt-4o-mini",
        on_change=_clear_table,
    )


def chosen() -> list[str]:
    return list(st.session_state.get(CHOSEN) or ())


def _frame(lines: Sequence[ModelLine]) -> pd.DataFrame:
    """Without the columns that would be empty: nothing is unpriced, or nothing was called yet."""
    frame = models_frame(lines)
    return frame.loc[:, [name for name in frame if (frame[name].notna() & (frame[name] != "")).any()]]


def _listed() -> list[str]:
    return state.price_book().names()


def _take_selection(key: str, names: Sequence[str]) -> None:
    selection = st.session_state[key].selection
    rows = selection.rows or [cell[0] for cell in selection.cells]
    st.session_state[CHOSEN] = [names[row] for row in rows if row < len(names)][:_MOST]


def _clear_table() -> None:
    st.session_state[_DRAWN] += 1


def _columns() -> dict[str, ColumnConfig]:
    column, tz = st.column_config, st.context.timezone
    seen_in = tz if zone(tz) else "UTC"
    return {
        "model": column.TextColumn("Model", pinned=True),
        "provider": column.TextColumn("Provider"),
        "calls": column.NumberColumn("Calls", format="localized", width=80),
        "tokens": column.TextColumn("Tokens", alignment="right", width=105),
        "cost": column.TextColumn(
            "Cost", alignment="right", width=105, help="As the calls were priced when made"
        ),
        "hidden": column.NumberColumn(
            "Unpriced", format="localized", width=85, help="Calls whose cost is in no total"
        ),
        "last": column.DatetimeColumn(
            "Last seen", format="D MMM YYYY, HH:mm", timezone=seen_in, help=f"Time zone: {seen_in}"
        ),
        "input": column.TextColumn(
            "Input now", alignment="right", width=95, help="US dollars per million tokens"
        ),
        "output": column.TextColumn(
            "Output now", alignment="right", width=95, help="US dollars per million tokens"
        ),
        "origin": column.TextColumn("Price from"),
        "label": column.TextColumn("In config/models.toml"),
    }
