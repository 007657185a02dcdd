"""The form's values: where they are kept, what they begin with, what they mean; not how they are drawn.

Every widget has the key of the spec's field it sets, so the session state is the form. Streamlit keeps those
values for the session (`persist_state`), also while a field isn't on the page because no agent is told it.
"""

import dataclasses
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

import streamlit as st

from tracking.crew.catalog import Catalog, Preset
from tracking.domain.spec import Brand, Campaign, ContextMode, Dataset, Market, RunSettings, RunSpec

PRESET: Final = "form.preset"
AGENTS: Final = "form.agents"
MODEL: Final = "form.model"
_BEGUN: Final = "form.begun"
_APPLIED: Final = "form.preset.applied"
_OUTPUT_OFFERED: Final = "form.output.offered"  # the limit of output that the models asked for last
DATA_NAME: Final = "form.data.name"
DATA_SHA256: Final = "form.data.sha256"

_SECTIONS: Final[Mapping[str, type]] = {
    "campaign": Campaign,
    "market": Market,
    "brand": Brand,
    "settings": RunSettings,
}
_PRESET_SECTIONS: Final = ("campaign", "market", "brand")
# The spec's field -> the name under which config/tasks.yaml hands it to an agent, where they differ.
_INPUTS: Final = {
    "campaign.budget_usd": "campaign_budget",
    "campaign.duration_weeks": "campaign_duration",
    "campaign.goals": "campaign_goals",
    "brand.awareness": "brand_awareness",
}
_DECIMALS: Final = {"sentiment": 1, "cost_budget_usd": 4}  # of what the widget shows
_FILTERS: Final = (
    "market.regions",
    "market.categories",
    "market.brands",
)  # they select the data for everyone


def key(field: str) -> str:
    """The session state's key of a field such as `campaign.goals`."""
    return f"form.{field}"


def agent_model_key(agent: str) -> str:
    return f"form.agent_models.{agent}"


def is_told(field: str, inputs: Collection[str]) -> bool:
    """Whether the field reaches a prompt, or the selection of the data, of a run with these inputs."""
    return field in _FILTERS or _INPUTS.get(field, field.partition(".")[2]) in inputs


def begin(catalog: Catalog, spec: RunSpec | None) -> None:
    """Fill the form: on a session's first visit, and when another preset was chosen.

    Any access to the session state may end the script for the next click's sake. So this happens in the
    page's body, not in a callback, and is marked as done last: an interrupted filling is begun again.

    Args:
        catalog: where presets are looked up.
        spec: what a session begins with instead of the first preset.
    """
    if _BEGUN not in st.session_state:
        if spec is not None:
            fill_from(spec)
        else:
            st.session_state[PRESET] = next(iter(catalog.presets))
            st.session_state[MODEL] = catalog.default_model.id
            _fill("settings", {})
            st.session_state[key("settings.max_output_tokens")] = None
            use_dataset(Dataset())
        st.session_state[_BEGUN] = True
    if st.session_state.get(_APPLIED) != st.session_state[PRESET]:
        _apply(catalog.presets[st.session_state[PRESET]])
        st.session_state[_APPLIED] = st.session_state[PRESET]


def _apply(preset: Preset) -> None:
    """Set the agents and fields to a preset's; what it doesn't name becomes empty."""
    st.session_state[AGENTS] = list(preset.agents)
    for section in _PRESET_SECTIONS:
        _fill(section, preset.defaults[section])


def fill_from(spec: RunSpec) -> None:
    """Set everything to what a run was made with."""
    st.session_state[PRESET] = st.session_state[_APPLIED] = spec.preset
    st.session_state[AGENTS] = list(spec.agents)
    st.session_state[MODEL] = spec.model
    for agent in spec.agents:
        st.session_state[agent_model_key(agent)] = spec.agent_models.get(agent)
    use_dataset(spec.dataset)
    st.session_state[_OUTPUT_OFFERED] = None  # the run's own limit is no default, whatever its number
    for section in _SECTIONS:
        part = getattr(spec, section)
        _fill(section, {field.name: getattr(part, field.name) for field in dataclasses.fields(part)})


def use_dataset(dataset: Dataset) -> None:
    st.session_state[DATA_NAME], st.session_state[DATA_SHA256] = dataset.name, dataset.sha256


def dataset() -> Dataset:
    return Dataset(name=st.session_state[DATA_NAME], sha256=st.session_state[DATA_SHA256])


def tidy(catalog: Catalog, offers: Mapping[str, Collection[str]]) -> None:
    """Drop what can no longer be chosen: names that this data lacks, agents and models that are gone."""
    if st.session_state[PRESET] not in catalog.presets:
        st.session_state[PRESET] = st.session_state[_APPLIED] = next(iter(catalog.presets))
    _keep_known(AGENTS, catalog.agents)
    usable = [model.id for model in catalog.models.values() if model.usable]
    if st.session_state[MODEL] not in usable:
        st.session_state[MODEL] = catalog.default_model.id
    for agent in catalog.agents:
        if st.session_state.get(agent_model_key(agent)) not in usable:
            st.session_state[agent_model_key(agent)] = None
    for field, names in offers.items():
        _keep_known(key(field), names)
    _follow_models(catalog)


def _follow_models(catalog: Catalog) -> None:
    """The limit of output is what the chosen models need, until a person sets another one."""
    limit = key("settings.max_output_tokens")
    needed = catalog.output_tokens(used_models(catalog))
    if st.session_state[limit] in {None, st.session_state.get(_OUTPUT_OFFERED)}:
        st.session_state[limit] = needed
    if st.session_state[limit] == needed:  # also where an earlier script was ended between the two
        st.session_state[_OUTPUT_OFFERED] = needed


def chosen_agents(catalog: Catalog) -> tuple[str, ...]:
    """In the declared order, whatever the order of the clicks."""
    chosen = set(st.session_state[AGENTS])
    return tuple(name for name in catalog.agents if name in chosen)


def chosen_models(catalog: Catalog) -> dict[str, str]:
    """The model of each chosen agent."""
    return {
        agent: st.session_state.get(agent_model_key(agent)) or st.session_state[MODEL]
        for agent in chosen_agents(catalog)
    }


def used_models(catalog: Catalog) -> list[str]:
    """Each model once; the crew's while no agent is chosen."""
    return list(dict.fromkeys(chosen_models(catalog).values())) or [st.session_state[MODEL]]


def calls_tools(catalog: Catalog) -> bool:
    """Whether any chosen model can: only then is there a tool's answer to keep."""
    return any(catalog.models[model].tools for model in chosen_models(catalog).values())


def spec(catalog: Catalog) -> RunSpec | None:
    """The run as the form describes it, without fields that would have no effect; None without an agent."""
    agents = chosen_agents(catalog)
    if not agents:
        return None
    inputs = catalog.inputs_of(agents)
    model = st.session_state[MODEL]
    return RunSpec(
        preset=st.session_state[PRESET],
        agents=agents,
        model=model,
        agent_models={a: own for a, own in chosen_models(catalog).items() if own != model},
        dataset=dataset(),
        campaign=Campaign(**_told("campaign", inputs)),
        market=Market(**_told("market", inputs)),
        brand=Brand(**_told("brand", inputs)),
        settings=_run_settings(catalog),
    )


def _told(section: str, inputs: Collection[str]) -> dict[str, Any]:
    fields = dataclasses.fields(_SECTIONS[section])
    told = [field for field in fields if is_told(f"{section}.{field.name}", inputs)]
    return {field.name: _as_spec(section, field) for field in told}


def _run_settings(catalog: Catalog) -> RunSettings:
    fields = dataclasses.fields(RunSettings)
    values: dict[str, Any] = {field.name: _as_spec("settings", field) for field in fields}
    if not values["track_tokens"]:
        values["token_budget"] = values["cost_budget_usd"] = None  # nobody would see it being spent
        del values["loop_guard"]  # nor who goes round in circles
    if values["context_mode"] is not ContextMode.TRIMMED:
        del values["context_tokens"]
    if not calls_tools(catalog):
        del values["cache_tool_results"]
    return RunSettings(**values)


def _fill(section: str, values: Mapping[str, Any]) -> None:
    for field in dataclasses.fields(_SECTIONS[section]):
        found = values.get(field.name, field.default)
        if isinstance(found, list | tuple):
            found = list(found)
        elif found == "":
            found = None  # an empty field, for text and choices alike
        st.session_state[key(f"{section}.{field.name}")] = found


def _as_spec(section: str, field: dataclasses.Field[Any]) -> object:
    """A widget's value in the spec's type; a number that was cleared where one is needed is its default."""
    found = st.session_state[key(f"{section}.{field.name}")]
    if isinstance(found, list):
        return tuple(found)
    if isinstance(found, str) and not isinstance(found, StrEnum):
        return found.strip()
    if isinstance(found, float):
        return round(found, _DECIMALS[field.name])
    return field.default if found is None else found


def _keep_known(state_key: str, known: Collection[str]) -> None:
    chosen = st.session_state[state_key]
    kept = [name for name in chosen if name in known]
    if kept != chosen:
        st.session_state[state_key] = kept
