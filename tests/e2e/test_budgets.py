"""A budget in the browser: a run hits it, says why, is let go on, and finishes."""

import logging
import os
import re
import signal
import time
from datetime import UTC, datetime

import pytest
from browser import free_port, keep_screenshots_of, settled, streamlit
from meter import MeterServer, Reply

from tracking import Budget, Ledger
from tracking.budgets.book import BudgetBook
from tracking.domain.budget import Amounts, Per
from tracking.domain.run import RunState
from tracking.ledger.accounts import Accounts
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

logger = logging.getLogger(__name__)


class Provider:
    """Answers after a second; knows when it last did."""

    def __init__(self):
        self.answered = []

    def __call__(self, _):
        time.sleep(1)
        self.answered.append(time.monotonic())
        return Reply(text="Sales grow. Stock up in June.", input_tokens=300, output_tokens=100)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def dashboard(provider, monkeypatch, tmp_path):
    with MeterServer(provider) as meter, Ledger.open(Settings().ledger_url) as ledger:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
        with streamlit(tmp_path / "dashboard.log", free_port()) as (url, _):
            yield url, meter, ledger
        for worker in WorkerList(ledger).living():
            os.killpg(worker.pid, signal.SIGKILL)


def test_a_run_that_hits_its_budget_says_so_is_let_go_on_and_finishes(dashboard, page, provider):
    url, meter, ledger = dashboard
    page.goto(url)
    page.get_by_text("Worker: warm").wait_for()
    # gpt-4o-mini: a call takes 300 × $0.15 and 100 × $0.60 per million, $0.000105; at most it may take more.
    cost = page.get_by_role("spinbutton", name="Cost budget (US dollars)")
    cost.fill("0.0003")
    cost.press("Enter")
    settled(page)
    page.get_by_role("tab", name="Execute Analysis").click()
    page.get_by_role("button", name="Run analysis").click()
    page.get_by_text(re.compile("Budget 'this run'.*0.000105 of .0.0003 spent")).first.wait_for()
    seen = time.monotonic()
    logger.info("a call is on screen %.2f s after its end", seen - provider.answered[0])
    page.get_by_text("Waiting for a higher limit").wait_for()
    made = len(meter.requests)
    [waiting] = ledger.runs()
    assert waiting.state is RunState.RUNNING
    assert made < 3
    keep_screenshots_of(page, "budget-waiting")
    page.goto(f"{url}/budgets")
    page.get_by_text("1 run waits for a higher limit").wait_for()
    keep_screenshots_of(page, "budgets-waiting")
    page.goto(f"{url}/runs?run={waiting.run_id}")
    page.get_by_role("button", name="Raise and continue").click()
    page.get_by_text(re.compile(r"^Done in ")).first.wait_for()
    assert len(meter.requests) == 3
    assert ledger.run(waiting.run_id).state is RunState.COMPLETED
    page.get_by_text(re.compile("Raised by")).first.wait_for()
    keep_screenshots_of(page, "budget-raised")


def test_the_budgets_page_with_nothing_and_with_much(dashboard, page):
    url, _, ledger = dashboard
    page.goto(f"{url}/budgets")
    page.get_by_text("No budget is set").wait_for()
    keep_screenshots_of(page, "budgets-empty")
    book, accounts = BudgetBook(ledger), Accounts(ledger)
    for number, per in enumerate([Per.MONTH, Per.DAY, Per.ALL, Per.RUN]):
        budget = Budget(
            name=f"Team {number}", per=per, usd="20", calls=500, model="gpt-4o*" if number else None
        )
        book.put(budget)
        span = budget.span(datetime.now(UTC), "")
        accounts.open(budget, span)
        accounts.raise_limit(budget.key, span.name, Amounts(nano_usd=number * 10**9))
    page.reload()
    page.get_by_text("Team 3").first.wait_for()
    keep_screenshots_of(page, "budgets-many")
