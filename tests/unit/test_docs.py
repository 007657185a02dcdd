"""What the documents say is checked, so that it can't drift."""

import re
import tomllib
from pathlib import Path

import pytest

import tracking
from tracking.launch.arguments import build_parser
from tracking.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = "\n".join(
    file.read_text(encoding="utf-8")
    for folder in ("tracking", "config")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in {".py", ".toml", ".yaml"}
)


def test_the_readme_names_every_option_of_the_launcher_and_no_other():
    options = {
        option
        for action in build_parser("127.0.0.1", 8501)._actions
        for option in action.option_strings
        if len(option) > 2
    }
    named = set(re.findall(r"`(--[a-z-]+)", README)) | set(re.findall(r"py (--[a-z-]+)", README))
    assert named == options - {"--help"}


def test_every_file_the_documents_name_is_there():
    named = set(re.findall(r"`((?:tracking|tests|config)/[\w/.*-]+)`", README + CONTRIBUTING))
    named |= {f"config/{name}" for name in re.findall(r"`(\w+\.(?:yaml|toml)|data/\w+\.csv)`", README)}
    assert len(named) > 10
    missing = [name for name in named if not list(ROOT.glob(name))]
    assert not missing


def test_every_link_to_a_file_of_ours_leads_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README + CONTRIBUTING):
        assert (ROOT / target).exists(), target


def test_every_configuration_file_is_in_the_readme():
    for file in (ROOT / "config").iterdir():
        assert file.name.rstrip("/") in README, file.name


def test_every_variable_the_readme_names_is_read_somewhere():
    settings = {f"DASHBOARD_{name.upper()}" for name in Settings.model_fields}
    for name in set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", README)):
        assert name in settings or f'"{name}"' in CODE, name


def test_every_variable_a_model_reads_is_in_the_readme():
    models = tomllib.loads((ROOT / "config" / "models.toml").read_text(encoding="utf-8"))
    for model in models.values():
        for key in ("key_env", "base_url_env", "model_env"):
            assert model.get(key) is None or f"`{model[key]}`" in README


@pytest.mark.parametrize("name", [n for n in tracking.__all__ if n[0].islower() or n == "PriceBook"])
def test_every_public_function_is_shown_in_the_readme(name):
    assert name in README


def test_every_page_and_tab_the_readme_and_changelog_name_is_in_the_code():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    pages = (ROOT / "dashboard.py").read_text(encoding="utf-8")
    assert re.findall(r'title="(\w+)"', pages) == ["Analyze", "Runs"]
    for title in ("Task Configuration", "Execute Analysis", "Results & Visualization"):
        assert title in changelog
        assert title in CODE
    assert "## [Unreleased]" in changelog
