import tomllib
from dataclasses import replace
from datetime import UTC, datetime

from tracking.ledger.workers import Worker, differing_versions
from tracking.report.workers import version_notes, workers_label
from tracking.settings import REPOSITORY
from tracking.version import VERSION

ONE = Worker("1", "alpha", 1, datetime(2026, 1, 5, tzinfo=UTC), running=0, warm=True, versions={"a": "1"})


def test_the_version_is_that_of_the_project_file():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


def test_what_workers_have_in_one_version_does_not_differ():
    assert differing_versions([]) == {}
    assert differing_versions([ONE, replace(ONE, host="beta")]) == {}


def test_what_differs_is_told_with_the_hosts_that_have_it():
    living = [
        replace(ONE, versions={"a": "1", "b": "1", "c": "1"}),
        replace(ONE, host="beta", versions={"a": "1", "b": "2"}),  # c: not known, which is no difference
        replace(ONE, host="alpha", versions={"a": "1", "b": "2", "c": "1"}),
        replace(ONE, host="alpha", versions={"a": "1", "b": "2", "c": "1"}),
    ]
    assert differing_versions(living) == {"b": {"1": ["alpha"], "2": ["alpha", "beta"]}}
    assert version_notes(living) == ["Workers differ in b: 1 on alpha, 2 on alpha and beta"]


def test_workers_are_told_in_a_few_words():
    busy, cold, drains = replace(ONE, running=1), replace(ONE, warm=False), replace(ONE, draining=True)
    assert workers_label([]) == "Worker: none"
    assert workers_label([ONE]) == "Worker: warm"
    assert workers_label([busy]) == "Worker: busy"
    assert workers_label([cold]) == "Worker: warming up"
    assert workers_label([drains]) == "Worker: draining"
    assert workers_label([ONE, cold]) == "2 workers, warm"
    assert workers_label([cold, cold]) == "2 workers, warming up"
    assert workers_label([busy, ONE, busy]) == "3 workers, 2 busy"
    assert workers_label([busy, replace(drains, running=1), cold]) == "3 workers, 1 busy, 1 draining"
