"""Which model the crew talks to. One that can't be used here is listed with the reason."""

import streamlit as st

from tracking.crew.catalog import Catalog, ModelEntry
from tracking.ui.configure import form
from tracking.ui.configure.draft import Draft, Place
from tracking.ui.prose import plain


def model_section(draft: Draft) -> None:
    catalog = draft.catalog
    usable = [model.id for model in catalog.models.values() if model.usable]
    missing = [model for model in catalog.models.values() if not model.usable]
    st.selectbox(
        "Model",
        # Without any usable model the one that was tried stays visible, with its reason below.
        usable or [st.session_state[form.MODEL]],
        format_func=lambda model: catalog.models[model].label,
        key=form.MODEL,
        persist_state="session",
        disabled=len(usable) < 2,
        help="For every agent that has no model of its own.",
    )
    for problem in draft.problems_at(Place.MODEL):
        st.error(plain(problem), icon=":material/key_off:")
    if note := _note(catalog):
        st.caption(note)
    if missing:
        _missing(missing)


def _note(catalog: Catalog) -> str | None:
    """What a person should know before reading prose by the local model."""
    chosen = catalog.models[st.session_state[form.MODEL]]
    if not (chosen.is_local and chosen.usable):
        return None
    weak = "Its prose is weak; the figures are computed from the data."
    if any(model.usable and model.key_env for model in catalog.models.values()):
        return weak
    return f"No API key found: using the local demo model. {weak}"


def _missing(models: list[ModelEntry]) -> None:
    label = f"{len(models)} more not set up here"
    with st.popover(label, icon=":material/key:", type="tertiary"):
        st.markdown(
            "\n".join(f"- **{plain(model.label)}** {plain(model.problem or '')}." for model in models)
        )
