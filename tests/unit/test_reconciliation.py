import dataclasses
from decimal import Decimal

import pytest

from tracking.domain.call import CallTotals
from tracking.domain.cost import Cost, CostState
from tracking.domain.reading import CrewFacts, Reading, Source, TokenMetrics, Uncounted, Verification
from tracking.domain.reconciliation import reconcile
from tracking.domain.usage import TokenUsage


def calls(input_tokens=1000, output_tokens=247, requests=3, **changes):
    values = {
        "usage": TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens),
        "cost": Cost(2_500_000, CostState.KNOWN),
        "unknown_requests": 0,
        "estimated_requests": 0,
        "unpriced_requests": 0,
        "failed_requests": 0,
    }
    return CallTotals(requests=requests, **{**values, **changes})


def crew(input_tokens=1000, output_tokens=247, requests=3):
    return Reading(
        source=Source.CREW_METRICS,
        found_in="crew.usage_metrics",
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        requests=requests,
    )


SILENT = Reading(source=Source.RESULT)


def test_a_reading_that_the_calls_confirm_is_shown_as_verified():
    metrics = reconcile((crew(), SILENT), calls())
    assert (metrics.source, metrics.verification) == (Source.CREW_METRICS, Verification.VERIFIED)
    assert metrics.caption == "crew_metrics, verified against 3 calls"
    assert metrics.total_tokens == 1247
    assert metrics.total_cost == Decimal("0.0025")
    assert metrics.cost_per_token == Decimal("0.0025") / 1247
    assert metrics.tokens_per_request == 1247 / 3


def test_parts_are_the_calls_own_for_crewai_counts_0_where_nobody_said():
    said = dataclasses.replace(crew(), cache_read_input_tokens=0, reasoning_output_tokens=0)
    usage = TokenUsage(input_tokens=1000, output_tokens=247, cache_read_input_tokens=600)
    metrics = reconcile((said, SILENT), calls(usage=usage))
    assert metrics.verification is Verification.VERIFIED
    assert (metrics.cache_read_input_tokens, metrics.reasoning_output_tokens) == (600, None)


def test_one_llm_object_shared_by_three_agents_is_named_as_the_cause():
    facts = CrewFacts(agents_sharing=3, counted_again=2494)
    metrics = reconcile((crew(3000, 741), SILENT), calls(), facts)
    assert metrics.source is Source.TRACKER
    assert metrics.total_tokens == 1247
    assert metrics.caption == (
        "tracker: crew_metrics said 3,741 because one LLM object is shared by 3 agents and counted for each"
    )


def test_earlier_kickoffs_are_named_as_the_cause():
    metrics = reconcile((crew(2000, 494), SILENT), calls(), CrewFacts(earlier=1247))
    assert (
        metrics.caption
        == "tracker: crew_metrics said 2,494 because 1,247 tokens of earlier kickoffs are in it"
    )


def test_a_reading_that_misses_calls_is_refuted_with_the_difference():
    metrics = reconcile((crew(900, 47), SILENT), calls())
    assert metrics.caption == (
        "tracker: crew_metrics said 947 and misses 300 tokens of calls that crewai does not count"
    )


def test_a_zero_from_crewai_is_refuted_by_a_single_call():
    metrics = reconcile((crew(0, 0, 0), SILENT), calls(requests=1))
    assert metrics.caption == "tracker: crew_metrics said 0, although 1 call was made"


def test_a_zero_is_not_called_the_right_total_where_no_call_reported_its_usage():
    unreported = calls(None, None, unknown_requests=3, unpriced_requests=3, cost=Cost.unpriced())
    metrics = reconcile((crew(0, 0), SILENT), unreported)
    assert metrics.total_tokens is None
    assert metrics.caption == (
        "tracker: crew_metrics said 0 because the provider reported no usage for 3 calls"
    )


def test_the_second_reading_is_tried_when_the_first_is_refuted():
    result = Reading(
        source=Source.RESULT,
        found_in="result.token_usage",
        input_tokens=1000,
        output_tokens=247,
        total_tokens=1247,
        requests=3,
    )
    metrics = reconcile((crew(3000, 741), result), calls())
    assert (metrics.source, metrics.verification) == (Source.RESULT, Verification.VERIFIED)
    assert metrics.readings[0].refuted is not None


def test_calls_of_unknown_usage_are_told_beside_the_sum():
    metrics = reconcile((crew(), SILENT), calls(requests=4, unknown_requests=1))
    assert metrics.source is Source.TRACKER
    assert metrics.caption == "tracker, 4 calls; 1 call reported no usage"


def with_estimate(requests=4, estimated=(300, 50)):
    """Three calls reported 1,000 + 247; one more is estimated."""
    part = TokenUsage(input_tokens=estimated[0], output_tokens=estimated[1])
    whole = TokenUsage(input_tokens=1000, output_tokens=247) + part
    return calls(usage=whole, estimated_usage=part, requests=requests, estimated_requests=1)


def test_an_estimate_does_not_refute_a_reading_that_has_all_that_was_reported():
    metrics = reconcile((crew(), SILENT), with_estimate())
    assert [reading.refuted for reading in metrics.readings[:1]] == [None]
    assert (metrics.source, metrics.verification) == (Source.TRACKER, Verification.LEDGER)
    assert (metrics.total_tokens, metrics.estimated_tokens) == (1597, 350)
    assert metrics.caption == "tracker, 4 calls; 350 of the tokens estimated (1 call)"


def test_an_estimate_does_not_verify_a_reading_that_happens_to_equal_it():
    metrics = reconcile((crew(1300, 297), SILENT), with_estimate())
    assert metrics.verification is Verification.LEDGER
    assert metrics.caption == (
        "tracker: crew_metrics said 1,597; 1 call did not report to the ledger; "
        "350 of the tokens estimated (1 call)"
    )


def test_causes_are_found_in_what_was_reported_whatever_was_estimated_beside_it():
    facts = CrewFacts(agents_sharing=3, counted_again=2494)
    metrics = reconcile((crew(3000, 741), SILENT), with_estimate(), facts)
    assert metrics.caption == (
        "tracker: crew_metrics said 3,741 because one LLM object is shared by 3 agents and counted for each; "
        "350 of the tokens estimated (1 call)"
    )


def test_a_reading_below_what_was_reported_is_refuted_whatever_was_estimated_beside_it():
    metrics = reconcile((crew(900, 47), SILENT), with_estimate())
    assert metrics.caption == (
        "tracker: crew_metrics said 947 and misses 300 tokens of calls that crewai does not count; "
        "350 of the tokens estimated (1 call)"
    )


def test_a_zero_where_everything_is_estimated_has_its_cause():
    usage = TokenUsage(input_tokens=300, output_tokens=50)
    estimated = calls(usage=usage, estimated_usage=usage, requests=1, estimated_requests=1)
    metrics = reconcile((crew(0, 0, 1), SILENT), estimated)
    assert metrics.caption == (
        "tracker: crew_metrics said 0 because the provider reported no usage for 1 call; "
        "all of the tokens estimated (1 call)"
    )
    assert (metrics.total_tokens, metrics.estimated_tokens) == (350, 350)


def test_where_nothing_is_estimated_that_is_known_and_where_nothing_was_tracked_it_is_not():
    assert reconcile((crew(), SILENT), calls()).estimated_tokens == 0
    assert reconcile((crew(), SILENT), None).estimated_tokens is None


def test_without_tracking_nothing_is_verified():
    metrics = reconcile((crew(), SILENT), None)
    assert metrics.verification is Verification.UNVERIFIED
    assert metrics.caption == "crew_metrics, unverified: token tracking was off"
    assert metrics.total_cost is None
    assert metrics.cost_state is CostState.UNPRICED


def test_zeros_without_any_call_are_no_data_rather_than_zero():
    nothing = calls(0, 0, 0, usage=TokenUsage(), cost=Cost(0, CostState.KNOWN))
    metrics = reconcile((crew(0, 0, 0), SILENT), nothing)
    assert metrics.verification is Verification.NO_DATA
    assert metrics.total_tokens is None


REFUSED = calls(0, 0, 0, usage=TokenUsage(), cost=Cost(0, CostState.KNOWN), failed_requests=3)


def test_where_all_requests_were_refused_it_is_known_that_nothing_was_billed():
    metrics = reconcile((crew(0, 0, 0), SILENT), REFUSED)
    assert (metrics.source, metrics.verification) == (Source.TRACKER, Verification.LEDGER)
    assert metrics.caption == "tracker: 3 calls failed, nothing was billed"
    assert (metrics.total_tokens, metrics.requests_made, metrics.total_cost) == (0, 0, Decimal(0))
    assert (metrics.cost_state, metrics.failed_requests) == (CostState.KNOWN, 3)


def test_beside_an_agent_whose_calls_could_not_be_seen_refusals_say_nothing_of_the_whole():
    metrics = reconcile((crew(0, 0, 0), SILENT), REFUSED, CrewFacts(untracked=("Analyst",)))
    assert (metrics.verification, metrics.total_tokens) == (Verification.NO_DATA, None)
    assert metrics.caption == "none: 3 calls failed, none was answered, although Analyst worked"


def test_figures_of_crewai_without_any_seen_call_are_shown_as_unverified():
    nothing = calls(0, 0, 0, usage=TokenUsage(), cost=Cost(0, CostState.KNOWN))
    metrics = reconcile((crew(), SILENT), nothing)
    assert metrics.source is Source.CREW_METRICS
    assert metrics.caption == "crew_metrics, unverified: the tracker saw none of these calls"


def test_metrics_read_as_attributes_and_as_a_mapping_and_survive_the_ledger():
    metrics = reconcile((crew(), SILENT), calls())
    assert metrics["requests_made"] == metrics.requests_made == 3
    assert dict(metrics)["total_cost"] == Decimal("0.0025")
    assert TokenMetrics.from_json(metrics.to_json()) == metrics
    with pytest.raises(KeyError):
        metrics["to_json"]


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        (
            CrewFacts(uncounted=((Uncounted.PLANNING, 247),)),
            "it misses 247 tokens of the planner, whose model is none of the agents'",
        ),
        (
            CrewFacts(uncounted=((Uncounted.EMBEDDINGS, 200), (Uncounted.UNREAD, 47))),
            (
                "it misses 200 tokens of embeddings, and it misses 47 tokens of answers that were billed, "
                "but that crewai could not parse"
            ),
        ),
        (
            CrewFacts(uncounted=((Uncounted.EMBEDDINGS, 200),), late=47),
            (
                "it misses 200 tokens of embeddings, and it misses 47 tokens of memory, written after crewai "
                "had added up"
            ),
        ),
        (
            CrewFacts(agents_sharing=2, counted_again=500, uncounted=((Uncounted.OTHER_CLIENT, 747),)),
            (
                "one LLM object is shared by 2 agents and counted for each, and it misses 747 tokens of "
                "requests of other clients, in tools or callbacks"
            ),
        ),
    ],
    ids=["planner", "embeddings and a parse failure", "memory", "both ways"],
)
def test_what_crewai_leaves_out_is_named_where_it_explains_the_difference(facts, reasons):
    metrics = reconcile((crew(800, 200), SILENT), calls(), facts)
    assert metrics.caption == f"tracker: crew_metrics said 1,000 because {reasons}"


def test_facts_that_do_not_add_up_are_not_blamed():
    metrics = reconcile((crew(800, 200), SILENT), calls(), CrewFacts(uncounted=((Uncounted.MEMORY, 5),)))
    assert metrics.caption == (
        "tracker: crew_metrics said 1,000 and misses 247 tokens of calls that crewai does not count"
    )


def test_a_provider_that_reports_nothing_is_named_as_the_cause():
    unknown = calls(None, None, requests=2, unknown_requests=2)
    metrics = reconcile((crew(0, 0, requests=2), SILENT), unknown)
    assert (
        metrics.caption == "tracker: crew_metrics said 0 because the provider reported no usage for 2 calls"
    )


def test_details_lost_are_named():
    usage = TokenUsage(input_tokens=1000, output_tokens=247, cache_read_input_tokens=300)
    metrics = reconcile((crew(700, 247), SILENT), calls(usage=usage))
    assert metrics.caption == (
        "tracker: crew_metrics said 947 and leaves out 300 tokens read from or written to a cache"
    )


def test_what_is_in_no_figure_is_said_after_them():
    facts = CrewFacts(untracked=("Ghost",), unattributed_requests=2)
    metrics = reconcile((crew(), SILENT), calls(), facts)
    assert metrics.caption == (
        "crew_metrics, verified against 3 calls; the model of Ghost could not be seen; "
        "2 more calls were made by this run or another"
    )
    assert TokenMetrics.from_json(metrics.to_json()) == metrics
