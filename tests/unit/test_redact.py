import pytest

from tracking.crew.redact import REDACTED, redacted, scrub


def test_the_value_of_a_secret_variable_never_passes(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_API_KEY", "p4ssw0rd-of-mine")
    assert redacted("refused: p4ssw0rd-of-mine is invalid") == "refused: [redacted] is invalid"


def test_what_looks_like_a_key_never_passes():
    text = redacted("Incorrect API key provided: sk-proj-abcdefghijklmnop1234. Bearer abc.def")
    assert "abcdefghijklmnop" not in text
    assert "abc.def" not in text


def test_a_message_is_cut_to_length():
    assert len(redacted("x" * 10_000)) == 2_002


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdefghijklmnop123456",
        "sk-ant-api03-AbCdEf_123456",
        "AIzaSyA1234567890abcdefghijklmnop",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "Bearer abcdef123456",
        "QmFzZTY0IGlzIG5vdCBlbmNyeXB0aW9uLCBqdXN0IGNvZGluZw1234==",
    ],
)
def test_what_looks_like_a_secret_is_cut_out_of_any_text(secret):
    assert scrub(f"refused {secret}, retry") == f"refused {REDACTED}, retry"
    assert secret not in redacted(f"refused {secret}")


def test_a_password_in_an_address_is_cut_out():
    assert scrub("postgresql://me:hunter2@db/swarm") == f"postgresql://{REDACTED}@db/swarm"


def test_what_is_shown_of_ordinary_text_stays_whole():
    text = "run 3f2a9c1b7d, model gpt-4o-mini-2024-07-18, task brand_performance, 15,000 rows"
    assert scrub(text) == text
