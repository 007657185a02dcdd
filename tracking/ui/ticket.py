"""One click, one run: what keeps a second click from being a second run."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tracking.errors import TrackingError


@dataclass(slots=True)
class Ticket:
    """Good for one hand-over. `made` is the id of what came of it, `problem` why the last try failed.

    A second click does not wait for the first: Streamlit starts the page's script again beside the one that
    is still handing the run over. The lock makes it wait, and the ticket tells it that this has been done.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    used: bool = False
    made: str | None = None
    problem: str | None = None

    def spend(self, hand_over: Callable[[], str], what: str) -> None:
        """Hand over, unless that has been done. `what` begins the sentence that says why it failed.

        Every access to the session state may end a script for the next click's sake; the ticket is a plain
        object, so nothing can intervene between handing over and noting the id.
        """
        with self.lock:
            if self.used:
                return
            try:
                self.made = hand_over()
            except TrackingError as error:
                reason = str(error).partition("\n")[0]  # a database's own words go on for pages
                self.problem = f"{what} could not be started: {reason}. Try again in a few seconds."
            else:
                self.used = True

    def looked_up(self) -> str | None:
        """What came of it, after any hand-over that is under way."""
        with self.lock:
            return self.made
