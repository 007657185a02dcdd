"""The form's kinds of fields, each bound to a field of the spec and kept for the session."""

from collections.abc import Sequence

import streamlit as st

from tracking.domain.spec import BOUNDS
from tracking.ui.configure import form


def text(field: str, label: str, *, placeholder: str = "", help_text: str | None = None) -> None:
    st.text_input(
        label,
        key=form.key(field),
        persist_state="session",
        placeholder=placeholder,
        help=help_text,
        value=None,
    )


def choice(field: str, label: str, options: Sequence[str], *, placeholder: str = "Choose or type") -> None:
    """One of the options, or the person's own words; empty until chosen."""
    st.selectbox(
        label,
        _with(options, [st.session_state[form.key(field)]]),
        index=None,
        accept_new_options=True,
        placeholder=placeholder,
        key=form.key(field),
        persist_state="session",
    )


def choices(
    field: str,
    label: str,
    options: Sequence[str],
    *,
    empty: str,
    own: bool = False,
    help_text: str | None = None,
) -> None:
    """Any number of the options; `empty` says what none of them means. `own`: the person may add others."""
    st.multiselect(
        label,
        _with(options, st.session_state[form.key(field)]) if own else list(options),
        accept_new_options=own,
        placeholder=empty,
        key=form.key(field),
        persist_state="session",
        help=help_text,
        wrap=True,
    )


def whole(
    field: str,
    label: str,
    *,
    step: int,
    placeholder: str = "Not set",
    help_text: str | None = None,
    disabled: bool = False,
) -> None:
    """A whole number within the spec's bounds; empty is None."""
    low, high = BOUNDS[field]
    st.number_input(
        label,
        min_value=int(low),
        max_value=int(high),
        step=step,
        value=None,
        placeholder=placeholder,
        key=form.key(field),
        persist_state="session",
        help=help_text,
        disabled=disabled,
    )


def dollars(field: str, label: str, *, placeholder: str, help_text: str, disabled: bool = False) -> None:
    """An amount to a hundredth of a cent, within the spec's bounds; empty is None."""
    low, high = BOUNDS[field]
    st.number_input(
        label,
        min_value=float(low),
        max_value=float(high),
        step=0.01,
        value=None,
        format="%.4f",
        placeholder=placeholder,
        key=form.key(field),
        persist_state="session",
        help=help_text,
        disabled=disabled,
    )


def switch(field: str, label: str, *, help_text: str | None = None) -> None:
    st.toggle(label, key=form.key(field), persist_state="session", help=help_text)


def _with(options: Sequence[str], chosen: Sequence[str | None]) -> list[str]:
    """The options, and after them what was chosen besides: a preset may name what the list does not."""
    return list(dict.fromkeys([*options, *(item for item in chosen if item)]))
