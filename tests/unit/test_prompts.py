"""Every field of the page reaches the crew: changing it changes what is sent."""

import dataclasses

import pytest

from tracking.crew.catalog import load_catalog
from tracking.crew.files import load_data
from tracking.crew.inputs import INPUTS
from tracking.crew.prompts import task_prompts
from tracking.domain.spec import Brand, Campaign, ContextMode, Market, RunSettings, RunSpec
from tracking.errors import DatasetError
from tracking.settings import REPOSITORY, Settings

CATALOG = load_catalog(Settings(home=REPOSITORY / "nowhere"))
SETTINGS = Settings()
EVERYONE = RunSpec(preset="custom", agents=tuple(CATALOG.agents), model="embedded")


@pytest.fixture(scope="module")
def data():
    return load_data(SETTINGS, EVERYONE.dataset)


def descriptions(spec, data):
    return {prompt.name: prompt.description for prompt in task_prompts(spec, CATALOG, data)}


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("campaign", {"target_audience": "Students"}),
        ("campaign", {"campaign_type": "Loyalty"}),
        ("campaign", {"budget_usd": 0}),
        ("campaign", {"duration_weeks": 3}),
        ("campaign", {"goals": ("Win back customers",)}),
        ("market", {"analysis_focus": "Churn"}),
        ("market", {"business_objective": "Leave the market"}),
        ("market", {"competitive_landscape": "A duopoly"}),
        ("market", {"regions": ("Europe",)}),
        ("market", {"categories": ("Juice",)}),
        ("market", {"brands": ("Alderbrook",)}),
        ("market", {"key_metrics": ("Units",)}),
        ("market", {"forecast_periods": 3}),
        ("market", {"expected_revenue": 1_000_000}),
        ("market", {"competitive_analysis": False}),
        ("market", {"market_share_analysis": False}),
        ("brand", {"awareness": 0}),
        ("brand", {"sentiment": 0.0}),
        ("brand", {"market_position": "Leader"}),
    ],
)
def test_a_field_of_the_page_changes_what_an_agent_is_told(data, section, change):
    changed = dataclasses.replace(
        EVERYONE, **{section: dataclasses.replace(getattr(EVERYONE, section), **change)}
    )
    assert descriptions(changed, data) != descriptions(EVERYONE, data)


def test_every_field_of_the_three_sections_is_among_those_tested():
    fields = {f.name for kind in (Campaign, Market, Brand) for f in dataclasses.fields(kind)}
    tested = {
        name
        for mark in test_a_field_of_the_page_changes_what_an_agent_is_told.pytestmark
        for _, change in mark.args[1]
        for name in change
    }
    assert tested == fields


def test_every_input_is_taken_by_some_task():
    assert CATALOG.inputs_of(CATALOG.agents) == set(INPUTS)


def test_an_empty_field_is_not_mentioned(data):
    assert "Target audience" not in descriptions(EVERYONE, data)["market_research"]


def test_the_figures_in_a_prompt_are_those_of_the_chosen_market(data):
    europe = dataclasses.replace(EVERYONE, market=Market(regions=("Europe",)))
    revenue = data.frame.loc[data.frame["region"] == "Europe"].shape[0]
    assert f"Data: {revenue:,} rows" in descriptions(europe, data)["market_research"]


def test_a_market_without_data_is_refused_by_name(data):
    with pytest.raises(DatasetError, match="Atlantis"):
        task_prompts(dataclasses.replace(EVERYONE, market=Market(regions=("Atlantis",))), CATALOG, data)


def test_context_is_what_was_declared_or_everything_so_far(data):
    def context(mode):
        spec = dataclasses.replace(EVERYONE, settings=RunSettings(context_mode=mode))
        return {prompt.name: prompt.context for prompt in task_prompts(spec, CATALOG, data)}

    assert context(ContextMode.DECLARED)["forecast"] == ("data_analysis",)
    assert context(ContextMode.ALL)["forecast"] == (
        "market_research",
        "competitive_analysis",
        "data_analysis",
    )


def test_a_task_whose_agent_takes_no_part_is_in_nobodys_context(data):
    spec = dataclasses.replace(EVERYONE, agents=("forecasting_specialist", "report_writer"))
    assert [p.context for p in task_prompts(spec, CATALOG, data)] == [(), ("forecast",)]
