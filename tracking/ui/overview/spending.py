"""What each day cost: the chart, and its data one click away."""

from typing import Final

import pandas as pd
import streamlit as st

from tracking.report.overview import OTHER, Overview
from tracking.report.trend import spell, top_models
from tracking.ui.colours import model_paints
from tracking.ui.prose import plain

_MOST: Final = 6  # models with a colour of their own in one bar
_COST: Final = "Cost"
_TOKENS: Final = "Tokens"


def spending_section(found: Overview) -> None:
    """Cost per day by model; tokens where nothing costs anything."""
    if not any(any(stretch.tokens.values()) for stretch in found.stretches):
        return
    from tracking.ui.overview.chart import spend_chart  # noqa: PLC0415  # brings plotly, needed only with data

    unit = _TOKENS
    if found.whole.cost.nano_usd:
        unit = st.segmented_control(
            "Per day",
            [_COST, _TOKENS],
            default=_COST,
            required=True,
            key="overview.unit",
            label_visibility="collapsed",
        )
    top, rest = top_models(found, _MOST)
    names = [str(part.name) for part in top]
    spend = unit == _COST
    st.plotly_chart(
        spend_chart(found.stretches, found.unit, names, model_paints(names), spend=spend),
        key="spend_chart",
        alt=f"{unit} per {found.unit}, by model",
    )
    if rest:
        st.caption(plain(f"{OTHER}: {', '.join(part.label for part in rest)}."))
    with st.expander("Data behind this chart", key="spend_data", on_change="rerun") as shown:
        if shown.open:
            st.dataframe(
                _frame(found, names, spend=spend), hide_index=True, alt=f"{unit} per {found.unit} by model"
            )


def _frame(found: Overview, names: list[str], *, spend: bool) -> pd.DataFrame:
    """Newest first; exact, as text."""
    rows = []
    for stretch in reversed(found.stretches):
        whose = {name: [name] for name in names}
        whose |= {
            OTHER: [name for name in stretch.tokens if name not in names],
            "Together": list(stretch.tokens),
        }
        rows.append(
            {
                found.unit.capitalize(): spell(stretch, found.unit),
                **{name: stretch.told(models, spend=spend) for name, models in whose.items()},
            }
        )
    frame = pd.DataFrame(rows)
    return frame if len(found.models) > len(names) else frame.drop(columns=OTHER)
