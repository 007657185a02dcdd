"""Task Configuration: every control changes the run, and what is chosen stays chosen."""

import subprocess
import sys
from functools import reduce
from typing import Any

import pytest
from app.preview import prompts_shown, spec_shown, text_shown
from streamlit.testing.v1 import AppTest

from tracking.crew.catalog import load_catalog
from tracking.settings import REPOSITORY, Settings

ANALYZE, RUNS = "tracking/ui/pages/analyze.py", "tracking/ui/pages/runs.py"
PRESET, AGENTS, MODEL = "form.preset", "form.agents", "form.model"

# control, key, new value, where it is found in the spec, what is found there
CONTROLS: list[tuple[str, str, Any, str, Any]] = [
    ("selectbox", "form.preset", "roi", "preset", "roi"),
    (
        "multiselect",
        "form.agents",
        ["report_writer", "data_analyst"],
        "agents",
        ["data_analyst", "report_writer"],
    ),
    ("selectbox", "form.model", "embedded", "model", "embedded"),
    ("selectbox", "form.agent_models.data_analyst", "openai", "agent_models.data_analyst", "openai"),
    ("text_input", "form.campaign.target_audience", "Pilots", "campaign.target_audience", "Pilots"),
    ("selectbox", "form.campaign.campaign_type", "Promotion", "campaign.campaign_type", "Promotion"),
    ("number_input", "form.campaign.budget_usd", 120_000, "campaign.budget_usd", 120_000),
    ("number_input", "form.campaign.duration_weeks", 9, "campaign.duration_weeks", 9),
    ("multiselect", "form.campaign.goals", ["Raise profit"], "campaign.goals", ["Raise profit"]),
    ("selectbox", "form.market.analysis_focus", "Pricing", "market.analysis_focus", "Pricing"),
    ("text_input", "form.market.business_objective", "Grow", "market.business_objective", "Grow"),
    ("text_input", "form.market.competitive_landscape", "Many", "market.competitive_landscape", "Many"),
    ("multiselect", "form.market.regions", ["Europe"], "market.regions", ["Europe"]),
    ("multiselect", "form.market.categories", ["Tea"], "market.categories", ["Tea"]),
    ("multiselect", "form.market.brands", ["Fennick"], "market.brands", ["Fennick"]),
    ("multiselect", "form.market.key_metrics", ["Units"], "market.key_metrics", ["Units"]),
    ("number_input", "form.market.forecast_periods", 9, "market.forecast_periods", 9),
    ("number_input", "form.market.expected_revenue", 5_000_000, "market.expected_revenue", 5_000_000),
    ("toggle", "form.market.competitive_analysis", False, "market.competitive_analysis", False),
    ("toggle", "form.market.market_share_analysis", False, "market.market_share_analysis", False),
    ("number_input", "form.brand.awareness", 0, "brand.awareness", 0),
    ("number_input", "form.brand.sentiment", -0.4, "brand.sentiment", -0.4),
    ("selectbox", "form.brand.market_position", "Niche", "brand.market_position", "Niche"),
    ("checkbox", "form.settings.track_tokens", False, "settings.track_tokens", False),
    ("number_input", "form.settings.max_output_tokens", 300, "settings.max_output_tokens", 300),
    ("number_input", "form.settings.token_budget", 9_000, "settings.token_budget", 9_000),
    ("number_input", "form.settings.cost_budget_usd", 0.0125, "settings.cost_budget_usd", 0.0125),
    ("number_input", "form.settings.budget_wait_minutes", 0, "settings.budget_wait_minutes", 0),
    ("selectbox", "form.settings.context_mode", "all", "settings.context_mode", "all"),
    ("number_input", "form.settings.context_tokens", 40, "settings.context_tokens", 40),
    ("toggle", "form.settings.cache_tool_results", False, "settings.cache_tool_results", False),
    ("toggle", "form.settings.stream", True, "settings.stream", True),
    ("selectbox", "form.settings.loop_guard", "stop", "settings.loop_guard", "stop"),
]
KINDS = ("selectbox", "multiselect", "text_input", "number_input", "toggle", "checkbox", "slider", "radio")


def everyone(at: AppTest) -> AppTest:
    """With every agent taking part, every field is on the page."""
    return at.multiselect(key=AGENTS).set_value(list(load_catalog(Settings()).agents)).run()


def at_path(spec: dict[str, Any], path: str) -> Any:
    return reduce(lambda part, name: part.get(name), path.split("."), spec)


@pytest.mark.parametrize(("kind", "key", "new", "path", "expected"), CONTROLS, ids=[c[1] for c in CONTROLS])
def test_a_control_changes_the_run(page, with_key, kind, key, new, path, expected):
    at = everyone(page())
    before = at_path(spec_shown(at), path)
    getattr(at, kind)(key=key).set_value(new).run()
    assert not at.exception
    assert at_path(spec_shown(at), path) == expected != before


def test_no_control_on_the_page_is_without_an_effect(page, with_key):
    at = everyone(page())
    drawn = {w.key for kind in KINDS for w in getattr(at, kind) if w.key and w.key.startswith("form.")}
    agents = set(load_catalog(Settings()).agents) - {"data_analyst"}  # it stands for the others' own models
    assert drawn - {f"form.agent_models.{name}" for name in agents} == {control[1] for control in CONTROLS}


@pytest.mark.parametrize(
    ("kind", "key", "new", "said"),
    [
        ("text_input", "form.campaign.target_audience", "Pilots", "Target audience: Pilots"),
        ("number_input", "form.brand.awareness", 0, "Brand awareness: 0 %"),
        ("multiselect", "form.market.key_metrics", ["Units"], "Key metrics: Units"),
        ("multiselect", "form.market.regions", ["Europe"], "Markets: Europe"),
    ],
)
def test_the_preview_shows_what_the_agents_will_be_told(page, kind, key, new, said):
    at = everyone(page())
    assert said not in prompts_shown(at)
    getattr(at, kind)(key=key).set_value(new).run()
    assert said in prompts_shown(at)


def test_the_first_preset_is_applied_on_the_first_visit(page):
    at = page()
    assert at.selectbox(key=PRESET).value == "comprehensive"
    assert at.multiselect(key=AGENTS).value == ["market_research_analyst", "data_analyst", "report_writer"]
    assert at.text_input(key="form.campaign.target_audience").value == "Young adults in cities"
    assert spec_shown(at)["campaign"]["budget_usd"] == 250_000


def test_choosing_a_preset_sets_the_fields_to_its_values_and_empties_the_others(page):
    at = page()
    at.multiselect(key="form.market.regions").set_value(["Europe"]).run()
    at.selectbox(key=PRESET).set_value("brand").run()
    spec = spec_shown(at)
    assert spec["agents"][0] == "competitive_analyst"
    assert spec["brand"] == {"awareness": 35, "sentiment": 0.2, "market_position": "Challenger"}
    assert spec["campaign"]["target_audience"] == "Families"
    assert spec["market"]["regions"] == []


def test_a_rerun_does_not_overwrite_what_was_typed_over_a_preset(page):
    at = page()
    at.text_input(key="form.campaign.target_audience").set_value("Pilots").run()
    at.run()
    assert at.text_input(key="form.campaign.target_audience").value == "Pilots"


def test_values_survive_a_visit_to_another_page(page):
    at = page()
    at.selectbox(key=PRESET).set_value("forecast").run()
    at.number_input(key="form.market.forecast_periods").set_value(11).run()
    at.multiselect(key="form.market.brands").set_value(["Fennick"]).run()
    at.checkbox(key="form.settings.track_tokens").set_value(False).run()
    before = spec_shown(at)
    at.switch_page(RUNS).run()
    assert not at.exception
    at.switch_page(ANALYZE).run()
    assert spec_shown(at) == before
    assert before["market"]["forecast_periods"] == 11


def test_a_field_that_no_chosen_agent_is_told_of_is_neither_shown_nor_in_the_run(page):
    at = page()
    at.text_input(key="form.campaign.target_audience").set_value("Pilots").run()
    at.multiselect(key=AGENTS).set_value(["data_analyst"]).run()
    assert "Target audience" not in [field.label for field in at.text_input]
    assert spec_shown(at)["campaign"]["target_audience"] == ""
    at.multiselect(key=AGENTS).set_value(["data_analyst", "market_research_analyst"]).run()
    assert spec_shown(at)["campaign"]["target_audience"] == "Pilots"  # it was only put aside


def test_without_an_agent_nothing_can_run_and_the_page_says_why(page):
    at = page()
    at.multiselect(key=AGENTS).set_value([]).run()
    assert not at.exception
    assert "Choose at least one agent." in [error.value for error in at.error]
    assert at.button(key="execute.run").disabled


def test_filters_that_leave_no_rows_block_the_run(page):
    at = page()
    at.multiselect(key="form.market.brands").set_value(["Alderbrook"]).run()
    at.multiselect(key="form.market.categories").set_value(["Coffee"]).run()  # Alderbrook sells none
    assert any("Alderbrook" in error.value for error in at.error)
    assert at.button(key="execute.run").disabled


def test_without_a_key_the_local_model_is_used_and_the_page_says_so(page):
    at = page()
    assert at.selectbox(key=MODEL).value == "embedded"
    assert "No API key found: using the local demo model." in text_shown(at)
    assert not [box for box in at.selectbox if box.key.startswith("form.agent_models.")]


def test_models_that_cannot_be_used_are_listed_with_their_reason(page):
    shown = text_shown(page())
    assert "**OpenAI GPT-5** needs a key: set OPENAI_API_KEY" in shown


def test_without_any_usable_model_the_run_is_blocked_with_the_reason(page, dashboard_home):
    Settings().weights.unlink()
    at = page()
    assert any("has no weights here yet" in error.value for error in at.error)
    assert at.button(key="execute.run").disabled


def test_the_token_budget_needs_token_tracking(page):
    at = page()
    at.number_input(key="form.settings.token_budget").set_value(5_000).run()
    at.checkbox(key="form.settings.track_tokens").set_value(False).run()
    assert at.number_input(key="form.settings.token_budget").disabled
    assert spec_shown(at)["settings"]["token_budget"] is None
    at.checkbox(key="form.settings.track_tokens").set_value(True).run()
    assert spec_shown(at)["settings"]["token_budget"] == 5_000


def test_tool_caching_is_offered_only_where_a_model_can_call_tools(page, with_key):
    at = page()
    assert at.toggle(key="form.settings.cache_tool_results").value is True
    at.selectbox(key=MODEL).set_value("embedded").run()
    assert "Cache tool results" not in [toggle.label for toggle in at.toggle]


LIMIT = "form.settings.max_output_tokens"


def test_a_model_that_thinks_first_is_given_room_to_answer_until_a_person_decides(page, with_key):
    at = page()
    assert at.number_input(key=LIMIT).value == 120
    at.selectbox(key=MODEL).set_value("openai").run()
    assert spec_shown(at)["settings"]["max_output_tokens"] == 4_000
    at.selectbox(key=MODEL).set_value("openai-mini").run()
    assert at.number_input(key=LIMIT).value == 120
    at.number_input(key=LIMIT).set_value(300).run()
    at.selectbox(key=MODEL).set_value("openai").run()
    assert at.number_input(key=LIMIT).value == 300


def test_one_agents_own_model_is_given_room_as_well(page, with_key):
    at = page()
    at.selectbox(key="form.agent_models.data_analyst").set_value("openai").run()
    assert at.number_input(key=LIMIT).value == 4_000


def test_the_estimate_follows_the_room_that_the_model_needs(page, with_key):
    at = page()
    at.multiselect(key=AGENTS).set_value(["data_analyst"]).run()
    [before] = at.dataframe[-1].value["Tokens"]
    at.selectbox(key=MODEL).set_value("openai").run()
    [after] = at.dataframe[-1].value["Tokens"]
    assert after - before == 2_800 - 84  # 70 % of 4,000 and of 120


def test_a_limit_that_leaves_no_room_for_an_answer_is_cautioned_beside_it_and_before_the_run(page, with_key):
    at = page()
    at.selectbox(key=MODEL).set_value("openai").run()
    caution = "OpenAI GPT-5 thinks before it answers, and that counts as output: with less than 4,000 tokens"
    assert caution not in text_shown(at)
    at.number_input(key=LIMIT).set_value(120).run()
    assert at.number_input(key=LIMIT).value == 120
    assert text_shown(at).count(caution) == 2


def test_a_limit_that_is_cleared_is_the_models_again(page, with_key):
    at = page()
    at.number_input(key=LIMIT).set_value(300).run()
    at.number_input(key=LIMIT).set_value(None).run()
    assert at.number_input(key=LIMIT).value == 120


def test_the_limit_of_a_run_that_is_taken_over_is_kept_whatever_its_number(page, with_key, submitted):
    at = page()
    at.selectbox(key=MODEL).set_value("openai").run()
    at.number_input(key=LIMIT).set_value(120).run()
    at.button(key="execute.run").click().run()
    other = page()  # its form holds the other model's 120
    next(b for b in other.button if b.label == "Use its settings").click().run()
    assert spec_shown(other)["model"] == "openai"
    assert other.number_input(key=LIMIT).value == 120


def test_a_session_begins_with_the_settings_of_the_run_in_the_url(page, submitted, ledger):
    first = page()
    first.selectbox(key=PRESET).set_value("roi").run()
    first.number_input(key="form.campaign.duration_weeks").set_value(33).run()
    first.button(key="execute.run").click().run()
    assert spec_shown(page(run="run1")) == submitted[0].to_json()


def test_the_settings_of_an_earlier_run_can_be_taken_over(page, submitted):
    at = page()
    at.text_input(key="form.campaign.target_audience").set_value("Pilots").run()
    at.button(key="execute.run").click().run()
    other = page()
    next(b for b in other.button if b.label == "Use its settings").click().run()
    assert other.text_input(key="form.campaign.target_audience").value == "Pilots"


def test_nothing_heavy_is_imported_to_show_the_page(dashboard_home):
    """Crewai, the queue and the local model belong to the worker's process."""
    script = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        "at = AppTest.from_file('dashboard.py', default_timeout=60).run(); assert not at.exception;"
        "print([name for name in ('crewai', 'dbos', 'xllamacpp', 'litellm') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
