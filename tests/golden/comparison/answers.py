"""Asking the three: our book, genai-prices as its documentation calls it, and litellm."""

import json
import subprocess
import sys
import venv
from decimal import Decimal
from pathlib import Path

from genai_prices import Usage, calc_price
from golden.comparison.rows import Answer, Row

from tracking import PriceBook
from tracking.pricing.names import canonical, reference

ROOT = Path(__file__).resolve().parents[3]
LITELLM = "litellm==1.106.2"
_GENAI = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
    "cache_creation_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation_1h_input_tokens": "cache_write_1h_tokens",
    "reasoning_output_tokens": "output_reasoning_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "web_search_requests": "web_searches",
}
_TIER_KEYS = ("service_tier", "processing", "speed")  # what its variants are selected by
_BOOK = PriceBook.load()


def ours(row: Row) -> Answer:
    return Answer(
        _BOOK.price(row.model, row.usage, provider=row.provider, at=row.at, service_tier=row.tier).amount
    )


def genai(row: Row) -> Answer:
    """With the model as it is spelled, the provider where it is known, the time."""
    return _genai(row, row.provider, row.model, None)


def genai_helped(row: Row) -> Answer:
    """With the name taken apart and the tier passed by hand as well."""
    wanted = reference(row.provider, row.model)
    context = dict.fromkeys(_TIER_KEYS, row.tier) if row.tier else None
    return _genai(row, wanted.provider and canonical(wanted.provider), wanted.model, context)


def _genai(row: Row, provider: str | None, model: str, context: dict[str, str] | None) -> Answer:
    usage = Usage(**{_GENAI[name]: count for name, count in row.usage.counts().items()})
    try:
        found = calc_price(
            usage, model, provider_id=provider, genai_request_timestamp=row.at, price_context=context
        )
    except (LookupError, ValueError):
        return Answer(None)
    return Answer(found.total_price)


def ask_litellm(rows: list[Row]) -> tuple[str, dict[tuple[str, ...], Answer]]:
    """Which one was asked and when, and its answers, from an environment made for it when it is not there."""
    asked = json.dumps([row.stated for row in rows])
    script = Path(__file__).with_name("ask_litellm.py")
    done = subprocess.run([_python(), script], input=asked, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    answers = [Answer(Decimal(each["amount"]) if "amount" in each else None) for each in said["answers"]]
    return said["asked"], {row.key: answer for row, answer in zip(rows, answers, strict=True)}


def _python() -> Path:
    home = ROOT / ".dashboard" / "compat" / LITELLM.replace("==", "-")
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (home / "complete").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", LITELLM], check=True)
        (home / "complete").touch()
    return python
