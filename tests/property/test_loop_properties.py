"""What a loop is, for every run: found wherever a call is repeated, and nowhere else."""

import dataclasses
from datetime import timedelta
from itertools import groupby
from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st
from run_support import BEGAN, call

from tracking.analysis.loops import LoopRules, Sign, find_loops
from tracking.domain.usage import TokenUsage

RULES = LoopRules()
AGENTS = ("Market Research Analyst", "Data Analyst", "Report Writer")
SIZES = st.tuples(st.integers(1, 200_000), st.integers(0, 4_000))


def calls_of(sizes_by_agent):
    """Each agent at its own task, one after another."""
    made = []
    for agent, sizes in zip(AGENTS, sizes_by_agent, strict=False):
        for read, written in sizes:
            number = len(made)
            one = dataclasses.replace(
                call(number, agent, agent.lower().replace(" ", "_")),
                started_at=BEGAN + timedelta(seconds=number),
                usage=TokenUsage(input_tokens=read, output_tokens=written),
            )
            made.append(one)
    return made


@given(
    st.lists(SIZES, max_size=20),
    st.integers(1, 200_000),
    st.integers(0, 4_000),
    st.integers(0, 900),
    st.data(),
)
def test_a_call_that_is_repeated_is_found_whatever_was_before(before, read, written, growth, data):
    """With its conversation growing by the same each time, or not at all."""
    times = data.draw(st.integers(RULES.in_a_row, 12))
    repeated = [(read + growth * turn, written) for turn in range(times)]
    loops = find_loops(calls_of([[*before, *repeated]]))
    assert any(loop.sign is Sign.REPEATED and loop.output_tokens == written for loop in loops)


@given(st.lists(st.lists(SIZES, max_size=50), max_size=3))
def test_answers_that_differ_from_the_ones_before_are_no_loop(many):
    """As an agent's do that gets on with its task: no answer is as long as the one before."""
    ordinary = [[next(group) for _, group in groupby(sizes, itemgetter(1))] for sizes in many]
    assert find_loops(calls_of(ordinary)) == []


@given(st.lists(st.lists(SIZES, min_size=1, max_size=RULES.in_a_row - 1), max_size=3))
def test_fewer_calls_than_a_loop_has_are_none_however_alike(many):
    assert find_loops(calls_of([[sizes[0]] * len(sizes) for sizes in many])) == []


@given(st.lists(st.lists(SIZES, max_size=60), min_size=1, max_size=3))
def test_no_loop_has_more_calls_or_tokens_than_its_task(many):
    calls = calls_of(many)
    for loop in find_loops(calls):
        own = [one for one in calls if one.task_name == loop.task_name]
        assert loop.calls <= len(own)
        assert loop.tokens <= sum(one.usage.total_tokens for one in own)
