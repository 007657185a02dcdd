"""Requests that were seen outside of any model call of crewai's, on a thread without its context for one.

crewai may announce the call they were made for all the same: it is the same one, and is not counted again.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

_MOST_REMEMBERED: Final = 200  # they are asked for while their call is under way


@dataclass(slots=True)
class _Request:
    began: float  # perf_counter
    response_id: str | None
    tokens: int | None


_recent: deque[_Request] = deque(maxlen=_MOST_REMEMBERED)
_lock = threading.Lock()


def seen(began: float, response_id: str | None, tokens: int | None) -> None:
    with _lock:
        _recent.append(_Request(began, response_id, tokens))


def take(since: float, response_id: str | None, tokens: int | None) -> bool:
    """Whether a call that began then was seen as such a request. None: crewai does not say."""
    with _lock:
        for request in _recent:
            if request.began >= since and _is_same(request, response_id, tokens):
                _recent.remove(request)
                return True
    return False


def _is_same(request: _Request, response_id: str | None, tokens: int | None) -> bool:
    if request.response_id is not None and response_id is not None:
        return request.response_id == response_id
    return tokens is None or request.tokens is None or request.tokens == tokens
