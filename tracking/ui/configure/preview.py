"""What will be sent and stored, before anything is: the prompts per agent and the spec."""

import streamlit as st

from tracking.crew.prompts import TaskPrompt
from tracking.domain.spec import ContextMode, RunSpec
from tracking.ui.configure.draft import Draft


def preview_section(draft: Draft) -> None:
    with st.expander("Preview: the prompts and the run spec", icon=":material/visibility:"):
        if draft.spec is None or draft.plan is None:
            st.caption("There is nothing to preview until the problems above are solved.")
            return
        prompts, spec = st.columns([3, 2], gap="large")
        with prompts:
            for prompt in draft.plan.prompts:
                _prompt(prompt, draft.spec)
        with spec:
            st.markdown("**Run spec**")
            st.caption("Everything the worker is given. It is kept with the run.")
            st.json(draft.spec.to_json(), expanded=2)


def _prompt(prompt: TaskPrompt, spec: RunSpec) -> None:
    st.markdown(f"**{prompt.position + 1}. {prompt.agent.role}**: {prompt.name.replace('_', ' ')}")
    st.caption(f"{prompt.agent.backstory} {_shown(prompt, spec)}")
    st.code(f"{prompt.description}\n\nExpected: {prompt.expected_output}", language=None, wrap_lines=True)


def _shown(prompt: TaskPrompt, spec: RunSpec) -> str:
    if not prompt.context:
        return "It is shown no earlier output."
    names = ", ".join(name.replace("_", " ") for name in prompt.context)
    if spec.settings.context_mode is ContextMode.TRIMMED:
        return f"It is shown {names}, each cut to {spec.settings.context_tokens} tokens."
    return f"It is shown {names}."
