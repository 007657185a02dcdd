"""The runs of the made history."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, repeat

import numpy as np
from bench import chances
from bench.columns import named
from bench.firm import AGENTS, CREWS, MODELS

from tracking.ledger.rows import searched

DAYS = 365
END = datetime(2026, 11, 22, tzinfo=UTC)
FIRST = END - timedelta(days=DAYS)
CALLS_A_RUN = 40


@dataclass(frozen=True)
class Runs:
    """Every run of the year, in the order of time; all are numbers."""

    started_at: np.ndarray
    size: np.ndarray
    crew: np.ndarray
    model: np.ndarray
    key: np.ndarray  # what its id is made of

    def __len__(self) -> int:
        return len(self.size)

    def part(self, first: int, end: int) -> "Runs":
        return Runs(
            *(each[first:end] for each in (self.started_at, self.size, self.crew, self.model, self.key))
        )

    def ids(self) -> list[str]:
        times = (self.started_at // 1_000).tolist()
        return [f"{time:012x}{key:016x}" for time, key in zip(times, self.key.tolist(), strict=True)]


def made_runs(calls: int, seed: int) -> Runs:
    random = np.random.default_rng(seed)
    size = chances.run_sizes(random, calls, CALLS_A_RUN)
    started_at = chances.run_starts(random, len(size), FIRST, DAYS)
    crew = random.choice(len(CREWS), len(size), p=chances.zipf(len(CREWS)))
    return Runs(started_at, size, crew, _models(random, started_at), random.integers(0, 2**63, len(size)))


def _models(random: np.random.Generator, started_at: np.ndarray) -> np.ndarray:
    """Each run's model: among those that there were at its time."""
    found = np.zeros(len(started_at), np.int64)
    since = [0 if model.since is None else chances.micros(model.since) for model in MODELS]
    begun = sorted({*since, chances.micros(END) + chances.DAY})
    for first, end in pairwise(begun):
        rows = (started_at >= first) & (started_at < end)
        shares = np.array([m.share if s <= first else 0 for m, s in zip(MODELS, since, strict=True)])
        found[rows] = random.choice(len(MODELS), int(rows.sum()), p=shares / shares.sum())
    return found


def run_columns(runs: Runs, calls: dict) -> dict:
    """Runs that ended with their last call; one in twenty failed, some were stopped."""
    ids = runs.ids()
    ended = np.zeros(len(runs), np.int64)
    np.maximum.at(ended, np.asarray(calls["run_id"].indices), calls["started_at"] + calls["duration"])
    lot = runs.key % 100
    names = [CREWS[number].name for number in runs.crew.tolist()]
    specs = [
        {"preset": "custom", "agents": [AGENTS[a] for a in CREWS[crew].agents], "model": MODELS[model].name}
        for crew, model in zip(runs.crew.tolist(), runs.model.tolist(), strict=True)
    ]
    return {
        "run_id": ids,
        "name": names,
        "preset": ["custom"] * len(runs),
        "state": named(("completed", "failed", "stopped"), np.where(lot < 5, 1, np.where(lot < 7, 2, 0))),
        "created_at": runs.started_at - 2 * chances.SECOND,
        "started_at": runs.started_at,
        "finished_at": ended,
        "heartbeat_at": ended,
        "spec": list(map(json.dumps, specs)),
        "searched": [searched(*each) for each in zip(ids, repeat("custom"), names, specs, strict=False)],
        "evidence": ['{"tracking": true}'] * len(runs),
    }
