from datetime import timedelta

from run_support import BEGAN, SPEC, call, estimated, refused, run, tasks, three_calls

from tracking.domain.run import RunState
from tracking.ui.account import account_of
from tracking.ui.notes import budget_note, cut_short

LATER = BEGAN + timedelta(hours=1)


def account(record, calls=()):
    return account_of(record, tasks(RunState.COMPLETED), calls, LATER)


def test_answers_that_took_all_the_output_they_were_allowed_are_counted():
    calls = [call(0, tokens=(300, 120)), call(1, tokens=(300, 119)), refused(2)]
    assert cut_short(account(run(), calls)).startswith(
        "1 of 2 answers reached the limit of 120 output tokens"
    )
    assert cut_short(account(run(), calls[1:])) is None


BUDGETED = {**SPEC.to_json(), "settings": {"token_budget": 2_000}}


def test_a_token_budget_that_may_be_spent_is_said_to_be():
    calls = [*three_calls(), call(3, tokens=None)]
    known = "Token budget of 2,000: at least 1,275 tokens used, 1 call unknown."
    assert budget_note(account(run(spec=BUDGETED), calls)) == f"{known} Whether it was kept is not known."
    running = run(RunState.RUNNING, spec=BUDGETED, heartbeat_at=LATER)
    assert budget_note(account(running, calls)).startswith(f"{known} It may be spent already")


def test_a_token_budget_of_which_everything_is_known_needs_no_note():
    assert budget_note(account(run(spec=BUDGETED), three_calls())) is None
    assert budget_note(account(run(), [call(0, tokens=None)])) is None


def test_an_estimate_does_not_claim_that_an_answer_reached_its_limit():
    record = run(spec={"settings": {"max_output_tokens": 120}})
    assert cut_short(account(record, [estimated(0, tokens=(200, 500))])) is None
    assert "1 of 1 answer reached the limit" in cut_short(account(record, [call(0)]))
