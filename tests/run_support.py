"""Runs and calls as a worker leaves them in the ledger, for tests of what is shown of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tracking.dataset.briefing import FIGURES_LABEL
from tracking.domain.call import CallStatus, LlmCall, totals
from tracking.domain.cost import Cost, CostState, Receipt
from tracking.domain.reading import CrewFacts, Reading, Source
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import Run, RunState, TaskProgress
from tracking.domain.spec import RunSpec
from tracking.domain.usage import TokenUsage, UsageState
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore, TaskOutput
from tracking.ledger.runs import RunBook
from tracking.settings import Settings

BEGAN = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
RATES = Receipt(
    "openai", "gpt-4o-mini", "test list", {"input_tokens": Decimal("0.15"), "output_tokens": Decimal("0.6")}
)
CREW = (
    ("Market Research Analyst", "market_research"),
    ("Data Analyst", "data_analysis"),
    ("Report Writer", "report"),
)
SPEC = RunSpec(
    preset="comprehensive",
    agents=("market_research_analyst", "data_analyst", "report_writer"),
    model="embedded",
)
EVIDENCE = {
    "tracking": True,
    "versions": {"crewai": "1.15.30"},
    "environment": {"OPENAI_API_KEY": "set"},
    "crew_attributes": ["agents", "tasks", "usage_metrics"],
    "token_attributes": {"crew.usage_metrics": "UsageMetrics(total_tokens=1275)"},
    "tracker": {"lost": 0, "errors": [], "notes": []},
}


def call(
    number,
    agent="Data Analyst",
    task="data_analysis",
    *,
    tokens=(300, 120),
    nano=120_000,
    run_id="run",
    **changes,
):
    """A priced call with reported usage; `tokens=None` is unknown usage, `nano=None` an unknown price."""
    known = tokens is not None
    values = {
        "call_id": f"{run_id}-{number}",
        "run_id": run_id,
        "started_at": BEGAN + timedelta(seconds=1 + 12 * number),
        "duration": 9.5,
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "agent_name": agent,
        "task_name": task,
        "usage": TokenUsage(input_tokens=tokens[0], output_tokens=tokens[1]) if known else None,
        "usage_state": UsageState.REPORTED if known else UsageState.UNKNOWN,
        "cost": Cost(nano, CostState.KNOWN, RATES) if known and nano is not None else Cost.unpriced(),
        "sources": ("http", "usage_hook"),
    }
    return LlmCall(**{**values, **changes})


def three_calls(run_id="run"):
    """1,275 tokens (960 in, 315 out) for $0.00036."""
    sizes = ((280, 100), (320, 105), (360, 110))
    return [call(n, *CREW[n], tokens=size, run_id=run_id) for n, size in enumerate(sizes)]


def estimated(number, tokens=(200, 40), **changes):
    """A call whose provider reported no usage: its tokens were counted by us, and priced at that."""
    state, cost = UsageState.ESTIMATED, Cost(90_000, CostState.ESTIMATED, RATES)
    notes = ("the provider reported no usage: counted with o200k_base",)
    return call(number, tokens=tokens, usage_state=state, cost=cost, notes=notes, **changes)


def refused(number, **changes):
    return call(
        number, tokens=None, status=CallStatus.ERROR, error_type="RateLimitError", duration=0.3, **changes
    )


def crewai_says(source, total, requests=3):
    found = {Source.CREW_METRICS: "crew.usage_metrics", Source.RESULT: "result.token_usage"}[source]
    return Reading(
        source=source,
        found_in=found,
        total_tokens=total,
        input_tokens=total - 315,
        output_tokens=315,
        requests=requests,
    )


def agreeing(calls):
    return reconcile(
        [crewai_says(Source.CREW_METRICS, 1275), crewai_says(Source.RESULT, 1275)], totals(calls)
    )


def refuted(calls):
    """One LLM object for three agents: crewai counts everything three times."""
    said = Reading(
        source=Source.CREW_METRICS,
        found_in="crew.usage_metrics",
        total_tokens=3825,
        input_tokens=2880,
        output_tokens=945,
        requests=9,
    )
    return reconcile([said], totals(calls), CrewFacts(agents_sharing=3, counted_again=2550))


def run(state=RunState.COMPLETED, *, metrics=None, seconds=38, **changes):
    values = {
        "run_id": "run",
        "name": "Autumn launch",
        "preset": "comprehensive",
        "state": state,
        "created_at": BEGAN - timedelta(seconds=1),
        "started_at": BEGAN,
        "heartbeat_at": BEGAN + timedelta(seconds=seconds),
        "finished_at": BEGAN + timedelta(seconds=seconds) if state.is_final else None,
        "spec": SPEC.to_json(),
        "evidence": EVIDENCE,
        "readings": None if metrics is None else {"metrics": metrics.to_json()},
    }
    return Run(**{**values, **changes})


def tasks(*states):
    return [
        TaskProgress(
            position=n,
            task_name=task,
            agent_name=agent,
            state=state,
            started_at=None if state is RunState.QUEUED else BEGAN + timedelta(seconds=12 * n),
            finished_at=BEGAN + timedelta(seconds=12 * n + 12) if state.is_final else None,
        )
        for n, ((agent, task), state) in enumerate(zip(CREW, states, strict=False))
    ]


def outputs(count=3):
    texts = ("Demand grew.", "Profit grew by $5 to $9.", "# Decide\n\nSpend $40,000 in summer, not $20,000.")
    return [
        TaskOutput(n, task, agent, text, f"**{FIGURES_LABEL}** (sales.csv)\n\n| Revenue |\n|---|\n| $10.00 |")
        for n, ((agent, task), text) in enumerate(zip(CREW, texts, strict=True))
    ][:count]


def keep(record, calls=(), progress=(), texts=()):
    """Write a run with everything that belongs to it where the dashboard of this test looks for it."""
    here = Settings()
    with Ledger.open(here.ledger_url) as ledger:
        book = RunBook(ledger)
        book.add(record)
        if progress:
            book.set_tasks(record.run_id, progress)
        for each in calls:
            ledger.append(each)
        store = OutputStore.open(here.outputs_url)
        for text in texts:
            store.put(record.run_id, text)
        store._engine.dispose()


def kept(run_id="run"):
    """The run as the ledger has it now."""
    with Ledger.open(Settings().ledger_url) as ledger:
        return ledger.run(run_id)
