"""What is a loop and what is not, by the sizes of calls."""

import dataclasses
from datetime import timedelta

from run_support import BEGAN, call

from tracking.analysis.loops import Loop, LoopRules, LoopWatch, Sign, find_loops
from tracking.domain.call import CallStatus, Purpose
from tracking.domain.usage import TokenUsage, UsageState


def asked(*sizes, agent="Data Analyst", task="data_analysis", **changes):
    """Calls of one task, by input and output."""
    made = []
    for number, (read, written) in enumerate(sizes):
        usage = TokenUsage(input_tokens=read, output_tokens=written)
        one = dataclasses.replace(
            call(number),
            call_id=f"{agent}-{task}-{number}",
            started_at=BEGAN + timedelta(seconds=number),
            agent_name=agent,
            task_name=task,
            usage=usage,
            **{"purpose": Purpose.CHAT, **changes},
        )
        made.append(one)
    return made


def test_four_calls_of_the_same_size_are_a_loop_and_three_are_none():
    assert find_loops(asked(*[(1_000, 18)] * 3)) == []
    assert find_loops(asked(*[(1_000, 18)] * 4)) == [
        Loop(Sign.REPEATED, "Data Analyst", "data_analysis", calls=4, tokens=4_072, output_tokens=18)
    ]


def test_inputs_within_three_per_cent_of_the_first_are_alike_and_others_are_not():
    assert len(find_loops(asked((1_000, 18), (1_030, 18), (970, 18), (1_007, 18)))) == 1
    assert find_loops(asked((1_000, 18), (1_031, 18), (969, 18), (1_007, 18))) == []


def test_a_loop_is_told_as_far_as_it_went_and_once():
    [loop] = find_loops(asked(*[(1_000, 18)] * 20))
    assert (loop.calls, loop.tokens) == (20, 20_360)


def test_a_conversation_that_grows_by_the_same_question_and_answer_is_a_loop_however_small_its_prompt():
    growing = [(327, 13), (389, 13), (450, 13), (512, 13)]  # as a tool's answer that comes back makes it grow
    assert find_loops(asked(*growing[:3])) == []
    assert find_loops(asked(*growing)) == [
        Loop(Sign.REPEATED, "Data Analyst", "data_analysis", calls=4, tokens=1_678 + 4 * 13, output_tokens=13)
    ]
    before = asked((265, 99), *growing)  # which was answered otherwise, and is none of them
    assert [loop.calls for loop in find_loops(before)] == [4]


def test_answers_of_different_lengths_are_no_loop():
    assert find_loops(asked(*[(1_000, 18 + turn % 2) for turn in range(40)])) == []


def test_inputs_that_differ_by_more_than_the_tolerance_and_not_evenly_are_no_loop():
    uneven = [(1_000, 18), (1_100, 18), (1_400, 18), (1_500, 18), (1_900, 18), (2_050, 18), (2_700, 18)] * 3
    assert find_loops(asked(*uneven)) == []


def test_another_call_between_them_begins_anew():
    three = [(1_000, 18)] * 3
    assert find_loops(asked(*three, (1_000, 90), *three)) == []


def test_what_other_agents_do_meanwhile_does_not_hide_a_loop():
    one, other = asked(*[(1_000, 18)] * 6), asked(*[(400 + 90 * n * n, n) for n in range(6)], agent="Writer")
    between = [each for pair in zip(one, other, strict=True) for each in pair]
    assert [loop.agent_name for loop in find_loops(between)] == ["Data Analyst"]


def test_two_agents_or_tasks_that_do_the_same_are_no_loop():
    crew = [asked((1_000, 18), agent=f"Agent {n}", task=f"task-{n}")[0] for n in range(12)]
    assert find_loops(crew) == []


def test_the_model_that_fills_in_arguments_between_an_agents_calls_does_not_hide_its_loop():
    turns = asked(*[(1_000, 18)] * 6)
    filled = asked(*[(300 + 40 * n * n, n) for n in range(6)], purpose=Purpose.TOOL_CALLING)
    between = [each for pair in zip(turns, filled, strict=True) for each in pair]
    assert len(find_loops(between)) == 1


def test_more_than_fifty_calls_for_a_task_are_a_loop_whatever_their_sizes():
    sizes = [(1_000 + 37 * n * n, n % 7) for n in range(51)]
    assert find_loops(asked(*sizes[:50])) == []
    total = sum(read + written for read, written in sizes)
    assert find_loops(asked(*sizes)) == [
        Loop(Sign.UNENDING, "Data Analyst", "data_analysis", calls=51, tokens=total)
    ]


def test_calls_without_a_task_are_a_persons_own_and_no_loop():
    """A program that asks a model a thousand short questions is none."""
    assert find_loops(asked(*[(1_000, 1)] * 1_000, task=None)) == []


def test_calls_whose_size_is_not_known_or_that_were_refused_say_nothing():
    unknown = [
        dataclasses.replace(
            one, usage=None, usage_state=UsageState.UNKNOWN, status=CallStatus.ERROR, error_type="HTTP 429"
        )
        for one in asked(*[(1_000, 18)] * 60)
    ]
    assert find_loops(unknown) == []
    known = asked(*[(1_000, 18)] * 6)
    refused_between = [each for pair in zip(known, unknown, strict=False) for each in pair]
    assert len(find_loops(refused_between)) == 1


def test_embeddings_are_no_loop():
    assert find_loops(asked(*[(1_000, 0)] * 60, operation_name="embeddings")) == []


def test_the_rules_can_be_others():
    assert len(find_loops(asked(*[(1_000, 18)] * 2), LoopRules(in_a_row=2))) == 1
    assert len(find_loops(asked(*[(1_000 + n * n, n) for n in range(3)]), LoopRules(most_calls=2))) == 1


def test_a_watch_holds_no_more_for_a_million_calls_than_for_one():
    watch, calls = LoopWatch(), asked(*[(1_000, 18)] * 6)
    for _ in range(200):
        for one in calls:
            watch.saw(one)
    assert (len(watch._streaks), len(watch._tasks)) == (1, 1)
