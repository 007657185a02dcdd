"""Token counts of our own, for a call whose provider reported none, or whose end was never seen.

What was sent and received is held until then, in memory only, and let go of at the call's end in any case.
"""

from __future__ import annotations

import dataclasses
from typing import Final, NamedTuple

from tracking.capture.texts import Gap, Text, hear, sent
from tracking.capture.tokenizer import NAME, count_tokens
from tracking.capture.wire import parsed
from tracking.domain.call import CallStatus
from tracking.domain.usage import TokenUsage, UsageState

# How OpenAI frames a chat: each message's role and separators, and the words that the answer begins after.
_PER_MESSAGE: Final = 4
_PER_ANSWER: Final = 3
_UNSEEN_END: Final = "the end of the answer was never seen"
_NOT_REPORTED: Final = "the provider reported no usage"
_MORE: Final = "; more may have been billed"
_NOT_WHOLE: Final = object()
_HIDDEN: Final = "reasoning that was not sent is not in the count"


class Said:
    """What went over the wire in one exchange: the request's body, and the text of the answer so far."""

    __slots__ = ("_heard", "_request", "_whole")

    def __init__(self, request: bytes) -> None:
        self._request: bytes | None = request
        self._whole: object = None
        self._heard: Text | None = None  # most calls say their usage: made when there is something to hear

    @property
    def has_answer(self) -> bool:
        return self._heard is not None and bool(self._heard.pieces)

    @property
    def heard_so_far(self) -> Text | None:
        """The text of a streamed answer, which grows meanwhile. None: nothing was heard, or it ended."""
        return self._heard

    def hear(self, event: object) -> None:
        """Take the text of a stream's next event. After the end nothing is taken any more."""
        if self._request is not None:
            if self._heard is None:
                self._heard = Text()
            hear(event, self._heard)

    def hear_whole(self, body: object) -> None:
        """Hold a whole answer's decoded JSON, to be read when it has to be counted. None: it is not whole."""
        self._whole = _NOT_WHOLE if body is None else body

    def forget(self) -> None:
        self._request = self._whole = self._heard = None

    def sent(self) -> Text:
        return sent(parsed(self._request or b""))

    def heard(self) -> Text:
        text = self._heard or Text()
        if self._whole is _NOT_WHOLE:
            text.lacks(Gap.UNREAD_ANSWER)
        else:
            hear(self._whole, text)
        return text


class Settled(NamedTuple):
    """A call's usage as it goes into the ledger, and in words why it is not what the bill will say."""

    usage: TokenUsage | None
    state: UsageState
    notes: tuple[str, ...] = ()


def settle(said: Said | None, reported: TokenUsage | None, status: CallStatus, *, writes: bool) -> Settled:
    """Take what the provider reported of a whole answer; count the rest, where it can be counted.

    Half a count would pass for a whole one: where one half can't be counted, only what was reported is taken.

    Args:
        said: what went over the wire; None: nobody answered, or it could not be counted.
        reported: what the provider said; of an answer whose end was never seen, what it said so far.
        status: how the call ended; one that was refused is not billed, so nothing is counted.
        writes: whether a model writes the answer: an embedding has no output.
    """
    if reported is not None and not reported.total_tokens:
        reported = None  # some servers say 0 where they do not know
    if status is CallStatus.ERROR:
        return Settled(None, UsageState.UNKNOWN)
    if status is CallStatus.OK and reported is not None:
        return Settled(reported, UsageState.REPORTED)
    whole = status is CallStatus.OK
    why = _NOT_REPORTED if whole else _UNSEEN_END
    if said is None:
        return _as_reported(reported, why)
    heard = said.heard()
    asked = said.sent() if reported is None or reported.input_tokens is None else None
    gap = heard.gap if asked is None else asked.gap or heard.gap
    if gap is None and whole and writes and not heard.pieces:
        gap = Gap.UNREAD_ANSWER
    if gap is not None:
        return _as_reported(reported, why, gap)
    so_far = (reported and reported.output_tokens) or 0
    output = max(so_far, count_tokens("".join(heard.pieces))) if writes else None
    if asked is not None:
        usage = TokenUsage(input_tokens=input_tokens(asked), output_tokens=output)
        how = f"counted with {NAME}" if whole else f"counted with {NAME} as far as it was seen{_MORE}"
    else:
        assert reported is not None
        if output == reported.output_tokens:
            return _as_reported(reported, why)
        usage = dataclasses.replace(reported, output_tokens=output)
        how = f"the output is what arrived of it, counted with {NAME}{_MORE}"
    return Settled(usage, UsageState.ESTIMATED, (f"{why}: {how}", *((_HIDDEN,) if writes else ())))


def _as_reported(reported: TokenUsage | None, why: str, gap: Gap | None = None) -> Settled:
    """Nothing is counted: what an unfinished answer reported so far is a lower bound, or nothing is known."""
    if reported is not None:
        return Settled(
            reported, UsageState.ESTIMATED, (f"{why}: the counts are what it reported so far{_MORE}",)
        )
    return Settled(None, UsageState.UNKNOWN, (why if gap is None else f"{why}, and {gap}",))


def input_tokens(asked: Text) -> int:
    """What a request has a model read, with the framing that OpenAI puts around it."""
    framing = _PER_MESSAGE * asked.messages + _PER_ANSWER if asked.messages else 0
    return asked.tokens + framing + sum(map(count_tokens, asked.pieces))
