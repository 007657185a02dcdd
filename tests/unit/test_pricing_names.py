"""Every way in which a model is spelled, and what a price list calls it."""

from datetime import UTC, datetime

import pytest

from tracking import PriceBook
from tracking.pricing.names import Reference, bare, canonical, reference, with_dashes, without_region

AT = datetime(2026, 3, 1, tzinfo=UTC)
ARN = "arn:aws:bedrock:eu-west-1:123456789012:"


def found(model, provider=None):
    """Provider and name of the card that the spelling leads to, or None."""
    cards = PriceBook.load().cards(model, provider=provider)
    return f"{cards[0].provider}/{cards[0].model}" if cards else None


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        (None, "gpt-4o", (None, "gpt-4o")),
        (None, "openai/gpt-4o", ("openai", "gpt-4o")),
        ("openai", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("openai", "gpt-4o", ("openai", "gpt-4o")),
        (" OpenAI ", " GPT-4o ", ("openai", "gpt-4o")),
        (None, "openai/responses/gpt-5-pro", ("openai", "gpt-5-pro")),
        (None, "openrouter/openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
        ("openrouter", "openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
        ("openrouter", "openrouter/openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
        (None, "gemini/gemini-2.5-pro", ("gemini", "gemini-2.5-pro")),
        ("google", "models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        (None, "gemini/models/gemini-2.5-pro", ("gemini", "gemini-2.5-pro")),
        ("google", "publishers/google/models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        (
            "google",
            "projects/p/locations/us-central1/publishers/anthropic/models/claude-sonnet-4@20250514",
            ("google", "claude-sonnet-4@20250514"),
        ),
        (None, "bedrock/us.amazon.nova-pro-v1:0", ("bedrock", "us.amazon.nova-pro-v1:0")),
        (None, "bedrock/converse/amazon.nova-pro-v1:0", ("bedrock", "amazon.nova-pro-v1:0")),
        (None, "bedrock/converse_like/amazon.nova-pro-v1:0", ("bedrock", "amazon.nova-pro-v1:0")),
        (None, "bedrock/invoke/anthropic.claude-v2:1", ("bedrock", "anthropic.claude-v2:1")),
        (None, "bedrock/us-east-1/anthropic.claude-v2:1", ("bedrock", "anthropic.claude-v2:1")),
        ("aws", f"{ARN}inference-profile/eu.amazon.nova-pro-v1:0", ("aws", "eu.amazon.nova-pro-v1:0")),
        (None, f"{ARN}foundation-model/anthropic.claude-v2:1", ("aws", "anthropic.claude-v2:1")),
        (None, f"bedrock/{ARN}foundation-model/anthropic.claude-v2:1", ("bedrock", "anthropic.claude-v2:1")),
        (None, "groq/openai/gpt-oss-120b", ("groq", "openai/gpt-oss-120b")),
        ("groq", "openai/gpt-oss-120b", ("groq", "openai/gpt-oss-120b")),
        (None, "azure/my-deployment", ("azure", "my-deployment")),
        (None, "ollama/llama3", ("ollama", "llama3")),
        (None, "mine/gpt-4o", (None, "mine/gpt-4o")),
    ],
)
def test_a_spelling_is_taken_apart_into_who_bills_and_what(provider, model, expected):
    assert reference(provider, model) == Reference(*expected)


@pytest.mark.parametrize("kind", ["application-inference-profile", "provisioned-model", "custom-model"])
def test_an_arn_that_does_not_say_which_model_is_behind_it_stays_what_it_is(kind):
    assert reference("aws", f"{ARN}{kind}/a1b2c3").model == f"{ARN}{kind}/a1b2c3"
    assert found(f"{ARN}{kind}/a1b2c3", "aws") is None


@pytest.mark.parametrize(
    ("provider", "ours"),
    [
        ("gemini", "google"),
        ("vertex_ai", "google"),
        ("gcp.vertex_ai", "google"),
        ("bedrock", "aws"),
        ("aws.bedrock", "aws"),
        ("azure_openai", "azure"),
        ("azure.ai.openai", "azure"),
        ("xai", "x-ai"),
        ("x_ai", "x-ai"),
        ("mistral_ai", "mistral"),
        ("openai_compatible", None),
        ("anthropic", "anthropic"),
    ],
)
def test_providers_have_one_name(provider, ours):
    assert canonical(provider) == ours


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        (None, "openai/gpt-4o", "openai/gpt-4o-2024-08-06"),  # what the name has meant since 2024-10-02
        ("openai", "gpt-4o-20240806", "openai/gpt-4o-2024-08-06"),
        ("azure", "gpt-4o-2024-08-06", "openai/gpt-4o-2024-08-06"),
        (None, "azure/gpt-35-turbo-0125", "azure/gpt-35-turbo-0125"),
        (None, "gpt-35-turbo-0125", "azure/gpt-35-turbo-0125"),  # nobody else has this name
        (None, "anthropic/claude-opus-4-5", "anthropic/claude-opus-4-5-20251101"),
        ("anthropic", "claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4-5-20250929"),
        (None, "vertex_ai/claude-sonnet-4@20250514", "anthropic/claude-sonnet-4-20250514"),
        (None, "bedrock/us.anthropic.claude-v2:1", "aws/anthropic.claude-v2:1"),
        (None, "anthropic.claude-v2:1", "aws/anthropic.claude-v2:1"),
        (None, "bedrock/global.amazon.nova-2-lite-v1:0", "aws/global.amazon.nova-2-lite-v1:0"),
        (None, "bedrock/us.amazon.nova-2-lite-v1:0", "aws/regional.amazon.nova-2-lite-v1:0"),
        (None, "xai/grok-4", "x-ai/grok-4-0709"),
        (None, "mistral/mistral-large-latest", "mistral/mistral-large-2512"),
        (
            None,
            "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
            "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
        ),
        ("together", "together/tev1-4b-experimental", "together/together/Tev1-4B-experimental"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "openai/ft:gpt-4o-mini"),
        ("fireworks_ai", "fireworks_ai/accounts/fireworks/models/kimi-k3", "fireworks/kimi-k3"),
        (None, "openrouter/anthropic/claude-3.7-sonnet", "openrouter/anthropic/claude-3.7-sonnet"),
        (None, "perplexity/sonar", "perplexity/sonar"),
    ],
)
def test_a_spelling_leads_to_its_model(provider, model, expected):
    assert found(model, provider) == expected


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-superfast"),
        ("openai", "gpt-5-mini-plus"),
        ("openai", "o3x"),
        ("openai", "gpt-9"),
        ("anthropic", "claude-opus-4-99"),
        ("anthropic", "claude-opus-45"),
        (None, "claude-opus-4-5-turbo"),
        ("google", "gemini-2.5-pro-ultra"),
        ("gemini", "gemini-1.5-flashy"),
        ("mistral", "mistral-large-2499"),
        ("x-ai", "grok-4-heavy-x"),
        ("openrouter", "openai/gpt-4o:nitro"),
        ("azure", "my-deployment"),
        ("aws", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0"),  # GovCloud charges a fifth more
        (None, "mine/gpt-4o"),
        (None, ""),
        (None, "openai/"),
        (None, "/"),
    ],
)
def test_what_only_begins_like_a_known_model_is_none(provider, model):
    assert found(model, provider) is None


def test_every_model_of_the_list_that_has_one_exact_name_is_found_by_it():
    from genai_prices.data import providers

    book = PriceBook.load()
    exact = [
        (provider.id, model.match.equals)
        for provider in providers
        for model in provider.models
        if hasattr(model.match, "equals")
    ]
    assert len(exact) > 500
    assert [each for each in exact if not book.cards(each[1], provider=each[0])] == []


def test_what_may_follow_a_name_is_taken_off_and_nothing_else():
    assert bare("claude-sonnet-4-5-20250929") == "claude-sonnet-4-5"
    assert bare("claude-sonnet-4-5@20250929") == "claude-sonnet-4-5"
    assert bare("anthropic.claude-sonnet-4-5-20250929-v1:0") == "anthropic.claude-sonnet-4-5"
    assert bare("gpt-4o-2024-08-06") == "gpt-4o"
    assert bare("gpt-4o-2024-13-06") == "gpt-4o-2024-13-06"  # no such month
    assert bare("mistral-large-2411") == "mistral-large-2411"
    assert with_dashes("o3-20250416") == "o3-2025-04-16"
    assert with_dashes("o3-20259916") == "o3-20259916"
    assert without_region("eu.amazon.nova-pro-v1:0") == "amazon.nova-pro-v1:0"
    assert without_region("global.amazon.nova-pro-v1:0") == "global.amazon.nova-pro-v1:0"
