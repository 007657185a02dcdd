"""Which number is shown: crewai's readings are tried first, and lose their place when calls refute them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tracking.domain.call import CallTotals
from tracking.domain.cost import Cost
from tracking.domain.reading import CrewFacts, Reading, Source, TokenMetrics, Uncounted, Verification

_COMPARED = ("total_tokens", "input_tokens", "output_tokens")


def reconcile(
    readings: Sequence[Reading], calls: CallTotals | None, facts: CrewFacts | None = None
) -> TokenMetrics:
    """Choose among the readings, given in the order in which they are tried.

    Args:
        readings: crewai's own; those that say nothing may be among them.
        calls: the call ledger added up; None when tracking was off, so that nothing can be verified.
        facts: what crewai's counters look like, to name the cause of a difference.
    """
    if calls is None:
        return _unverified(readings)
    facts = facts or CrewFacts()
    metrics = _verdict(readings, calls, facts)
    return dataclasses.replace(
        metrics,
        caption=metrics.caption + _beside(facts, seen=bool(calls.requests)),
        untracked=facts.untracked,
        unattributed_requests=facts.unattributed_requests,
    )


def _verdict(readings: Sequence[Reading], calls: CallTotals, facts: CrewFacts) -> TokenMetrics:
    judged = [_judge(reading, calls, facts) for reading in readings]
    everything = (*judged, tracker_reading(calls))
    agreeing = next((r for r in judged if r.says_something and r.refuted is None), None)
    if calls.requests == 0:
        if calls.failed_requests and not facts.untracked and not any(r.says_something for r in judged):
            return _nothing_billed(everything, calls)
        return _no_calls(everything, agreeing, calls.failed_requests)
    if agreeing is not None and calls.unknown_requests == calls.estimated_requests == 0:
        caption = f"{agreeing.source}, verified against {_calls(calls.requests)}"
        return _metrics(agreeing, calls, Verification.VERIFIED, caption, everything)
    return _metrics(everything[-1], calls, Verification.LEDGER, _ledger_caption(judged, calls), everything)


def tracker_reading(calls: CallTotals) -> Reading:
    """The call ledger as a reading: its estimates included, which no other reading has."""
    usage = calls.usage
    return Reading(
        source=Source.TRACKER,
        found_in="call ledger",
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        cache_creation_input_tokens=usage.cache_creation_input_tokens,
        reasoning_output_tokens=usage.reasoning_output_tokens,
        requests=calls.requests,
    )


def _judge(reading: Reading, calls: CallTotals, facts: CrewFacts) -> Reading:
    """An estimate neither refutes nor confirms: a reading is held against what providers reported."""
    truth = calls.reported_usage
    if all(getattr(reading, name) == getattr(truth, name) for name in _COMPARED):
        return reading
    if not reading.says_something and calls.requests == 0:
        return reading
    return dataclasses.replace(reading, refuted=_cause(reading, calls, facts))


def _cause(reading: Reading, calls: CallTotals, facts: CrewFacts) -> str:
    """Why a reading differs from the calls, in words that need no knowledge of crewai."""
    if reading.found_in is None:
        return f"said nothing, although {_calls(calls.requests)} {_were(calls.requests)} made"
    if not reading.total_tokens and _unreported(calls) == calls.requests:
        return f"said 0 because the provider reported no usage for {_calls(calls.requests)}"
    if not reading.total_tokens:
        if reasons := _reasons(0, calls, facts):
            return "said 0 because " + reasons
        return f"said 0, although {_calls(calls.requests)} {_were(calls.requests)} made"
    return _cause_of_difference(reading.total_tokens, calls.reported_usage.total_tokens or 0, calls, facts)


def _cause_of_difference(said: int, true: int, calls: CallTotals, facts: CrewFacts) -> str:
    if said != true and (reasons := _reasons(said, calls, facts)):
        return f"said {said:,} because {reasons}"
    if said < true and said + calls.reported_usage.cache_tokens == true:
        return f"said {said:,} and leaves out {true - said:,} tokens read from or written to a cache"
    if said < true:
        return f"said {said:,} and misses {true - said:,} tokens of calls that crewai does not count"
    if said == true:
        return "said the right total, but split input and output differently"
    if unreported := _unreported(calls):
        return f"said {said:,}; {_calls(unreported)} did not report to the ledger"
    return f"said {said:,}, {said - true:,} more than the calls used"


def _reasons(said: int, calls: CallTotals, facts: CrewFacts) -> str:
    """The facts that explain the difference to the last token; nothing where they do not."""
    counted = said - facts.counted_again - facts.earlier
    missing = (calls.reported_usage.total_tokens or 0) - counted
    uncounted = list(facts.uncounted)
    if missing == sum(tokens for _, tokens in uncounted) + facts.late and facts.late:
        uncounted.append((Uncounted.MEMORY, facts.late))
    if missing != sum(tokens for _, tokens in uncounted):
        return ""
    reasons = []
    if facts.counted_again:
        reasons.append(f"one LLM object is shared by {facts.agents_sharing} agents and counted for each")
    if facts.earlier:
        reasons.append(f"{facts.earlier:,} tokens of earlier kickoffs are in it")
    reasons += [f"it misses {tokens:,} tokens of {what}" for what, tokens in uncounted]
    return ", and ".join(reasons)


def _beside(facts: CrewFacts, *, seen: bool) -> str:
    """What is in none of the figures, said after them."""
    text = ""
    if facts.untracked:
        names = ", ".join(facts.untracked)
        text += f"; the model of {names} could not be seen" if seen else f", although {names} worked"
    if facts.unattributed_requests:
        count = facts.unattributed_requests
        text += f"; {count:,} more {'call was' if count == 1 else 'calls were'} made by this run or another"
    return text


def _ledger_caption(judged: Sequence[Reading], calls: CallTotals) -> str:
    reasons = [f"{r.source} {r.refuted}" for r in judged if r.refuted and r.found_in]
    caption = "tracker" + (f": {reasons[0]}" if reasons else f", {_calls(calls.requests)}")
    if calls.unknown_requests and "reported no usage" not in caption:
        caption += f"; {_calls(calls.unknown_requests)} reported no usage"
    if calls.estimated_requests:
        part, whole = calls.estimated_usage.total_tokens, calls.usage.total_tokens
        tokens = "all" if part == whole else f"{part or 0:,}"
        caption += f"; {tokens} of the tokens estimated ({_calls(calls.estimated_requests)})"
    return caption


def _unreported(calls: CallTotals) -> int:
    return calls.unknown_requests + calls.estimated_requests


def _unverified(readings: Sequence[Reading]) -> TokenMetrics:
    chosen = next((r for r in readings if r.says_something), None)
    if chosen is None:
        none = Reading(source=Source.NONE)
        return _metrics(none, None, Verification.NO_DATA, "none: no token data", tuple(readings))
    caption = f"{chosen.source}, unverified: token tracking was off"
    return _metrics(chosen, None, Verification.UNVERIFIED, caption, tuple(readings))


def _no_calls(readings: tuple[Reading, ...], agreeing: Reading | None, refused: int) -> TokenMetrics:
    """The tracker was on and saw no billed call: a crewai figure is evidence of calls it could not see."""
    said = agreeing or next((r for r in readings if r.says_something), None)
    if said is None:
        none = Reading(source=Source.NONE)
        seen = f"{_calls(refused)} failed, none was answered" if refused else "no model call was seen"
        metrics = _metrics(none, None, Verification.NO_DATA, f"none: {seen}", readings)
    else:
        unrefuted = tuple(dataclasses.replace(r, refuted=None) for r in readings)
        caption = f"{said.source}, unverified: the tracker saw none of these calls"
        metrics = _metrics(said, None, Verification.UNVERIFIED, caption, unrefuted)
    return dataclasses.replace(metrics, failed_requests=refused)


def _nothing_billed(readings: tuple[Reading, ...], calls: CallTotals) -> TokenMetrics:
    """Every request was refused: that nothing was used is known."""
    nothing = dataclasses.replace(readings[-1], input_tokens=0, output_tokens=0, total_tokens=0)
    caption = f"tracker: {_calls(calls.failed_requests)} failed, nothing was billed"
    return _metrics(nothing, calls, Verification.LEDGER, caption, (*readings[:-1], nothing))


def _metrics(
    chosen: Reading,
    calls: CallTotals | None,
    verification: Verification,
    caption: str,
    readings: tuple[Reading, ...],
) -> TokenMetrics:
    # crewai's counters hold 0 where a provider said nothing, and lose some details: the calls do neither.
    parts = chosen if calls is None else tracker_reading(calls)
    cost = Cost.unpriced() if calls is None else calls.cost
    requests = chosen.requests if calls is None else calls.requests
    tokens = chosen.total_tokens
    return TokenMetrics(
        total_tokens=tokens,
        input_tokens=chosen.input_tokens,
        output_tokens=chosen.output_tokens,
        cache_read_input_tokens=parts.cache_read_input_tokens,
        cache_creation_input_tokens=parts.cache_creation_input_tokens,
        reasoning_output_tokens=parts.reasoning_output_tokens,
        total_cost=cost.amount,
        cost_state=cost.state,
        requests_made=requests,
        cost_per_token=cost.amount / tokens if cost.amount is not None and tokens else None,
        tokens_per_request=tokens / requests if tokens is not None and requests else None,
        unknown_requests=calls.unknown_requests if calls else 0,
        estimated_requests=calls.estimated_requests if calls else 0,
        estimated_tokens=calls.estimated_usage.total_tokens or 0 if calls else None,
        unpriced_requests=calls.unpriced_requests if calls else 0,
        failed_requests=calls.failed_requests if calls else 0,
        source=chosen.source,
        verification=verification,
        caption=caption,
        readings=readings,
    )


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _calls(count: int) -> str:
    return f"{count:,} call" if count == 1 else f"{count:,} calls"
