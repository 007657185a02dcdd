from dataclasses import replace
from datetime import datetime

import pytest
from run_support import BEGAN

from tracking.domain.under_way import CallUnderWay

CALL = CallUnderWay(
    call_id="1",
    run_id="run",
    started_at=BEGAN,
    provider_name="openai",
    request_model="gpt-4o-mini",
    operation_name="chat",
)


def test_a_beginning_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match=r"started_at \(2026-11-21 20:00:00\) has no time zone"):
        replace(CALL, started_at=datetime(2026, 11, 21, 20))  # noqa: DTZ001  # that is what is refused


def test_output_may_be_none_yet_or_not_known_but_not_less_than_none():
    assert replace(CALL, output_tokens=0).output_tokens == 0
    assert CALL.output_tokens is None
    with pytest.raises(ValueError, match=r"output_tokens \(-1\) cannot be negative"):
        replace(CALL, output_tokens=-1)
