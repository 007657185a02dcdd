"""Sixty processes that write or add up are killed at random moments: nothing acknowledged is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracking import Ledger

ROOT = Path(__file__).parents[2]
KILLS = 60

# Forks, because an import takes longer than most of these processes live.
NURSERY = """
import os, random, signal, sys, time
sys.path[:0] = {path!r}
from datetime import timedelta
from itertools import count
from run_support import call
from tracking.ledger.ledger import Ledger
import tracking.ledger.sums, tracking.ledger.rollups.upkeep

def write(name):
    acknowledged = os.open(f"{folder}/{{name}}", os.O_WRONLY | os.O_CREAT)
    with Ledger.open({url!r}) as ledger:
        for number in count():
            made = call(number % 5_000, agent=name[:1], run_id=name)
            ledger.append(made)
            os.write(acknowledged, f"{{made.call_id}}\\n".encode())
            if number == 4_999:
                break
    time.sleep(60)

def keep(name):
    with Ledger.open({url!r}) as ledger:
        while True:
            ledger.upkeep.catch_up()
            time.sleep(0.01)

def born(work, name):
    child = os.fork()
    if child == 0:
        work(name)
    return child

chance = random.Random(7)
works = [write, write, write, write, keep]
children = [born(work, f"{{n}}-0") for n, work in enumerate(works)]
for kill in range({kills}):
    time.sleep(chance.uniform(0.02, 0.3))
    victim = chance.randrange(len(works))
    os.kill(children[victim], signal.SIGKILL)
    os.waitpid(children[victim], 0)
    children[victim] = born(works[victim], f"{{victim}}-{{kill + 1}}")
time.sleep(0.2)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_no_acknowledged_call_is_lost_and_the_sums_stay_right(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_HOME", str(tmp_path / "home"))
    folder = tmp_path / "acknowledged"
    folder.mkdir()
    Ledger.open(database_url).close()
    path = [str(ROOT), str(ROOT / "tests")]
    program = NURSERY.format(path=path, url=database_url, folder=folder, kills=KILLS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    acknowledged = {line for file in folder.iterdir() for line in file.read_text().splitlines()}
    assert len(acknowledged) > KILLS * 10
    with Ledger.open(database_url) as ledger:
        kept = {each.call_id for each in ledger.calls()}
        assert acknowledged <= kept
        assert len(kept - acknowledged) <= KILLS + 5  # what was under way may have made it
        assert ledger.totals().requests == len(kept)
        ledger.catch_up()
        assert ledger.totals().requests == sum(s.requests for s in ledger.totals(by="agent_name").values())
        assert [ledger.upkeep.check(month) for month in ledger.upkeep.months()] == [[]]
        if database_url.startswith("sqlite"):
            with ledger.engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
