"""Calls in flight, on both engines: what a run's process says of them, and what those who watch see."""

from datetime import timedelta

import pytest
from run_support import BEGAN, call

from tracking.domain.under_way import CallUnderWay
from tracking.ledger.ledger import Ledger
from tracking.ledger.under_way import UnderWay


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        yield opened


def in_flight(number, *, run_id="run", **changes):
    values = {
        "call_id": f"{run_id}-{number}",
        "run_id": run_id,
        "started_at": BEGAN + timedelta(seconds=number),
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "operation_name": "chat",
    }
    return CallUnderWay(**{**values, **changes})


def test_what_was_said_is_read_again_the_oldest_first(ledger):
    named = in_flight(1, agent_name="Data Analyst", task_name="data_analysis", output_tokens=0)
    UnderWay(ledger).say("run", [in_flight(2), named])

    assert UnderWay(ledger).of("run") == [named, in_flight(2)]


def test_saying_it_again_replaces_what_was_said_of_that_run_alone(ledger):
    book = UnderWay(ledger)
    book.say("run", [in_flight(1), in_flight(2)])
    book.say("other", [in_flight(1, run_id="other")])
    book.say("run", [in_flight(2, output_tokens=41)])

    assert book.of("run") == [in_flight(2, output_tokens=41)]
    assert book.of("other") == [in_flight(1, run_id="other")]


def test_a_cleared_run_has_none(ledger):
    book = UnderWay(ledger)
    book.say("run", [in_flight(1)])
    book.clear("run")

    assert book.of("run") == []


def test_a_call_that_is_in_the_ledger_is_no_longer_under_way(ledger):
    UnderWay(ledger).say("run", [in_flight(1), in_flight(2)])
    ledger.append(call(1))
    ledger.flush()

    assert UnderWay(ledger).of("run") == [in_flight(2)]


def test_a_call_of_another_run_is_refused_and_nothing_changes(ledger):
    book = UnderWay(ledger)
    book.say("run", [in_flight(1)])
    with pytest.raises(ValueError, match="call other-1 belongs to run other, not to run"):
        book.say("run", [in_flight(1, run_id="other")])

    assert book.of("run") == [in_flight(1)]
