"""What is asked before a request is sent, and told when it has ended: whether a budget lets it pass."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tracking.domain.call import LlmCall

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that is about to be sent.

    Attributes:
        agent_is_known: whether `agent_name` is what it will be recorded with; if not, that comes later.
        body: what it says; it is read for its size and let go of.
    """

    call_id: str
    at: datetime
    provider_name: str
    model: str
    operation_name: str
    agent_name: str | None
    agent_is_known: bool
    body: bytes = field(repr=False)


class Gate(Protocol):
    """Lets calls pass or refuses them."""

    def ask(self, asking: Asking) -> None:
        """Wait until the call may be made.

        Raises:
            BudgetExceeded: it may not.
        """

    async def ask_async(self, asking: Asking) -> None:
        """The same, where a wait must not hold up what else the event loop has to do."""

    def withdraw(self, call_id: str) -> None:
        """The call was allowed, and is not made after all."""

    def settle(self, call: LlmCall) -> None:
        """A call has ended, whether it was asked for or only seen afterwards."""


def ask(gates: Sequence[Gate], asking: Asking) -> None:
    """Ask all of them. Where one refuses, nothing stays set aside at the others."""
    for number, gate in enumerate(gates):
        try:
            gate.ask(asking)
        except BaseException:
            _withdraw(
                gates[: number + 1], asking.call_id
            )  # the last may have been interrupted on its way out
            raise


async def ask_async(gates: Sequence[Gate], asking: Asking) -> None:
    for number, gate in enumerate(gates):
        try:
            await gate.ask_async(asking)
        except BaseException:  # also where the task is cancelled while it waits
            _withdraw(gates[: number + 1], asking.call_id)
            raise


def _withdraw(gates: Sequence[Gate], call_id: str) -> None:
    for gate in gates:
        try:
            gate.withdraw(call_id)
        except Exception as error:  # what is raised is why the call is not made
            logger.warning("what was set aside for a call could not be given back", exc_info=error)
