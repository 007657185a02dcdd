"""What a batch's file may ask for on this page, what it asks for, and the file to begin with."""

import csv
import functools
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from tracking.crew.batch_inputs import BatchInputs, Offer, batch_inputs
from tracking.crew.estimate import Estimate, estimate_many
from tracking.dataset.choices import select
from tracking.dataset.sales import SalesData
from tracking.domain.spec import RunSpec
from tracking.domain.variation import FIELDS, MODEL, NAME, cell_of
from tracking.errors import DatasetError
from tracking.report.format import counted, tokens
from tracking.ui import state
from tracking.ui.configure.draft import Draft, Plan
from tracking.ui.configure.form import is_told
from tracking.ui.configure.offers import offers

TEMPLATE_NAME: Final = "inputs.csv"


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that could be read as a table, and what its runs will probably take together."""

    inputs: BatchInputs
    estimate: Estimate
    cautions: tuple[str, ...]


def template(draft: Draft) -> bytes:
    """A CSV with a column for every field that the chosen agents are told, and this page's values in a row.

    It begins with a byte order mark, without which Excel takes it for another encoding.
    """
    assert draft.spec is not None
    columns = [MODEL, *(field for field in _told(draft, draft.spec) if not field.startswith("settings."))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([NAME, *columns])
    writer.writerow(["", *(cell_of(draft.spec, field) for field in columns)])
    return text.getvalue().encode("utf-8-sig")


def read(draft: Draft, data: bytes, name: str) -> Reading | DatasetError:
    """What a file asks for, with what the page says where it asks for nothing. Read once."""
    assert draft.spec is not None
    assert draft.data is not None
    assert draft.plan is not None
    stamp = (*state.catalog_stamp(), *state.price_stamp())
    key = (hashlib.sha256(data).hexdigest(), name, json.dumps(draft.spec.to_json()), draft.data.sha256)
    return _read(key, stamp, data, draft, draft.data, draft.spec, draft.plan)


def _told(draft: Draft, spec: RunSpec) -> list[str]:
    told = draft.catalog.inputs_of(spec.agents)
    return [field for field in FIELDS if field.startswith("settings.") or is_told(field, told)]


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(
    key: tuple[str, ...],
    stamp: tuple[int, ...],  # noqa: ARG001  # decides, with the key, when to read anew
    _data: bytes,
    _draft: Draft,
    _sales: SalesData,
    _spec: RunSpec,
    _plan: Plan,
) -> Reading | DatasetError:
    offer = Offer(
        models={model.id: model.problem for model in _draft.catalog.models.values()},
        names=offers(_sales),
        told=_told(_draft, _spec),
        refusal=_refusal(_sales),
    )
    try:
        inputs = batch_inputs(_data, key[1], _spec, offer)
    except DatasetError as error:
        return error
    found = estimate_many(inputs.specs, _draft.catalog, _plan.prompts, state.price_book())
    return Reading(inputs, found, tuple(_cautions(_draft, inputs.specs)))


def _refusal(data: SalesData) -> Callable[[RunSpec], str | None]:
    """Why a spec's selection of the data leaves nothing; each selection is tried once."""

    @functools.cache
    def refused(*selection: tuple[str, ...]) -> str | None:
        try:
            select(data, *selection)
        except DatasetError as error:
            return str(error)
        return None

    return lambda spec: refused(spec.market.regions, spec.market.categories, spec.market.brands)


def _cautions(draft: Draft, specs: Sequence[RunSpec]) -> list[str]:
    """Models that would spend the whole limit on thinking, and have nothing left to say."""
    found = []
    for model in draft.catalog.models.values():
        needed = model.min_output_tokens or 0
        short = sum(model.id in spec.models and spec.settings.max_output_tokens < needed for spec in specs)
        if short:
            found.append(
                f"{model.label} thinks before it answers, and that counts as output: with less than "
                f"{tokens(needed)} tokens its answers may be empty, in {counted(short, 'run')} here. "
                "A column settings.max_output_tokens gives it more."
            )
    return found
