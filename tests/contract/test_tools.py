"""The crew's tool, as crewai calls it."""

import dataclasses

import pytest

from tracking.crew.files import load_data
from tracking.domain.spec import Dataset
from tracking.settings import Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]


def test_amounts_have_the_currency_of_the_file_and_units_have_none():
    from tracking.crew.tools import SalesLookup

    data = dataclasses.replace(load_data(Settings(), Dataset()), currency="€")
    whole = data.frame.groupby("region", observed=True)[["revenue", "units"]].sum()
    lookup = SalesLookup(data)
    assert f"Europe: €{whole['revenue']['Europe']:,.0f}" in lookup.run(metric="revenue", by="region")
    assert f"Europe: {whole['units']['Europe']:,.0f}" in lookup.run(metric="units", by="region")
