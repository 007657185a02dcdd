"""Rows of a file as runs of a batch: what each asks for, and what stands in its way."""

import pytest

from tracking.crew.batch_inputs import MOST_ROWS, Offer, batch_inputs
from tracking.domain.spec import Campaign, ContextMode, RunSettings, RunSpec
from tracking.domain.variation import FIELDS
from tracking.errors import DatasetError

BASE = RunSpec(
    preset="comprehensive",
    agents=("data_analyst",),
    model="embedded",
    campaign=Campaign(target_audience="Families", budget_usd=1_000),
)
OFFER = Offer(
    models={"embedded": None, "openai-mini": None, "openai": "needs a key: set OPENAI_API_KEY"},
    names={"market.regions": ("Europe", "Asia")},
    told=[path for path in FIELDS if path != "brand.awareness"],
    refusal=lambda spec: "No rows are left." if spec.market.regions == ("Asia",) else None,
)


def read(text, base=BASE):
    return batch_inputs(text.encode(), "inputs.csv", base, OFFER)


def problems(text, base=BASE):
    return [problem.told("inputs.csv") for problem in read(text, base).problems]


def test_a_row_is_a_run_and_an_empty_cell_changes_nothing():
    found = read("name,campaign.target_audience,budget_usd,model\nA,Pilots,0,\n,,5,openai-mini\n")
    assert found.problems == ()
    assert found.columns == ("name", "campaign.target_audience", "campaign.budget_usd", "model")
    assert [item.name for item in found.items] == ["A", None]
    first, second = (item.spec for item in found.items)
    assert first == RunSpec(
        preset="comprehensive",
        agents=("data_analyst",),
        model="embedded",
        campaign=Campaign(target_audience="Pilots", budget_usd=0),
    )
    assert (second.campaign.target_audience, second.campaign.budget_usd, second.model) == (
        "Families",
        5,
        "openai-mini",
    )


def test_names_of_the_data_are_found_however_their_case_is_written():
    [item] = read("regions\nASIA;europe\n").items
    assert item.spec.market.regions == ("Asia", "Europe")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "campain.goals\nx\n",
            (
                "inputs.csv, row 1, column 'campain.goals': no field of a run has this name. "
                "Did you mean campaign.goals? Rename the column, or remove it."
            ),
        ),
        (
            "colour\nx\n",
            (
                "inputs.csv, row 1, column 'colour': no field of a run has this name. "
                "Rename the column, or remove it; there are name, model, campaign.target_audience, "
            ),
        ),
        (
            "goals,campaign.goals\nx,y\n",
            (
                "inputs.csv, row 1, column 'campaign.goals': 'goals' is for campaign.goals already. "
                "Remove one of the two."
            ),
        ),
        (
            "brand.awareness\n5\n",
            (
                "inputs.csv, row 1, column 'brand.awareness': no chosen agent is told brand.awareness, so it "
                "would change nothing. Remove the column, or choose an agent that is told."
            ),
        ),
        (
            "name,\na,\nb,c\n",
            "inputs.csv, row 1, column '2': it has no header, but row 3 has 'c'. Name it, or empty it.",
        ),
        (
            "name,budget_usd\na,5\nb,a lot\n",
            (
                "inputs.csv, row 3, column 'budget_usd': found 'a lot', which isn't a whole number. "
                "Write it in digits only, like 250000."
            ),
        ),
        (
            "model\ngpt\n",
            (
                "inputs.csv, row 2, column 'model': found 'gpt', which is no model of config/models.toml. "
                "Write one of embedded, openai-mini."
            ),
        ),
        (
            "model\nopenai\n",
            (
                "inputs.csv, row 2, column 'model': found 'openai', which needs a key: set OPENAI_API_KEY. "
                "Or write one of embedded, openai-mini."
            ),
        ),
        (
            "regions\nEurope; Eurpe\n",
            (
                "inputs.csv, row 2, column 'regions': found 'Europe; Eurpe', and the data has no 'Eurpe'. "
                "It has Europe, Asia."
            ),
        ),
        ("regions\nAsia\n", "inputs.csv, row 2: No rows are left."),
        ("track_tokens,token_budget\nno,500\n", "inputs.csv, row 2: a budget needs token tracking"),
    ],
)
def test_a_problem_names_file_row_column_what_was_found_and_what_to_do(text, message):
    [problem] = problems(text)
    assert problem.startswith(message)


def test_every_row_is_checked_not_only_the_first_that_is_wrong():
    found = read("awareness,sentiment,duration_weeks\n,9,x\n,0.5,4\n,9,4\n")
    assert [problem.row for problem in found.problems] == [1, 2, 2, 4]
    assert [row.number for row in found.rows if row.spec is not None] == [3]


def test_trimming_that_would_not_happen_is_no_change():
    everything = RunSpec(
        preset="custom",
        agents=("data_analyst",),
        model="embedded",
        settings=RunSettings(context_mode=ContextMode.ALL),
    )
    [problem] = problems("context_tokens\n40\n", everything)
    assert "settings.context_tokens is for trimmed context, and settings.context_mode is all" in problem
    assert problems("context_tokens,context_mode\n40,trimmed\n", everything) == []


def test_a_column_without_header_and_content_is_ignored():
    assert read("name,\na,\n").problems == ()


def test_a_file_of_more_rows_than_a_batch_may_have_is_refused():
    rows = "name\n" + "a\n" * MOST_ROWS
    assert len(read(rows).items) == MOST_ROWS == 500
    with pytest.raises(DatasetError, match=r"has 501 rows\. At most 500 make a batch: split the file"):
        read(rows + "b\n")
