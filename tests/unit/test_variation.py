"""Which fields a table may vary, and what its cells mean."""

import pytest

from tracking.domain.spec import BOUNDS, Brand, Campaign, ContextMode, Market, RunSpec
from tracking.domain.variation import (
    FIELDS,
    CellError,
    cell_of,
    field_named,
    nearest_field,
    value_of,
    vary,
    varying,
)

SPEC = RunSpec(
    preset="brand",
    agents=("data_analyst",),
    model="embedded",
    campaign=Campaign(target_audience="Families", goals=("Grow revenue", "Raise profit")),
    brand=Brand(sentiment=-0.5),
)


def test_every_number_that_has_bounds_can_be_varied():
    assert set(BOUNDS) <= set(FIELDS)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("campaign.goals", "campaign.goals"),
        ("Goals", "campaign.goals"),
        ("target audience", "campaign.target_audience"),
        (" Campaign.Budget-USD ", "campaign.budget_usd"),
        ("NAME", "name"),
        ("model", "model"),
        ("dataset.sha256", None),
        ("agents", None),
        ("", None),
    ],
)
def test_a_column_is_headed_by_a_fields_path_or_its_last_part(header, field):
    assert field_named(header) == field


def test_no_two_fields_end_alike_or_a_short_header_would_mean_two():
    names = [path.partition(".")[2] for path in FIELDS]
    assert len({*names, "name", "model"}) == len(names) + 2


def test_a_misspelt_header_is_near_the_one_that_was_meant():
    assert nearest_field("campain.target_audience") == "campaign.target_audience"
    assert nearest_field("colour") is None


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("campaign.target_audience", "Families", "Families"),
        ("campaign.budget_usd", "0", 0),
        ("campaign.budget_usd", "250000.0", 250_000),  # how a spreadsheet writes a whole number
        ("campaign.goals", "Grow revenue; Raise profit;", ("Grow revenue", "Raise profit")),
        ("campaign.goals", "Grow revenue|Grow revenue\nRaise profit", ("Grow revenue", "Raise profit")),
        ("market.competitive_analysis", "FALSE", False),
        ("market.competitive_analysis", "yes", True),
        ("brand.sentiment", "-0,4", -0.4),
        ("brand.sentiment", "1", 1.0),
        ("settings.context_mode", "All", ContextMode.ALL),
        ("model", "openai-mini", "openai-mini"),
        ("name", "Spring", "Spring"),
    ],
)
def test_a_cell_is_read_in_the_type_of_its_field(field, cell, value):
    found = value_of(field, cell)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("field", "cell", "message"),
    [
        ("campaign.budget_usd", "250,000", "isn't a whole number. Write it in digits only, like 250000"),
        ("campaign.budget_usd", "12.5", "isn't a whole number"),
        ("brand.awareness", "101", "out of range. Write a number from 0 to 100"),
        ("brand.sentiment", "nan", "isn't a number"),
        ("brand.sentiment", "1e400", "isn't a number"),
        ("brand.sentiment", "-1.1", "Write a number from -1 to 1"),
        ("market.competitive_analysis", "maybe", "neither true nor false"),
        ("settings.context_mode", "some", "Write one of all, declared, trimmed"),
        ("name", "x" * 81, "has 81 characters. Write at most 80"),
    ],
)
def test_a_cell_that_cannot_be_used_says_what_to_write_instead(field, cell, message):
    with pytest.raises(CellError, match=message):
        value_of(field, cell)


def test_only_what_is_named_is_changed():
    varied = vary(SPEC, {"market.regions": ("Asia",), "brand.awareness": 0, "model": "openai"})
    assert varied == RunSpec(
        preset="brand",
        agents=("data_analyst",),
        model="openai",
        campaign=SPEC.campaign,
        market=Market(regions=("Asia",)),
        brand=Brand(awareness=0, sentiment=-0.5),
    )
    assert vary(SPEC, {}) == SPEC


def test_a_field_is_written_as_the_cell_that_means_it():
    assert cell_of(SPEC, "campaign.goals") == "Grow revenue; Raise profit"
    assert cell_of(SPEC, "brand.sentiment") == "-0.5"
    assert cell_of(SPEC, "market.competitive_analysis") == "true"
    assert cell_of(SPEC, "campaign.budget_usd") == ""
    assert cell_of(SPEC, "model") == "embedded"


def test_what_varies_is_what_is_not_alike_in_all():
    asia = vary(SPEC, {"market.regions": ("Asia",)})
    other = vary(SPEC, {"model": "openai", "brand.sentiment": -0.5})
    assert varying([each.to_json() for each in (SPEC, asia, other)]) == ["model", "market.regions"]
    assert varying([SPEC.to_json()]) == []
    assert varying([SPEC.to_json(), {}])[0] == "model"  # a run of another kind has no spec
