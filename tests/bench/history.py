"""A year of a firm's calls, made up: the same for the same seed, in pieces, as the ledger's tables are."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from bench import chances
from bench.columns import named, table
from bench.costs import Costs
from bench.firm import AGENTS, CREWS, EMBEDDINGS, MODELS, TASKS
from bench.runs import Runs, made_runs, run_columns
from bench.texts import raw_usages, response_ids
from bench.usage import ERRORS, Columns, counts_of, durations_of, outcomes_of, since_start

from tracking.domain.usage import COUNTS
from tracking.ledger.schema import calls as calls_table
from tracking.ledger.schema import runs as runs_table
from tracking.pricing.bulk import STATES

VERSION = 1  # raise it with whatever changes what is made
_PIECE = 250_000  # calls, about

_EMBEDDINGS = next(number for number, model in enumerate(MODELS) if model.name == EMBEDDINGS)
_CHEAPEST = 0
# What crews ask for: mostly their agents' own chats.
_PURPOSES = ("chat", "tool_calling", "planning", "memory", "retry", "manager")
_PURPOSE_CHANCES = (0.9, 0.03, 0.012, 0.035, 0.013, 0.01)
_WITHOUT_AGENT = {"planning", "manager"}
_NO_USAGE = '["the provider reported no usage"]'
_ESTIMATED = '["the answer was cut off: its counts are estimated"]'


@dataclass(frozen=True)
class Piece:
    """Some runs with their calls, in the order in which they were made, and receipts not seen before."""

    calls: pa.Table
    runs: pa.Table
    receipts: pa.Table


def made_history(calls: int, seed: int = 5) -> Iterator[Piece]:
    """So many calls of the year that ends at `END`, with their runs."""
    runs, costs, position, told = made_runs(calls, seed), Costs(), 1, 0
    ends = np.searchsorted(np.cumsum(runs.size), np.arange(_PIECE, calls + _PIECE, _PIECE)) + 1
    bounds = np.unique(np.minimum(ends, len(runs))).tolist()
    for number, (first, end) in enumerate(pairwise([0, *bounds])):
        some = runs.part(first, end)
        columns = _calls(np.random.default_rng((seed, number)), some, costs)
        columns["position"] = np.arange(position, position + len(columns["run_id"]))
        position += len(columns["run_id"])
        new = dict(list(costs.receipts.items())[told:])
        told = len(costs.receipts)
        yield Piece(
            table(calls_table, columns),
            table(runs_table, run_columns(some, columns)),
            pa.table(
                {
                    "receipt_id": pa.array(list(new), pa.int64()),
                    "receipt": pa.array(list(new.values()), pa.string()),
                }
            ),
        )


def _calls(random: np.random.Generator, runs: Runs, costs: Costs) -> dict:
    run = np.repeat(np.arange(len(runs)), runs.size)
    first = np.repeat(np.cumsum(runs.size) - runs.size, runs.size)
    step = np.arange(len(run)) - first  # the call's place in its run
    purpose = random.choice(len(_PURPOSES), len(run), p=_PURPOSE_CHANCES)
    model = np.where(random.random(len(run)) < 0.1, _CHEAPEST, runs.model[run])
    model[purpose == _PURPOSES.index("memory")] = _EMBEDDINGS
    counts = counts_of(random, model, step / runs.size[run])
    outcome = outcomes_of(random, model, counts)
    duration = durations_of(random, model, counts)
    started_at = runs.started_at[run] + since_start(random, duration, first)
    order = np.argsort(started_at, kind="stable")
    run, step, purpose, model, started_at, duration = (
        each[order] for each in (run, step, purpose, model, started_at, duration)
    )
    counts = {name: column[order] for name, column in counts.items()}
    outcome = {name: column[order] for name, column in outcome.items()}
    shown = {name: np.where(outcome["unknown"], np.nan, column) for name, column in counts.items()}
    columns = _names(runs, run, step, purpose, model, outcome)
    columns |= {name: pa.array(column, pa.float64(), from_pandas=True) for name, column in shown.items()}
    columns |= {"started_at": started_at, "duration": duration}
    columns |= _states(outcome)
    columns |= _costs(costs, columns, started_at, shown, outcome)
    columns["call_id"] = [
        f"{time:016x}{tail}"
        for time, tail in zip(started_at.tolist(), chances.hexadecimal(random, len(run), 20), strict=True)
    ]
    columns["response_id"] = response_ids(random, model, outcome["refused"])
    columns["raw_usage"] = raw_usages(model, shown, outcome["estimated"])
    return columns


def _names(
    runs: Runs, run: np.ndarray, step: np.ndarray, purpose: np.ndarray, model: np.ndarray, outcome: Columns
) -> dict:
    longest = max(len(crew.agents) for crew in CREWS)
    agents = np.array([crew.agents + (0,) * (longest - len(crew.agents)) for crew in CREWS])
    tasks = np.array([crew.tasks + (0,) * (longest - len(crew.tasks)) for crew in CREWS])
    crew = runs.crew[run]
    turn = step * np.array([len(each.agents) for each in CREWS])[crew] // runs.size[run]
    nobody = np.isin(purpose, [_PURPOSES.index(name) for name in _WITHOUT_AGENT])
    answered = ~outcome["refused"]
    return {
        "run_id": named(runs.ids(), run),
        "provider_name": named([m.provider for m in MODELS], model),
        "request_model": named([m.name for m in MODELS], model),
        "response_model": named([m.answers_as for m in MODELS], model, answered),
        "operation_name": named(["embeddings" if m.name == EMBEDDINGS else "chat" for m in MODELS], model),
        "purpose": named(_PURPOSES, purpose),
        "agent_name": named(AGENTS, agents[crew, turn], ~nobody),
        "task_name": named(TASKS, tasks[crew, turn], ~nobody),
        "workflow_name": named([crew.name for crew in CREWS], crew),
        "service_tier": named([m.tier for m in MODELS], model, answered),
    }


def _states(outcome: Columns) -> dict:
    error, unknown = outcome["error"], outcome["unknown"]
    usage = np.where(unknown, 2, np.where(outcome["estimated"], 1, 0))
    note = np.where(outcome["estimated"], 1, 0)
    return {
        "usage_state": named(("reported", "estimated", "unknown"), usage),
        "status": named(
            ("ok", "error", "incomplete"), np.where(error, 1, np.where(outcome["incomplete"], 2, 0))
        ),
        "error_type": named(ERRORS, outcome["kind"], error),
        "notes": named((_NO_USAGE, _ESTIMATED), note, (unknown & ~outcome["refused"]) | outcome["estimated"]),
        "sources": named(("http,event", "http"), np.where(error, 1, 0)),
        "billed": np.where(error & unknown, 0, 1),
    }


def _costs(costs: Costs, columns: dict, started_at: np.ndarray, counts: Columns, outcome: Columns) -> dict:
    billed_as = pa.compute.coalesce(
        columns["response_model"].cast(pa.string()), columns["request_model"].cast(pa.string())
    )
    nano, state, receipt = costs.price(
        columns["provider_name"].to_numpy(zero_copy_only=False),
        billed_as.to_numpy(zero_copy_only=False),
        columns["service_tier"].to_numpy(zero_copy_only=False),
        started_at,
        {name: counts[name] for name in COUNTS if not np.isnan(counts[name]).all() or name == "input_tokens"},
    )
    known, estimated = (STATES.index(each) for each in ("known", "estimated"))
    state = np.where(outcome["estimated"] & (state == known), estimated, state)
    return {
        "cost_nano_usd": pa.array(nano, mask=state == STATES.index("unpriced")),
        "cost_state": named([str(each) for each in STATES], state),
        "receipt_id": receipt,
    }
