"""Figures side by side, each with what has to stand beside it."""

from collections.abc import Iterable

import streamlit as st

from tracking.report.account import Tile
from tracking.ui.prose import plain


def cards(tiles: Iterable[Tile]) -> None:
    """One card per figure, as wide as the figure: a number that is cut off is a wrong number."""
    with st.container(horizontal=True, gap="small"):
        for tile in tiles:
            with st.container(border=True, width="content", gap="xxsmall"):
                st.metric(tile.label, plain(tile.value), width="content")
                note = plain(tile.note)
                if note:
                    if tile.warns:  # a caption's paleness would leave a warning hard to read
                        st.markdown(f":small[:orange[:material/warning: {note}]]", width="content")
                    else:
                        st.caption(note, width="content")
