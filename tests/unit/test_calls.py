from run_support import call, refused, three_calls

from tracking.report.calls import Facet, Order, choices, chosen, ordered

CALLS = [
    *three_calls(),
    call(3, agent=None, task=None, tokens=None, duration=1.0),
    refused(4, response_model="gpt-4o"),
    call(5, tokens=(1, 0), nano=0, duration=99.0),
]


def numbers(calls):
    return [int(each.call_id[-1]) for each in calls]


def test_each_facet_offers_what_there_is():
    assert choices(CALLS, Facet.STATUS) == ["failed", "ok"]
    assert choices(CALLS, Facet.MODEL) == ["gpt-4o", "gpt-4o-mini"]
    assert choices(CALLS, Facet.TASK) == ["Data analysis", "Market research", "Report", "unattributed"]
    assert "unattributed" in choices(CALLS, Facet.AGENT)


def test_calls_match_in_every_facet_and_any_word_of_it():
    assert numbers(chosen(CALLS, {})) == numbers(CALLS)
    assert numbers(chosen(CALLS, {Facet.AGENT: [], Facet.STATUS: ["failed"]})) == [4]
    wanted = {Facet.AGENT: ["Data Analyst", "unattributed"], Facet.STATUS: ["ok"]}
    assert numbers(chosen(CALLS, wanted)) == [1, 3, 5]


def test_what_is_not_known_comes_last():
    assert numbers(ordered(CALLS, Order.TOKENS)) == [2, 1, 0, 5, 3, 4]
    assert numbers(ordered(CALLS, Order.DEAREST)) == [0, 1, 2, 5, 3, 4]


def test_the_other_orders_are_by_time():
    assert numbers(ordered(CALLS, Order.OLDEST)) == [0, 1, 2, 3, 4, 5]
    assert numbers(ordered(CALLS, Order.NEWEST)) == [5, 4, 3, 2, 1, 0]
    assert numbers(ordered(CALLS, Order.LONGEST)) == [5, 0, 1, 2, 3, 4]
