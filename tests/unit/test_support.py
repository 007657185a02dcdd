"""Which versions of crewai are taken for tested ones, and what is said of the others."""

import pytest

from tracking.capture.support import TESTED, Way, note_of, problem_of


@pytest.mark.parametrize("version", ["1.13.0", "1.14.7", "1.15.30", "1.15.31rc1"])
def test_a_version_is_tested_by_its_first_two_numbers(version):
    assert problem_of(version) is None


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("1.17.0", "crewai 1.17.0 is newer than what this was tested with (1.13 to 1.15)"),
        ("2.0a1", "crewai 2.0a1 is newer than what this was tested with (1.13 to 1.15)"),
        ("1.9.3", "crewai 1.9.3 is older than what this was tested with (1.13 to 1.15)"),
        ("unknown", "crewai unknown is no version that this was tested with (1.13 to 1.15)"),
    ],
)
def test_another_version_is_named_beside_the_tested_range(version, problem):
    assert problem_of(version) == problem


def test_a_note_says_what_follows_from_the_problem():
    assert note_of(Way.TAPS, None) is None
    assert note_of(Way.HTTP, "crewai 2.0 is newer") == (
        "crewai 2.0 is newer: agents and tasks are not known; figures come from the HTTP calls alone"
    )


def test_the_tested_range_is_what_the_compatibility_tests_install():
    from compat.test_versions import KINDS

    minors = [tuple(map(int, packages[0].partition("==")[2].split(".")[:2])) for packages in KINDS.values()]
    assert (min(minors), max(minors)) == TESTED
