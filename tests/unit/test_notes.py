from datetime import timedelta

from run_support import BEGAN, call, estimated, refused, run, tasks

from tracking.domain.run import RunState
from tracking.report.account import account_of
from tracking.report.notes import cut_short

LATER = BEGAN + timedelta(hours=1)


def account(record, calls=()):
    return account_of(record, tasks(RunState.COMPLETED), calls, LATER)


def test_answers_that_took_all_the_output_they_were_allowed_are_counted():
    calls = [call(0, tokens=(300, 120)), call(1, tokens=(300, 119)), refused(2)]
    assert cut_short(account(run(), calls)).startswith(
        "1 of 2 answers reached the limit of 120 output tokens"
    )
    assert cut_short(account(run(), calls[1:])) is None


def test_an_estimate_does_not_claim_that_an_answer_reached_its_limit():
    record = run(spec={"settings": {"max_output_tokens": 120}})
    assert cut_short(account(record, [estimated(0, tokens=(200, 500))])) is None
    assert "1 of 1 answer reached the limit" in cut_short(account(record, [call(0)]))
