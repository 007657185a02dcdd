from run_support import EVIDENCE, call, refused, run

from tracking.analysis.missing import Cause, explain
from tracking.domain.call import totals
from tracking.domain.run import RunState

NONE = totals([])


def test_switched_off_tracking_comes_first():
    found = explain(run(evidence={**EVIDENCE, "tracking": False}), NONE)
    assert found.cause is Cause.TRACKING_OFF
    assert "Enable Token Tracking" in found.advice


def test_a_run_that_left_no_evidence_is_judged_by_what_was_asked_for():
    asked = run(evidence={}, spec={"settings": {"track_tokens": False}})
    assert explain(asked, NONE).cause is Cause.TRACKING_OFF
    assert explain(run(evidence={}), NONE).cause is Cause.NO_CALL


def test_an_error_of_the_tracker_explains_missing_calls():
    broken = run(
        evidence={**EVIDENCE, "tracker": {"lost": 2, "errors": ["LedgerError: disk full"], "notes": []}}
    )
    found = explain(broken, NONE)
    assert found.cause is Cause.COLLECTING_FAILED
    assert found.evidence == "The tracker itself failed and lost 2 of its records: LedgerError: disk full"


def test_calls_without_counts_point_to_the_provider():
    found = explain(run(), totals([call(0, tokens=None), call(1, tokens=None)]))
    assert found.cause is Cause.NOT_REPORTED
    assert found.evidence == "2 calls were made, and no token counts came back."


def test_refused_requests_are_no_calls():
    found = explain(run(RunState.FAILED), totals([refused(0)]))
    assert found.cause is Cause.NO_CALL
    assert found.evidence == "1 request was refused by the provider, and none was answered."


def test_a_run_that_failed_before_its_first_call_names_the_error():
    failed = run(RunState.FAILED, error={"type": "ModelUnavailable", "message": "no key", "traceback": ""})
    assert "failed with ModelUnavailable before its first model call" in explain(failed, NONE).evidence


def test_a_stopped_run_says_why_it_made_no_call():
    stopped = run(RunState.STOPPED, stop_reason="stopped before it began")
    assert explain(stopped, NONE).evidence == (
        "The run was stopped before a model call was answered: stopped before it began."
    )


def test_the_other_three_causes_are_kept_in_mind():
    found = explain(run(), NONE)
    assert found.cause is Cause.NO_CALL
    assert set(found.others) == set(Cause) - {Cause.NO_CALL}
