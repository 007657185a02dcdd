"""The run as the page describes it now: its spec, its prompts, its estimate, and what stands in its way."""

import json
from dataclasses import dataclass
from enum import StrEnum

import streamlit as st

from tracking.crew.catalog import Catalog
from tracking.crew.estimate import Estimate, estimate
from tracking.crew.prompts import TaskPrompt, task_prompts
from tracking.dataset.sales import SalesData
from tracking.domain.spec import RunSpec
from tracking.errors import DatasetError
from tracking.ui import state
from tracking.ui.configure import form
from tracking.ui.configure.offers import offers
from tracking.ui.configure.upload import take_upload, upload_problem


class Place(StrEnum):
    """Beside which section of the page a problem is told."""

    DATA = "Data"
    AGENTS = "Agents"
    MODEL = "Model"
    MARKET = "Market"


@dataclass(frozen=True, slots=True)
class Problem:
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the crew will be told, in order, and what that will probably take."""

    prompts: tuple[TaskPrompt, ...]
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`spec` and `plan` are there when nothing stands in the way, and may be when something does."""

    catalog: Catalog
    data: SalesData | None
    spec: RunSpec | None
    plan: Plan | None
    problems: tuple[Problem, ...]

    @property
    def ready(self) -> bool:
        return not self.problems and self.plan is not None

    def problems_at(self, place: Place) -> list[str]:
        return [problem.text for problem in self.problems if problem.place is place]


def current_draft() -> Draft:
    """Read the form. The session state holds every field's value before the field is drawn."""
    catalog = state.catalog()
    data, problems = _data()
    form.tidy(catalog, {} if data is None else offers(data))
    spec = form.spec(catalog)
    problems += _agent_problems(spec) + _model_problems(catalog, spec)
    plan: Plan | None = None
    if spec is not None and data is not None:
        stamp = (*state.catalog_stamp(), *state.price_stamp())
        made = _plan(json.dumps(spec.to_json()), data.sha256, stamp, spec, catalog, data)
        if isinstance(made, DatasetError):
            problems.append(Problem(Place.MARKET, str(made)))
        else:
            plan = made
    return Draft(catalog=catalog, data=data, spec=spec, plan=plan, problems=tuple(problems))


def _data() -> tuple[SalesData | None, list[Problem]]:
    take_upload()
    if problem := upload_problem():
        return None, [Problem(Place.DATA, problem)]
    dataset = form.dataset()
    with st.spinner(f"Reading {dataset.name} …"):
        found = state.sales(dataset)
    if isinstance(found, DatasetError):
        return None, [Problem(Place.DATA, str(found))]
    return found, []


def _agent_problems(spec: RunSpec | None) -> list[Problem]:
    return [] if spec is not None else [Problem(Place.AGENTS, "Choose at least one agent.")]


def _model_problems(catalog: Catalog, spec: RunSpec | None) -> list[Problem]:
    used = () if spec is None else spec.models
    entries = [catalog.models[model] for model in used]
    return [Problem(Place.MODEL, f"{m.label} {m.problem}.") for m in entries if not m.usable]


@st.cache_resource(max_entries=64, show_spinner=False)
def _plan(
    spec_json: str,  # noqa: ARG001  # these three are the cache's key
    sha256: str,  # noqa: ARG001
    stamp: tuple[int, ...],  # noqa: ARG001
    _spec: RunSpec,
    _catalog: Catalog,
    _data: SalesData,
) -> Plan | DatasetError:
    try:
        prompts = task_prompts(_spec, _catalog, _data)
    except DatasetError as error:
        return error
    return Plan(tuple(prompts), estimate(_spec, _catalog, prompts, state.price_book()))
