"""The Budgets page, driven through the dashboard as a person does."""

from datetime import UTC, datetime

import pytest
from run_support import keep, run
from streamlit.testing.v1 import AppTest

from tracking import Budget, Ledger
from tracking.budgets.book import BudgetBook
from tracking.domain.budget import Amounts, Unit
from tracking.domain.run import RunState
from tracking.domain.standing import Refusal
from tracking.ledger.accounts import Accounts, Share
from tracking.ledger.runs import RunBook
from tracking.settings import REPOSITORY, Settings

PAGE = "tracking/ui/pages/budgets.py"
NOW = datetime.now(UTC)
DAY = Budget(name="today", per="day", usd="10", zone="UTC")


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


@pytest.fixture
def ledger():
    with Ledger.open(Settings().ledger_url) as opened:
        yield opened


def page():
    test = AppTest.from_file(REPOSITORY / "dashboard.py", default_timeout=60).run()
    test.switch_page(PAGE)
    test.run()
    assert not test.exception
    return test


def text(test):
    kinds = (test.title, test.markdown, test.caption, test.warning, test.error, test.info)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def spend(ledger, budget, nano_usd):
    span = budget.span(NOW, "")
    amounts = Amounts(nano_usd, 1_000, 1)
    Accounts(ledger).book([Share(budget, span, amounts)], amounts)


def test_without_a_budget_it_says_so_and_what_to_do():
    test = page()
    assert test.title[0].value == "No budget is set: calls are limited by nothing"
    assert "Add one here, or write it in config/budgets.toml" in text(test)


def test_a_budget_that_is_added_is_in_force_and_can_be_removed(ledger):
    test = page()
    test.text_input(key="budgets.name").set_value("All of us")
    test.number_input(key="budgets.usd").set_value(20.0)
    test.button(key="FormSubmitter:budgets.add-Add it").click().run()
    assert BudgetBook(ledger).all() == [Budget(name="All of us", per="month", usd="20.00", zone="UTC")]
    assert test.title[0].value == "0 % of All of us is spent"
    test.button(key="gone.All of us").click().run()
    assert BudgetBook(ledger).all() == []


def test_one_that_limits_nothing_is_refused_with_its_reason(ledger):
    test = page()
    test.text_input(key="budgets.name").set_value("All of us")
    test.button(key="FormSubmitter:budgets.add-Add it").click().run()
    assert test.error[0].value.replace("\\", "") == (
        "budget 'All of us' limits nothing: give it usd, tokens or calls"
    )
    assert BudgetBook(ledger).all() == []


def test_the_title_tells_of_the_budget_that_is_spent_most(ledger):
    BudgetBook(ledger).put(DAY)
    BudgetBook(ledger).put(Budget(name="ever", per="all", calls=100))
    spend(ledger, DAY, 6_200_000_000)
    test = page()
    assert test.title[0].value == "62 % of today is spent"
    assert "Told at 50 %, 80 %, 95 %." in text(test)


def test_a_limit_is_raised_for_the_period(ledger):
    BudgetBook(ledger).put(DAY)
    test = page()
    test.number_input(key="by.today.nano_usd").set_value(2.5)
    test.button(key="do.today").click().run()
    standing = Accounts(ledger).standing(DAY, DAY.span(NOW, ""))
    assert standing.limits == {Unit.NANO_USD: 12_500_000_000}
    assert "Raised by $2.50 for this period." in text(test)


def test_a_run_that_waits_is_let_go_on_from_the_page(ledger):
    BudgetBook(ledger).put(DAY)
    spend(ledger, DAY, 9_995_000_000)
    waiting = run(RunState.RUNNING, heartbeat_at=NOW, created_at=NOW, started_at=NOW)
    keep(waiting)
    period = DAY.span(NOW, "").name
    refusal = Refusal("today", DAY.key, period, Unit.NANO_USD, 10**10, 9_995_000_000, 0, 6_000_000)
    RunBook(ledger).wait_for_budget(waiting.run_id, refusal.to_json())
    test = page()
    assert test.title[0].value == "1 run waits for a higher limit"
    told = "Budget 'today' of $10.00: $9.995 spent, $0.00 reserved."
    assert told in text(test)
    test.button(key=f"budget_raise_{waiting.run_id}").click().run()
    # ten calls like the one that waits: $0.06
    assert Accounts(ledger).standing(DAY, DAY.span(NOW, "")).raised == Amounts(nano_usd=60_000_000)


def test_a_file_that_can_not_be_used_is_said_to_stop_every_run(monkeypatch, tmp_path):
    import shutil

    config = shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    (config / "budgets.toml").write_text('[[budget]]\nname = "x"\n')
    monkeypatch.setenv("DASHBOARD_CONFIG", str(config))
    assert "budgets.toml: budget 'x' limits nothing" in text(page())
