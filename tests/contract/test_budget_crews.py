"""Random crews, in several processes at once, under budgets they share: no limit is passed, no call refused
for nothing, and nothing stays set aside.

`--crews-of-load 200 --log-cli-level info` for the full load, in up to eight processes.
"""

import contextlib
import functools
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from meter import MeterServer, Reply

from tracking import Budget, Ledger, PriceBook, TokenBudgetManager, TokenUsage
from tracking.capture.bounds import bounds
from tracking.domain.budget import Per, Unit
from tracking.ledger.schema import reservations

logger = logging.getLogger(__name__)

MODELS = ("gpt-4o-mini", "gpt-4.1-nano", "gpt-4o")
PROGRAM = Path(__file__).parents[1] / "spender.py"
FEW = 8  # crews where it is not the load


class Provider:
    """Counts as its clients do; answers at length, briefly, late, or not at all."""

    def __init__(self):
        self._chance = random.Random(7)

    def __call__(self, request):
        if self._chance.random() < 0.08:
            return Reply(status=self._chance.choice([429, 500]))
        most = request.body.get("max_tokens") or request.body.get("max_completion_tokens")
        return Reply(
            input_tokens=bounds(json.dumps(request.body).encode(), "chat").input_tokens,
            output_tokens=self._chance.randint(1, most),
            delay_seconds=self._chance.choice([0, 0, 0.02, 0.1]),
        )


class Spender:
    """A process that carries out one crew after the other."""

    def __init__(self, meter):
        variables = {
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": f"{meter.url}/v1",
            "PYTHONPATH": str(PROGRAM.parents[1]),
        }
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | variables,
        )

    def read(self):
        """What it says next; None: it has died."""
        line = self.process.stdout.readline()
        return None if not line else line.strip() if line == "ready\n" else json.loads(line)

    def begin(self, plan):
        self.process.stdin.write(json.dumps(plan) + "\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Pool:
    def __init__(self, meter, size):
        self.meter = meter
        self.spenders = [Spender(meter) for _ in range(size)]
        assert [each.read() for each in self.spenders] == ["ready"] * size

    def carry_out(self, plans, kill_after):
        """Give each plan a process; end one in the midst of it. What each said."""
        used = self.spenders[: len(plans)]
        for spender, plan in zip(used, plans, strict=True):
            spender.begin(plan)
        if kill_after is not None:
            time.sleep(kill_after)
            used[0].kill()
            self.spenders[0] = Spender(self.meter)
        said = [None if kill_after is not None and n == 0 else each.read() for n, each in enumerate(used)]
        if kill_after is not None:
            assert self.spenders[0].read() == "ready"
        return said

    def close(self):
        for spender in self.spenders:
            spender.kill()


LLMS = st.fixed_dictionaries(
    {"model": st.sampled_from(MODELS), "max_tokens": st.integers(20, 400), "stream": st.booleans()}
)
CREWS = st.fixed_dictionaries(
    {
        "agents": st.lists(LLMS, min_size=1, max_size=3),
        "tasks": st.lists(st.integers(1, 60), min_size=1, max_size=4),
        "asynchronous": st.booleans(),
    }
)
LIMITS = st.one_of(
    st.sampled_from([40, 150, 400, 1_000, 3_000, 9_000, 30_000]).map(
        lambda n: {"usd": f"{n / 1_000_000:.6f}"}
    ),
    st.sampled_from([100, 400, 900, 2_000, 5_000, 12_000, 40_000]).map(lambda n: {"tokens": n}),
    st.sampled_from([1, 2, 4, 8, 16, 40]).map(lambda n: {"calls": n}),
)
BUDGETS = st.lists(
    st.tuples(
        LIMITS, st.sampled_from(["all", "day", "run"]), st.sampled_from([None, "gpt-4o*", "gpt-4.1-nano"])
    ),
    min_size=1,
    max_size=3,
).map(
    lambda found: [
        {"name": f"budget {number}", "per": per, "model": model, **limit}
        for number, (limit, per, model) in enumerate(found)
    ]
)


@pytest.fixture(scope="module")
def meter():
    with MeterServer(Provider()) as server:
        yield server


@pytest.fixture(scope="module")
def size(request):
    """How many processes."""
    return 8 if request.config.getoption("--crews-of-load") > FEW else 3


@pytest.fixture
def load(request):
    """How many crews."""
    return request.config.getoption("--crews-of-load")


@pytest.fixture(scope="module")
def pool(meter, size):
    opened = Pool(meter, size)
    yield opened
    opened.close()


def used_under(budget, calls, book):
    """What the provider itself says was used under a budget: of its requests, or of the ledger's calls."""
    counted = [(model, usage) for model, usage in calls if budget.covers_call("openai", (model,), None)]
    now = datetime.now(UTC)
    return {
        Unit.NANO_USD: sum(book.price(m, u, provider="openai", at=now).nano_usd for m, u in counted),
        Unit.TOKENS: sum(u.total_tokens for _, u in counted),
        Unit.CALLS: len(counted),
    }


@contextlib.contextmanager
def new_file(folders):
    yield f"sqlite:///{folders.mktemp('shared') / 'ledger.sqlite'}"


def of_meter(requests):
    counts = [(r.model, r.usage.input_tokens, r.usage.output_tokens) for r in requests]
    return [(model, TokenUsage(input_tokens=read, output_tokens=wrote)) for model, read, wrote in counts]


def is_within(budget, used):
    return all(used[unit] <= limit for unit, limit in budget.limits.items())


def check(ledger, shared, own, requests, book, *, killed):
    """Every limit was kept, what was booked is what the provider says, and nothing is set aside."""
    with TokenBudgetManager(shared, ledger=ledger) as manager:
        for standing in manager.status():
            used = used_under(standing.budget, of_meter(requests), book)
            assert is_within(standing.budget, used), (standing, used)
            assert (standing.reserved.nano_usd, standing.reserved.tokens, standing.reserved.calls) == (
                0,
                0,
                0,
            )
            booked = {unit: standing.spent.of(unit) for unit in Unit}
            if killed:  # a call of whose end nobody knows is taken to have used all it could
                assert all(booked[unit] >= used[unit] for unit in Unit), (standing, used)
            else:
                assert booked == used
    for run in ledger.runs():
        calls = [(call.request_model, call.usage) for call in ledger.calls(run_id=run.run_id) if call.usage]
        assert all(is_within(budget, used_under(budget, calls, book)) for budget in own)
    with ledger.engine.connect() as connection:
        assert connection.execute(reservations.select()).all() == []


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_no_random_crews_pass_a_budget_that_they_share(engine, load, meter, pool, size, request):
    if engine == "postgresql":
        new_ledger = request.getfixturevalue("new_database")
    else:
        new_ledger = functools.partial(new_file, request.getfixturevalue("tmp_path_factory"))
    book, seen = PriceBook.load(), {"crews": 0, "calls": 0, "refused": 0, "killed": 0}

    @settings(
        max_examples=max(4, load * 2 // size),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        crews=st.integers(1, size).flatmap(lambda n: st.lists(CREWS, min_size=n, max_size=n)),
        budgets=BUDGETS,
        kill_after=st.one_of(st.none(), st.none(), st.none(), st.floats(0.05, 0.5)),
    )
    def no_limit_is_passed(crews, budgets, kill_after):
        with new_ledger() as url:
            spend_in(url, crews, budgets, kill_after)

    def spend_in(url, crews, budgets, kill_after):
        before = len(meter.billed)
        said = pool.carry_out([{**crew, "ledger": url, "budgets": budgets} for crew in crews], kill_after)
        meter_says = meter.billed[before:]
        made = [Budget(**each) for each in budgets]
        shared, own = ([b for b in made if (b.per is Per.RUN) is of_run] for of_run in (False, True))
        for each in filter(None, said):
            assert each["errors"] == []
            if (refused := each["refusal"]) is not None:
                assert refused["spent"] + refused["asked"] > refused["limit"], each
        with Ledger.open(url) as ledger:
            check(ledger, shared, own, meter_says, book, killed=kill_after is not None)
        seen["crews"] += len(crews)
        seen["calls"] += len(meter_says)
        seen["refused"] += sum(each is not None and each["refusal"] is not None for each in said)
        seen["killed"] += kill_after is not None
        logger.info("%s", seen)

    no_limit_is_passed()
    assert seen["refused"] > 0
