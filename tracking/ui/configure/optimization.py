"""How the crew runs: what is recorded, and what keeps its use of tokens small."""

from typing import Final

import streamlit as st

from tracking.domain.spec import ContextMode, LoopGuard
from tracking.ui.configure import fields, form
from tracking.ui.configure.draft import Draft
from tracking.ui.configure.model import model_section
from tracking.ui.configure.summary import short_of_output
from tracking.ui.prose import plain

_LOOPS: Final = {
    LoopGuard.WARN: "Warn",
    LoopGuard.STOP: "Stop the run",
    LoopGuard.OFF: "Off",
}
_CONTEXT: Final = {
    ContextMode.ALL: "All earlier outputs",
    ContextMode.DECLARED: "Declared outputs",
    ContextMode.TRIMMED: "Declared, trimmed",
}


def optimization_section(draft: Draft) -> None:
    with st.container(border=True):
        st.subheader("Model and optimization settings", anchor=False)
        model, limits, context, tracking = st.columns([3, 2, 2, 2], gap="medium")
        with model:
            model_section(draft)
        with limits:
            _limits(draft)
        with context:
            _context()
        with tracking:
            _tracking(draft)


def _tracking(draft: Draft) -> None:
    st.checkbox(
        "Enable Token Tracking",
        key=form.key("settings.track_tokens"),
        persist_state="session",
        help="Records every call to a model with its tokens and cost, and never what was said in it. Without "
        "it crewai's own figures are shown, which nothing can verify.",
    )
    if form.calls_tools(draft.catalog):
        fields.switch(
            "settings.cache_tool_results",
            "Cache tool results",
            help_text="A tool that is asked the same thing twice answers from memory.",
        )
    fields.switch("settings.stream", "Stream answers", help_text="Ask the provider for streamed answers.")
    st.selectbox(
        "When an agent goes round in circles",
        list(_LOOPS),
        format_func=_LOOPS.__getitem__,
        key=form.key("settings.loop_guard"),
        persist_state="session",
        help="Known by the sizes of its calls: four alike in a row, or more than fifty for one task. "
        "A run that is stopped keeps its report so far.",
        disabled=not st.session_state[form.key("settings.track_tokens")],
    )


def _limits(draft: Draft) -> None:
    fields.whole(
        "settings.max_output_tokens",
        "Max output tokens",
        step=20,
        placeholder="What the model needs",
        help_text="The most a model may answer with, per call. What it thinks before it answers counts too.",
    )
    for caution in short_of_output(draft):
        st.markdown(f":small[:orange[:material/warning: {plain(caution)}]]")
    tracked = st.session_state[form.key("settings.track_tokens")]
    fields.whole(
        "settings.token_budget",
        "Token budget",
        step=1_000,
        placeholder="No limit",
        help_text="Input plus output of the whole run. A call that may pass it is not made.",
        disabled=not tracked,
    )
    fields.dollars(
        "settings.cost_budget_usd",
        "Cost budget (US dollars)",
        placeholder="No limit",
        help_text="What the whole run may cost. A call that may pass it is not made.",
        disabled=not tracked,
    )
    fields.whole(
        "settings.budget_wait_minutes",
        "At a budget's end, wait (minutes)",
        step=5,
        placeholder="10",
        help_text="How long the run waits for you to raise the limit before it ends. 0: it ends at once.",
        disabled=not tracked,
    )
    if not tracked:
        st.caption("Needs token tracking: without it nobody sees what is spent.")


def _context() -> None:
    st.selectbox(
        "Context handling",
        list(_CONTEXT),
        format_func=_CONTEXT.__getitem__,
        key=form.key("settings.context_mode"),
        persist_state="session",
        help="Which earlier outputs a task is shown. config/tasks.yaml declares whose each one needs.",
    )
    if st.session_state[form.key("settings.context_mode")] == ContextMode.TRIMMED:
        fields.whole(
            "settings.context_tokens",
            "Trim each to (tokens)",
            step=20,
            placeholder="80",
            help_text="How much of each earlier output is shown.",
        )
