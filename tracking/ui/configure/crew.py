"""Who takes part: the preset, the agents with their role and goal, and each one's model."""

from typing import Final

import streamlit as st

from tracking.crew.catalog import AgentEntry, Catalog
from tracking.report.format import tokens, usd
from tracking.ui.configure import form
from tracking.ui.configure.draft import Draft, Place
from tracking.ui.configure.load import load_from_run
from tracking.ui.prose import plain

_ACROSS: Final = 3  # cards beside each other


def crew_section(draft: Draft) -> None:
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="large")
        with left:
            _preset(draft.catalog)
        with right:
            _agents(draft)
        chosen = form.chosen_agents(draft.catalog)
        for start in range(0, len(chosen), _ACROSS):
            for column, name in zip(st.columns(_ACROSS), chosen[start : start + _ACROSS], strict=False):
                with column.container(border=True, height="stretch"):
                    _card(draft, draft.catalog.agents[name])


def _preset(catalog: Catalog) -> None:
    st.selectbox(
        "Preset",
        list(catalog.presets),
        format_func=lambda name: catalog.presets[name].title,
        key=form.PRESET,
        persist_state="session",
        help="Sets the agents and every field below to the preset's values.",
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(catalog.presets[st.session_state[form.PRESET]].summary, width="content")
        load_from_run()


def _agents(draft: Draft) -> None:
    catalog = draft.catalog
    st.multiselect(
        "Agents",
        list(catalog.agents),
        format_func=lambda name: catalog.agents[name].role,
        key=form.AGENTS,
        persist_state="session",
        placeholder="Choose who takes part",
        wrap=True,
    )
    for problem in draft.problems_at(Place.AGENTS):
        st.error(problem, icon=":material/group_off:")
    absent = [agent for name, agent in catalog.agents.items() if name not in st.session_state[form.AGENTS]]
    if absent:
        with st.popover(
            f"Who else could take part ({len(absent)})", icon=":material/group_add:", type="tertiary"
        ):
            st.markdown("\n".join(f"- **{agent.role}**: {agent.goal}." for agent in absent))


def _card(draft: Draft, agent: AgentEntry) -> None:
    st.markdown(f"**{agent.role}**")
    st.caption(f"{agent.goal}.")
    usable = [model.id for model in draft.catalog.models.values() if model.usable]
    if len(usable) > 1:  # with a single one there is nothing to choose
        _own_model(draft.catalog, agent, usable)
    if draft.plan is not None:
        st.caption(_expected(draft, agent))


def _own_model(catalog: Catalog, agent: AgentEntry, usable: list[str]) -> None:
    crew_label = f"{catalog.models[st.session_state[form.MODEL]].label} (the crew's)"
    st.selectbox(
        f"Model of {agent.role}",
        usable,
        index=None,
        placeholder=crew_label,
        format_func=lambda model: catalog.models[model].label,
        key=form.agent_model_key(agent.name),
        persist_state="session",
        label_visibility="collapsed",
    )


def _expected(draft: Draft, agent: AgentEntry) -> str:
    """Each of the agent's tasks, and below it what it will probably take."""
    assert draft.plan is not None
    by_name = {task.name: task for task in draft.plan.estimate.tasks}
    lines = []
    for task in draft.catalog.tasks_of([agent.name]):
        found = by_name[task.name]
        cost = plain(usd(found.cost.amount, found.cost.state)).replace(" ", "\N{NO-BREAK SPACE}")
        lines.append(f":material/task_alt: {task.name.replace('_', ' ').capitalize()}")
        lines.append(f"about {tokens(found.tokens)} tokens · {cost}")
    return "  \n".join(lines)
