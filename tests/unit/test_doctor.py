"""What the doctor prints, beside what the launcher's own tests show."""

import pytest

from tracking.crew import doctor
from tracking.settings import Settings


@pytest.fixture
def printed(monkeypatch, capsys, tmp_path):
    def of(crewai):
        monkeypatch.setattr(doctor, "_version", lambda package: crewai if package == "crewai" else "1.0")
        monkeypatch.setenv("COLUMNS", "200")
        doctor.report(Settings(home=tmp_path))
        return capsys.readouterr().out

    return of


def test_a_crewai_that_nobody_has_tested_is_named_with_what_follows(printed):
    assert (
        "crewai 1.17.0 is newer than what this was tested with (1.13 to 1.15): agents and tasks come from "
        "its public events; figures are checked against the HTTP calls"
    ) in printed("1.17.0")


def test_a_tested_crewai_needs_no_words(printed):
    assert "tested with" not in printed("1.15.30")
