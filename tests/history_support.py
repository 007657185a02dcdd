"""Some weeks of calls, for pages that add them up."""

import random
from datetime import UTC, datetime, timedelta

from run_support import RATES, call, keep, refused, run

from tracking.domain.cost import Cost, CostState
from tracking.domain.usage import TokenUsage, UsageState
from tracking.ledger.ledger import Ledger
from tracking.settings import Settings

MODELS = (
    ("openai", "gpt-4o-mini", 150, 600),
    ("openai", "gpt-4o", 2_500, 10_000),
    ("anthropic", "claude-sonnet-4-5", 3_000, 15_000),
    ("anthropic", "claude-haiku-4-5", 1_000, 5_000),
    ("gemini", "gemini-2.5-flash", 300, 2_500),
    ("gemini", "gemini-2.5-pro", 1_250, 10_000),
    ("deepseek", "deepseek-chat", 270, 1_100),
    ("mistral", "mistral-large-latest", 2_000, 6_000),
    ("openai", "o4-mini", 1_100, 4_400),
)
CREW = (
    ("Market Research Analyst", "market_research"),
    ("Data Analyst", "data_analysis"),
    ("Data Analyst", "forecast_sales"),
    ("Report Writer", "report"),
    ("Brand Strategist", "brand_strategy"),
)


def calls_of_weeks(count, *, days=75, seed=5, until=None):
    """Priced calls of many models and agents in runs of six, more of late; a few of them refused."""
    chance, end = random.Random(seed), until or datetime.now(UTC)
    first = end - timedelta(days=days)
    for number in range(count):
        run_id = f"run{number // 6}"
        began = first + (end - first) * (0.02 + 0.97 * ((number // 6 * 6) / count) ** 0.8)
        at = began + timedelta(seconds=25 * (number % 6) + chance.random())
        provider, model, rate_in, rate_out = MODELS[int(len(MODELS) * chance.random() ** 1.6)]
        agent, task = CREW[number % len(CREW)]
        given = {"run_id": run_id, "started_at": at, "provider_name": provider, "request_model": model}
        if chance.random() < 0.02:
            yield refused(number, agent=agent, task=task, **given)
            continue
        asked, said = chance.randrange(400, 24_000), chance.randrange(50, 1_800)
        usage = TokenUsage(
            input_tokens=asked,
            output_tokens=said,
            cache_read_input_tokens=chance.choice([0, 0, asked // 2]),
        )
        yield call(
            number,
            agent,
            task,
            **given,
            usage=usage,
            usage_state=UsageState.REPORTED,
            duration=chance.lognormvariate(1, 0.8),
            cost=Cost(asked * rate_in + said * rate_out, CostState.KNOWN, RATES),
        )


def keep_weeks(count, *, runs=True, **changes):
    """Write them, and their runs, where the dashboard of this test looks."""
    calls = list(calls_of_weeks(count, **changes))
    began = {}
    for each in calls:
        began.setdefault(each.run_id, each.started_at)
    if runs:
        for number, (run_id, at) in enumerate(began.items()):
            keep(
                run(
                    run_id=run_id,
                    name=("Autumn launch", "Brand check", "Cola in Bavaria")[number % 3],
                    created_at=at,
                    started_at=at,
                    heartbeat_at=at + timedelta(minutes=3),
                    finished_at=at + timedelta(minutes=3),
                )
            )
    with Ledger.open(Settings().ledger_url) as ledger:
        ledger.append_all(calls)
        ledger.catch_up()
    return calls
