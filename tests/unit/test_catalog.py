import shutil

import pytest
from tests_support import copy_config

from tracking.crew.catalog import load_catalog
from tracking.errors import ConfigError
from tracking.settings import Settings


@pytest.fixture
def config(tmp_path):
    return copy_config(tmp_path)


def catalog(config, tmp_path):
    return load_catalog(Settings(home=tmp_path / "home", config=config))


def test_the_shipped_configuration_names_nine_agents_each_with_a_task(config, tmp_path):
    found = catalog(config, tmp_path)
    assert len(found.agents) == 9
    assert {task.agent for task in found.tasks.values()} == set(found.agents)
    assert list(found.presets) == ["comprehensive", "roi", "forecast", "brand", "custom"]


def test_tasks_come_in_the_declared_order_whatever_order_agents_are_named_in(config, tmp_path):
    tasks = catalog(config, tmp_path).tasks_of(["report_writer", "market_research_analyst", "data_analyst"])
    assert [task.name for task in tasks] == ["market_research", "data_analysis", "report"]


def test_a_model_without_its_key_is_listed_with_the_reason(config, tmp_path):
    model = catalog(config, tmp_path).models["anthropic"]
    assert not model.usable
    assert model.problem == "needs a key: set ANTHROPIC_API_KEY and start again"


def test_a_key_makes_the_cloud_model_the_default(config, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    assert catalog(config, tmp_path).default_model.id == "openai-mini"


def test_without_a_key_the_embedded_model_is_the_default(config, tmp_path):
    weights = Settings(home=tmp_path / "home").weights
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert catalog(config, tmp_path).default_model.id == "embedded"


def test_an_own_server_needs_an_address_and_a_model_but_no_key(config, tmp_path, monkeypatch):
    assert "OPENAI_COMPATIBLE_BASE_URL" in (catalog(config, tmp_path).models["compatible"].problem or "")
    monkeypatch.setenv("OPENAI_COMPATIBLE_BASE_URL", "http://127.0.0.1:1/v1")
    assert "OPENAI_COMPATIBLE_MODEL" in (catalog(config, tmp_path).models["compatible"].problem or "")
    monkeypatch.setenv("OPENAI_COMPATIBLE_MODEL", "mine")
    assert catalog(config, tmp_path).models["compatible"].usable


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "tasks.yaml",
            "agent: data_analyst",
            "agent: nobody",
            "tasks.yaml: data_analysis.agent names nobody",
        ),
        ("tasks.yaml", "context: [data_analysis]", "context: [report]", "forecast.context names report"),
        ("tasks.yaml", "briefing: forecast", "briefing: weather", "forecast.briefing names weather"),
        ("tasks.yaml", "expected_revenue, categories", "moon_phase", "forecast.inputs names moon_phase"),
        (
            "agents.yaml",
            "  goal: Say what sales",
            "  aim: Say what sales",
            "forecasting_specialist lacks goal",
        ),
        (
            "analyses.yaml",
            "agents: [market_research_analyst]",
            "agents: [nobody]",
            "custom.agents names nobody",
        ),
        ("analyses.yaml", "  title: Custom", "  name: Custom", "custom lacks title"),
        ("analyses.yaml", "  title: Custom", "  title: Custom\n  agent: x", "custom has unknown keys: agent"),
        (
            "analyses.yaml",
            "    business_objective: Plan stock",
            "    objective: Plan stock",
            "analyses.yaml: forecast: market has unknown keys: objective",
        ),
        (
            "analyses.yaml",
            "    awareness: 35",
            "    awareness: much",
            "brand: brand.awareness must be a whole number, found 'much'",
        ),
        (
            "analyses.yaml",
            "budget_usd: 250000",
            "budget_usd: -250000",
            "analyses.yaml: comprehensive: campaign.budget_usd must be from 0 to .*, found -250,000",
        ),
        (
            "analyses.yaml",
            "forecast_periods: 6",
            "forecast_periods: 0",
            "forecast_periods must be from 1 to 36",
        ),
        ("agents.yaml", "role: Data Analyst", "role: [Analyst]", "data_analyst.role must be text, found"),
        ("agents.yaml", "data_analyst:", "7:", "agents.yaml: the name 7 must be text: put it in quotes"),
        (
            "analyses.yaml",
            "agents: [market_research_analyst]",
            "agents: [1]",
            r"custom.agents must be a list of names, found \[1\]: correct it",
        ),
        (
            "models.toml",
            'label = "OpenAI GPT-5"\n',
            "",
            r"models.toml: openai lacks label: add it$",
        ),
        ("models.toml", 'provider = "local"\n', "", "models.toml: embedded lacks provider: add it"),
        (
            "models.toml",
            'model = "gpt-5"\n',
            "",
            "models.toml: openai lacks model or model_env: add one of them",
        ),
        (
            "models.toml",
            'base_url_env = "OPENAI_COMPATIBLE_BASE_URL"\n',
            "",
            "models.toml: compatible lacks base_url or base_url_env",
        ),
        (
            "models.toml",
            'model_env = "OLLAMA_MODEL"',
            "model_env = 5",
            "ollama.model_env must be text, found 5",
        ),
        (
            "models.toml",
            "context_window = 2048",
            "context_window = true",
            "must be a whole number, found True",
        ),
        ("models.toml", "context_window = 2048", "context_window = -1", "context_window must be from 1 to"),
        (
            "models.toml",
            "min_output_tokens = 4000",
            "min_output_tokens = 40000",
            "openai.min_output_tokens must be from 1 to 32,768, found 40,000: correct it",
        ),
        (
            "models.toml",
            "[openai-mini]",
            "speed = 1\n[openai-mini]",
            "speed must be an entry with keys, found 1",
        ),
        (
            "tasks.yaml",
            "context: []",
            "context:",
            "context must be a list of names, found None",
        ),
        (
            "models.toml",
            "context_window = 128000",
            "context_window = '1'",
            "must be a whole number, found '1'",
        ),
        ("models.toml", 'label = "OpenAI GPT-5"', "label = ", "models.toml can't be read"),
        (
            "models.toml",
            "tools = true",
            "hammers = true",
            "models.toml: openai-mini has unknown keys: hammers. Rename or remove them; it may have label,",
        ),
        (
            "models.toml",
            "tools = true",
            "problem = 'x'",
            "models.toml: openai-mini has unknown keys: problem",
        ),
        ("agents.yaml", "report_writer:", "report_writer: [", "agents.yaml can't be read: .* in line 4"),
    ],
)
def test_a_mistake_in_the_configuration_is_named_with_its_file_and_key(
    config, tmp_path, file, old, new, message
):
    text = (config / file).read_text()
    assert old in text
    (config / file).write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        catalog(config, tmp_path)


def test_a_list_of_no_models_is_refused(config, tmp_path):
    (config / "models.toml").write_text("")
    with pytest.raises(ConfigError, match=r"models.toml holds no entry"):
        catalog(config, tmp_path)


@pytest.mark.parametrize("name", ["agents.yaml", "models.toml"])
def test_a_file_in_another_encoding_is_named(config, tmp_path, name):
    (config / name).write_bytes((config / name).read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(ConfigError, match=f"{name} can't be read"):
        catalog(config, tmp_path)


def test_a_missing_file_is_named(config, tmp_path):
    shutil.rmtree(config)
    with pytest.raises(ConfigError, match=r"agents.yaml can't be read"):
        catalog(config, tmp_path)
