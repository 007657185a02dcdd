"""What can go wrong is said by its cause."""

import textwrap

import pytest
from installer_outputs import REAL_OUTPUTS

from tracking.launch.problems import explain


@pytest.mark.parametrize("case", REAL_OUTPUTS)
def test_an_output_is_explained_by_its_cause_not_by_its_consequence(case, tmp_path):
    output, expected = REAL_OUTPUTS[case]
    lines = textwrap.dedent(output).splitlines()
    message = str(explain("Installing", 2, lines, tmp_path / "install.log"))
    found, remedy, rest = message.split("\n", 2)
    assert found.startswith("Problem: Installing failed: ")
    assert expected in found
    assert remedy.startswith("What to do: ")
    assert f"    {lines[-1]}" in rest
    assert rest.endswith(f"The whole log: {tmp_path / 'install.log'}")


def test_an_unknown_output_is_shown_as_it_is(tmp_path):
    message = str(explain("Making .venv", 9, [f"line {n}" for n in range(40)], tmp_path / "log"))
    assert message.startswith("Problem: Making .venv failed with exit code 9.")
    assert "line 24\n" not in message  # the last 15 of 40 lines begin with line 25
    assert "    line 25\n" in message
    assert "    line 39\n" in message
