"""Around the pages: the sidebar's chips and the error boundary."""

import dataclasses
import shutil
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from tracking.ledger.workers import Worker, WorkerList
from tracking.settings import REPOSITORY
from tracking.ui.boundary import boundary


def chips(at: AppTest) -> list[str]:
    return [block.proto.popover.label for block in at.sidebar.get("popover")]


def test_the_sidebar_names_model_worker_and_ledger(page):
    assert chips(page()) == ["Local demo model", "Worker: none", "SQLite, 0 runs"]


def test_the_chips_follow_the_worker_and_the_ledger(page, submitted, ledger):
    now = datetime.now(UTC)
    worker = Worker("w", "host", 1, now, running=0, warm=True, versions={})
    WorkerList(ledger).beat(worker)
    at = page()
    at.button(key="execute.run").click().run()
    assert chips(at) == ["Local demo model", "Worker: warm", "SQLite, 1 run"]
    WorkerList(ledger).beat(dataclasses.replace(worker, running=1))
    assert chips(at.run())[1] == "Worker: busy"


def test_the_chip_counts_several_workers_and_says_which_drain_and_how_they_differ(page, ledger):
    now = datetime.now(UTC)
    alpha = Worker("a", "alpha", 1, now, running=1, warm=True, versions={"crewai": "1.15.30"}, concurrency=2)
    beta = dataclasses.replace(alpha, worker_id="b", host="beta", running=0, versions={"crewai": "1.16.0"})
    gamma = dataclasses.replace(alpha, worker_id="c", host="gamma", draining=True)
    for worker in (alpha, beta, gamma):
        WorkerList(ledger).beat(worker)
    at = page()
    assert chips(at)[1] == "3 workers, 1 busy, 1 draining"
    [note] = at.sidebar.warning
    assert note.value == "Workers differ in crewai: 1.15.30 on alpha and gamma, 1.16.0 on beta"
    lines = [line.value for line in at.sidebar.caption if "process 1" in line.value]
    assert [line.replace("\\", "") for line in lines] == [
        "alpha · process 1 · 1 run now, at most 2 at a time, a spare process is ready",
        "beta · process 1 · 0 runs now, at most 2 at a time, a spare process is ready",
        "gamma · process 1 · 1 run now, takes no new one and ends then",
    ]


def test_a_broken_configuration_is_explained_with_file_and_next_step(page, dashboard_home, monkeypatch):
    config = dashboard_home / "config"
    shutil.copytree(REPOSITORY / "config", config)
    monkeypatch.setenv("DASHBOARD_CONFIG", str(config))
    (config / "agents.yaml").write_text("broken: [", encoding="utf-8")
    at = page()
    assert not at.exception  # no bare traceback
    assert "agents.yaml can't be read" in at.error[0].value
    assert "Correct the file named above" in at.error[0].value
    assert "ConfigError" in at.code[0].value  # folded away in the details


def test_a_corrected_configuration_is_read_without_a_restart(page, dashboard_home, monkeypatch):
    config = dashboard_home / "config"
    shutil.copytree(REPOSITORY / "config", config)
    monkeypatch.setenv("DASHBOARD_CONFIG", str(config))
    agents = config / "agents.yaml"
    correct = agents.read_text(encoding="utf-8")
    agents.write_text("broken: [", encoding="utf-8")
    at = page()
    agents.write_text(correct.replace("role: Data Analyst", "role: Number Reader"), encoding="utf-8")
    at.run()
    assert not at.error
    assert "Number Reader" in at.multiselect(key="form.agents").options


def _stops() -> None:
    import streamlit as st

    from tracking.ui import boundary as under_test

    with under_test.boundary():
        st.write("before")
        st.stop()
    st.write("after")


def test_the_boundary_lets_streamlits_own_stop_pass():
    at = AppTest.from_function(_stops).run()
    assert [block.value for block in at.markdown] == ["before"]
    assert not at.error


def test_the_boundary_lets_an_interrupt_pass():
    with pytest.raises(KeyboardInterrupt), boundary():
        raise KeyboardInterrupt
