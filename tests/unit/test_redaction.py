import pytest

from tracking.crew.redact import REDACTED
from tracking.ui.redaction import redact


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "OPENAI_API_KEY",
        "github_token",
        "access_token",
        "client_secret",
        "password",
        "auth",
        "Cookie",
    ],
)
def test_a_secret_name_hides_the_whole_value(name):
    assert redact(name, "short") == REDACTED


@pytest.mark.parametrize(
    "name", ["max_output_tokens", "form.settings.token_budget", "monkey", "tokens", "author"]
)
def test_names_that_only_sound_like_secrets_are_shown(name):
    assert redact(name, "120") == "120"


def test_secrets_inside_containers_are_found():
    assert redact("form", {"model": "gpt-5", "api_key": "x", "more": ["sk-abcdefghijkl"]}) == (
        f"{{model: gpt-5, api_key: {REDACTED}, more: [{REDACTED}]}}"
    )


def test_long_values_and_foreign_objects_are_not_spilled():
    assert redact("text", "word " * 200) == "word " * 80 + " … (1,000 characters)"
    assert redact("upload", b"abc") == "3 bytes"
    assert redact("thing", object()) == "<object>"
    assert redact("nothing", None) == "None"
