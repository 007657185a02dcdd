import json

import pytest

from tracking.domain.spec import Brand, Campaign, ContextMode, Market, RunSettings, RunSpec
from tracking.errors import ConfigError

SPEC = RunSpec(
    preset="brand",
    agents=("data_analyst", "report_writer"),
    model="embedded",
    agent_models={"data_analyst": "openai-mini"},
    campaign=Campaign(target_audience="Families", budget_usd=0, goals=("Grow revenue",)),
    market=Market(regions=("Europe",), competitive_analysis=False),
    brand=Brand(awareness=0, sentiment=-0.5),
    settings=RunSettings(context_mode=ContextMode.ALL, token_budget=5_000),
)


def test_a_spec_survives_the_ledger():
    assert RunSpec.from_json(json.loads(json.dumps(SPEC.to_json()))) == SPEC


def test_an_agent_may_have_a_model_of_its_own():
    assert SPEC.model_of("data_analyst") == "openai-mini"
    assert SPEC.model_of("report_writer") == "embedded"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": 1}, "spec.preset must be text, found 1"),
        ({"agents": "data_analyst"}, "spec.agents must be a list"),
        ({"agents": []}, "at least one agent"),
        (
            {"settings": {"context_mode": "some"}},
            "context_mode must be one of all, declared, trimmed, found 'some'",
        ),
        ({"settings": {"max_output_tokens": True}}, "max_output_tokens must be a whole number, found True"),
        ({"brand": {"sentiment": True}}, "spec.brand.sentiment must be a number, found True"),
        ({"campaign": {"budget_usd": -5}}, "campaign.budget_usd must be from 0 to 10,000,000,000, found -5"),
        ({"brand": {"sentiment": float("nan")}}, "brand.sentiment must be from -1 to 1, found nan"),
        ({"market": 3}, "spec.market must be a table"),
        ({"colour": "red"}, "unknown keys: colour"),
    ],
)
def test_a_spec_that_cannot_be_read_says_where(change, message):
    with pytest.raises(ConfigError, match=message):
        RunSpec.from_json({**SPEC.to_json(), **change})


def test_a_spec_without_a_model_says_so():
    incomplete = SPEC.to_json()
    del incomplete["model"]
    with pytest.raises(ConfigError, match="spec lacks model"):
        RunSpec.from_json(incomplete)
