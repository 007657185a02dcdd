"""How each field of the page is said to an agent: one short line, or nothing when it is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tracking.domain.spec import RunSpec

Said = Callable[[RunSpec, str], str]
"""Makes the line from the run's spec and the sign of the data's currency."""


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)


def _money(amount: int | None, currency: str) -> str:
    return "" if amount is None else f"{currency}{amount:,}"


def _labelled(label: str, value: Callable[[RunSpec], str]) -> Said:
    def line(spec: RunSpec, _: str) -> str:
        text = value(spec)
        return f"{label}: {text}" if text else ""

    return line


def _expected_revenue(spec: RunSpec, currency: str) -> str:
    amount = _money(spec.market.expected_revenue, currency)
    return f"Expected revenue: {amount}" if amount else ""


INPUTS: Final[Mapping[str, Said]] = {
    "target_audience": _labelled("Target audience", lambda s: s.campaign.target_audience),
    "campaign_type": _labelled("Campaign type", lambda s: s.campaign.campaign_type),
    "campaign_budget": _labelled("Campaign budget", lambda s: _money(s.campaign.budget_usd, "$")),
    "campaign_duration": _labelled(
        "Campaign duration",
        lambda s: f"{s.campaign.duration_weeks} weeks" if s.campaign.duration_weeks is not None else "",
    ),
    "campaign_goals": _labelled("Campaign goals", lambda s: _listed(s.campaign.goals)),
    "analysis_focus": _labelled("Focus", lambda s: s.market.analysis_focus),
    "business_objective": _labelled("Objective", lambda s: s.market.business_objective),
    "competitive_landscape": _labelled("Competition", lambda s: s.market.competitive_landscape),
    "regions": _labelled("Markets", lambda s: _listed(s.market.regions)),
    "categories": _labelled("Categories", lambda s: _listed(s.market.categories)),
    "brands": _labelled("Brands", lambda s: _listed(s.market.brands)),
    "key_metrics": _labelled("Key metrics", lambda s: _listed(s.market.key_metrics)),
    "forecast_periods": _labelled("Forecast horizon", lambda s: f"{s.market.forecast_periods} months"),
    "expected_revenue": _expected_revenue,
    "competitive_analysis": lambda s, _: "Compare with competitors." if s.market.competitive_analysis else "",
    "market_share_analysis": lambda s, _: (
        "Say how the market is shared." if s.market.market_share_analysis else ""
    ),
    "brand_awareness": _labelled(
        "Brand awareness", lambda s: f"{s.brand.awareness} %" if s.brand.awareness is not None else ""
    ),
    "sentiment": _labelled(
        "Sentiment (-1 to 1)", lambda s: f"{s.brand.sentiment:+.1f}" if s.brand.sentiment is not None else ""
    ),
    "market_position": _labelled("Market position", lambda s: s.brand.market_position),
}


def lines(spec: RunSpec, names: Iterable[str], currency: str) -> list[str]:
    """What an agent is told, in the order of `names`; empty fields are left out.

    `currency` is the sign of the data's amounts.
    """
    return [text for name in names if (text := INPUTS[name](spec, currency))]
