"""Whose call is it? The context's own block; without one, the only open block; else nobody's, but counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tracking.capture.scope import current_tracker, open_trackers
from tracking.capture.tracker import Tracker
from tracking.domain.call import LlmCall

_LOST = "several runs were under way, and the call's own could not be told"


def responsible_tracker() -> Tracker | None:
    """The tracker that a request made here belongs to. None: nobody is tracking.

    The context's own, even when its block has ended: what a run causes belongs to it. Without one (a bare
    thread pool), the outermost open block if there is only one; of several none is more likely than another.
    """
    if (tracker := current_tracker.get()) is not None:
        return tracker
    roots = [tracker for tracker in open_trackers() if tracker.parent is None]
    if len(roots) < 2:
        return roots[0] if roots else None
    return Unattributed(roots)


class Unattributed(Tracker):
    """Takes a call that belongs to one of several runs: into the ledger under no run, and noted on each."""

    def __init__(self, roots: Sequence[Tracker]) -> None:
        first = roots[0]
        super().__init__("unattributed", price=first.price, sink=first.sink)
        self._roots = roots

    def record(self, call: LlmCall) -> None:
        super().record(dataclasses.replace(call, run_id=None, notes=(*call.notes, _LOST)))

    def keep(self, call: LlmCall) -> None:
        super().keep(call)
        for root in self._roots:
            root.unattributed_requests += call.billed

    def failed(self, error: BaseException, *, lost: bool = True) -> None:
        for root in self._roots:
            root.failed(error, lost=lost)
