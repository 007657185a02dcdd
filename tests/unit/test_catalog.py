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
            "analyses.yaml: forecast: spec.market has unknown keys: objective",
        ),
        (
            "analyses.yaml",
            "    awareness: 35",
            "    awareness: much",
            "brand: spec.brand.awareness must be int, found 'much'",
        ),
        ("agents.yaml", "role: Data Analyst", "role: [Analyst]", "data_analyst.role must be text, found"),
        ("tasks.yaml", "context: []", "context:", "market_research.context must be a list, found None"),
        (
            "models.toml",
            "context_window = 128000",
            "context_window = '1'",
            "must be a whole number, found '1'",
        ),
        ("models.toml", 'label = "OpenAI GPT-5"', "label = ", "models.toml can't be read"),
        ("models.toml", "tools = true", "hammers = true", r"models.toml \[openai-mini\]"),
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
    with pytest.raises(ConfigError, match=r"models.toml lists no model"):
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
