"""What litellm says of each golden row. Run by its own interpreter, in an environment that has litellm.

Rows come in as JSON on standard input, and go out as JSON: an amount, or why there is none. Each call is
given as litellm itself would know it: the provider in its spelling, every count in its own field, the tier.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # the list in the package, not today's from the network

import litellm
from litellm.types.utils import ModelResponse, Usage

logging.disable(logging.CRITICAL)
litellm.suppress_debug_info = True

PROVIDERS = {"x-ai": "xai", "aws": "bedrock", "google": "gemini"}


def spelled(provider, model):
    """As a program that uses litellm names the model: with its provider before it."""
    prefix = PROVIDERS.get(provider, provider)
    return model if not provider or model.startswith(f"{prefix}/") else f"{prefix}/{model}"


def usage_of(row):
    counts = json.loads(row["usage"])
    written = {
        "ephemeral_5m_input_tokens": counts.get("cache_creation_5m_input_tokens"),
        "ephemeral_1h_input_tokens": counts.get("cache_creation_1h_input_tokens"),
    }
    searches = counts.get("web_search_requests")
    of_input = {
        "cached_tokens": counts.get("cache_read_input_tokens"),
        "audio_tokens": counts.get("input_audio_tokens"),
        "web_search_requests": searches,
        "cache_creation_token_details": written if any(written.values()) else None,
    }
    of_output = {
        "reasoning_tokens": counts.get("reasoning_output_tokens"),
        "audio_tokens": counts.get("output_audio_tokens"),
    }
    # Anthropic names its fast mode in the usage; every other tier is named apart.
    mode = {"speed": "fast"} if row["service_tier"] == "fast" and "claude" in row["model"] else {}
    return Usage(
        prompt_tokens=counts["input_tokens"],
        completion_tokens=counts["output_tokens"],
        total_tokens=counts["input_tokens"] + counts["output_tokens"],
        prompt_tokens_details={name: count for name, count in of_input.items() if count is not None},
        completion_tokens_details={name: count for name, count in of_output.items() if count is not None},
        cache_creation_input_tokens=counts.get("cache_creation_input_tokens"),
        cache_read_input_tokens=counts.get("cache_read_input_tokens"),
        server_tool_use={"web_search_requests": searches} if searches else None,
        **mode,
    )


def cost_of(row):
    model, usage = spelled(row["provider"], row["model"]), usage_of(row)
    if row["service_tier"] == "batch":  # its own function for batches
        return sum(litellm.cost_per_token(model=model, usage_object=usage, call_type="aretrieve_batch"))
    response = ModelResponse(model=model, usage=usage)
    return litellm.completion_cost(response, model=model, service_tier=row["service_tier"] or None)


def answer(row):
    try:
        return {"amount": repr(cost_of(row))}
    except Exception as error:  # noqa: BLE001  # whatever it is, litellm gave no price
        return {"refused": type(error).__name__}


# It prices by the hour at which it is asked, where a model has off-peak hours.
asked = f"litellm {version('litellm')}, asked on {datetime.now(UTC):%A %Y-%m-%d at %H:%M} UTC"
json.dump({"asked": asked, "answers": list(map(answer, json.load(sys.stdin)))}, sys.stdout)
