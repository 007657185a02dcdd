"""A person's own file: the uploader, and what becomes of what it holds.

Every access to the session state may end the script for the next click's sake, callbacks included. What must
not be lost is therefore done in the page's body, in steps that can be repeated, and marked as done last.
"""

from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from tracking.crew.files import store_upload
from tracking.domain.spec import Dataset
from tracking.errors import TrackingError
from tracking.ui import state
from tracking.ui.configure import form

_ROUND: Final = "form.data.round"  # a new number makes a new, empty uploader
_TAKEN: Final = "form.data.taken"  # the last upload that was dealt with
_RETURN: Final = "form.data.return"  # back to the sample
_EMPTY: Final = "form.data.empty"  # with an uploader that holds nothing
_PROBLEM: Final = "form.data.problem"  # an upload that could not even be kept

_COLUMNS_NEEDED: Final = (
    "A CSV with a header row and one row per sale or per month: a date, units, revenue and cost; region, "
    "country, store, brand, category, price and profit where you have them. It stays on the computer that "
    "runs this page."
)


def upload_problem() -> str | None:
    """Why the last upload could not be kept. Why its content can't be used is another question."""
    problem: str | None = st.session_state.get(_PROBLEM)
    return problem


def take_upload() -> None:
    """Keep a new upload and use it, or return to the sample. Called before the uploader is drawn."""
    if st.session_state.get(_EMPTY):
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        st.session_state[_EMPTY] = False
    if st.session_state.get(_RETURN):
        form.use_dataset(Dataset())
        st.session_state[_PROBLEM] = None
        st.session_state[_RETURN] = False
    uploaded = st.session_state.get(_key())
    if uploaded is None or uploaded.file_id == st.session_state.get(_TAKEN):
        return
    with st.spinner(f"Receiving {uploaded.name} …"):
        _keep(uploaded)
    st.session_state[_TAKEN] = uploaded.file_id


def uploader() -> None:
    st.file_uploader(
        "Use my own sales data",
        type=["csv", "tsv", "txt"],
        key=_key(),
        on_change=_note_removal,
        args=(_key(),),
        max_upload_size=state.settings().upload_limit_mb,
        help=_COLUMNS_NEEDED,
    )


def back_to_the_sample() -> None:
    if form.dataset().sha256 is not None or upload_problem() is not None:
        st.button("Use the sample instead", on_click=_empty, type="tertiary", icon=":material/undo:")


def _key() -> str:
    return f"form.data.upload.{st.session_state.get(_ROUND, 0)}"


def _keep(uploaded: UploadedFile) -> None:
    try:
        sha256 = store_upload(state.settings(), uploaded.getvalue())
    except (TrackingError, OSError) as error:
        st.session_state[_PROBLEM] = f"{uploaded.name} could not be kept: {error}"
    else:
        st.session_state[_PROBLEM] = None
        form.use_dataset(Dataset(name=uploaded.name, sha256=sha256))


def _note_removal(key: str) -> None:
    """A file that was taken out of the uploader is not used any longer; one lost by leaving the page is.

    A file that is replaced is taken out first. The uploader stays the same one then: its successor would not
    be given the file that is on its way.
    """
    if key in st.session_state and st.session_state[key] is None:
        st.session_state[_RETURN] = True


def _empty() -> None:
    st.session_state[_RETURN] = st.session_state[_EMPTY] = True
