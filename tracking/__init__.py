"""Exact usage and cost of LLM crews: `with track("nightly") as tracker: crew.kickoff()`.

The names below are loaded when they are first used: the launcher imports this package before any of its
dependencies is installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracking.budgets.manager import TokenBudgetManager
    from tracking.capture.payloads import normalize_usage
    from tracking.capture.tracker import Tracker
    from tracking.domain.budget import Budget
    from tracking.domain.call import LlmCall
    from tracking.domain.cost import Cost
    from tracking.domain.reading import TokenMetrics
    from tracking.domain.usage import TokenUsage
    from tracking.errors import BudgetExceeded
    from tracking.ledger.ledger import Ledger
    from tracking.pricing.book import PriceBook
    from tracking.session import parse_token_metrics, track

__all__ = [
    "Budget",
    "BudgetExceeded",
    "Cost",
    "Ledger",
    "LlmCall",
    "PriceBook",
    "TokenBudgetManager",
    "TokenMetrics",
    "TokenUsage",
    "Tracker",
    "normalize_usage",
    "parse_token_metrics",
    "track",
]

_HOMES = {
    "Budget": "domain.budget",
    "BudgetExceeded": "errors",
    "Cost": "domain.cost",
    "Ledger": "ledger.ledger",
    "LlmCall": "domain.call",
    "PriceBook": "pricing.book",
    "TokenBudgetManager": "budgets.manager",
    "TokenMetrics": "domain.reading",
    "TokenUsage": "domain.usage",
    "Tracker": "capture.tracker",
    "normalize_usage": "capture.payloads",
    "parse_token_metrics": "session",
    "track": "session",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tracking' has no attribute {name!r}")
    value = getattr(import_module(f"tracking.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
