"""The figures of a period, each with its course and how it changed."""

from collections.abc import Sequence
from typing import Final, Literal

import streamlit as st

from tracking.report.period import Period
from tracking.report.trend import TrendTile
from tracking.ui.prose import plain

_ARROWS: Final[dict[int, Literal["up", "down", "off"]]] = {1: "up", 0: "off", -1: "down"}
_NARROWEST: Final = 168  # pixels: two stand side by side on a phone
_PER_CHARACTER: Final = 18  # of a figure, at most
_FRAME: Final = 36


def trend_tiles_row(tiles: Sequence[TrendTile], period: Period) -> None:
    """One tile per figure, wide enough for it: a number that is cut off is a wrong number."""
    with st.container(horizontal=True, gap="small"):
        for each in tiles:
            tile, changed = each.tile, each.change
            width = max(_NARROWEST, _FRAME + _PER_CHARACTER * len(tile.value))
            with st.container(border=True, width=width, gap="xxsmall"):
                st.metric(
                    tile.label,
                    plain(tile.value),
                    None if changed is None else changed.words,
                    # Whether more is good or bad is the reader's to say.
                    delta_color="off",
                    delta_arrow="off" if changed is None else _ARROWS[changed.direction],
                    help=f"Compared with {period.before_words}" if changed is not None else None,
                    chart_data=each.course if any(each.course) and len(each.course) > 1 else None,
                    chart_type="bar",
                )
                if tile.warns:  # a caption's paleness would leave a warning hard to read
                    st.markdown(f":small[:orange[:material/warning: {plain(tile.note)}]]")
                else:
                    st.caption(plain(tile.note))
