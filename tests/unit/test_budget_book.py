import tomllib

import pytest

from tracking import Budget, Ledger
from tracking.budgets.book import BudgetBook, as_json, budget_of, in_force, read_budgets
from tracking.domain.budget import OnUnpriced, Per
from tracking.errors import ConfigError
from tracking.settings import REPOSITORY, Settings

MONTH = '[[budget]]\nname = "month"\nper = "month"\nusd = "20.00"\nzone = "Europe/Berlin"\nwarn_at = [90]\n'


@pytest.fixture
def file(tmp_path):
    return tmp_path / "budgets.toml"


def test_a_budget_is_read_as_it_was_written(file):
    file.write_text(MONTH)
    assert read_budgets(file) == [
        Budget(name="month", per=Per.MONTH, usd="20.00", zone="Europe/Berlin", warn_at=(90,))
    ]


def test_the_file_that_comes_along_limits_nothing_and_its_example_can_be_used():
    shipped = REPOSITORY / "config" / "budgets.toml"
    assert read_budgets(shipped) == []
    lines = shipped.read_text().splitlines()
    begins = next(number for number, line in enumerate(lines) if "[[budget]]" in line)
    example = "\n".join(
        line.removeprefix("# ").removeprefix("# ") for line in lines[begins:] if "Only calls" not in line
    )
    [table] = tomllib.loads(example)["budget"]
    assert budget_of(table, "example").model == "gpt-4o*"


def test_where_there_is_no_file_there_is_no_budget(file):
    assert read_budgets(file) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[budget]\n", "budgets.toml can't be read"),
        ("[limits]\n", "budgets.toml has limits: only [[budget]] tables belong there"),
        ("budget = 3\n", "budgets.toml: write each budget as a [[budget]] table"),
        ("[[budget]]\ncalls = 1\n", "budgets.toml: a budget needs a name, found None"),
        ('[[budget]]\nname = "x"\nlimit = 1\n', "budget 'x' has unknown keys: limit; there are agent, calls"),
        ('[[budget]]\nname = "x"\nusd = 2.0\n', "usd of budget 'x' must be text, found 2.0"),
        ('[[budget]]\nname = "x"\ntokens = "2"\n', "tokens of budget 'x' must be a whole number, found '2'"),
        ('[[budget]]\nname = "x"\ncalls = 1\nwarn_at = 5\n', "must be a list like [50, 80, 95]"),
        (
            '[[budget]]\nname = "x"\ncalls = 1\nwait_minutes = "5"\n',
            "wait_minutes of budget 'x' must be a number",
        ),
        ('[[budget]]\nname = "x"\n', "budgets.toml: budget 'x' limits nothing"),
        (MONTH + MONTH, "budgets.toml has two budgets named 'month': rename one"),
    ],
)
def test_what_can_not_be_used_is_named(file, text, said):
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_budgets(file)
    assert said in str(refused.value)


def test_budgets_of_the_page_are_kept_in_the_ledger_and_the_files_win(tmp_path, file):
    file.write_text(MONTH)
    made = Budget(name="made", calls=3, on_unpriced=OnUnpriced.ALLOW, agent="Data Analyst")
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        book = BudgetBook(ledger)
        book.put(Budget(name="made", calls=2))
        book.put(made)
        book.put(Budget(name="month", calls=1))
        assert book.all() == [made, Budget(name="month", calls=1)]
        assert in_force(Settings(config=tmp_path), ledger) == [*read_budgets(file), made]
        book.remove("made")
        assert in_force(Settings(config=tmp_path), ledger) == read_budgets(file)


def test_a_budget_survives_being_written_down():
    budget = Budget(name="x", per="day", usd="0.10", tokens=5, model="gpt*", on_unpriced="count tokens")
    assert budget_of(as_json(budget), "x") == budget
