"""Streamlit looks for garbage in the whole process after each run of a fragment: here in less of it."""

import gc

import streamlit as st


@st.cache_resource(show_spinner=False)
def spare_what_stays() -> None:
    """Take what is in memory now out of the search, once per process: nearly all of it are imported modules.

    Without this half of what a page that watches a run costs goes into looking through them every second.
    Called when all that such a page needs has been imported.
    """
    gc.collect()
    gc.freeze()
