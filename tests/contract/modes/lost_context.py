"""Work whose context got lost on the way, and calls that are billed after control came back."""

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

from contract.modes.stage import Mode, Stage, ask
from meter import Reply

NOBODY = "-/-/chat"


def bare_thread_pool(stage: Stage) -> None:
    with stage.client() as client, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda text: ask(client, text), ["a", "b"]))


def cancelled_kickoff(stage: Stage) -> None:
    crew = stage.crew(stage.agent())

    async def give_up():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(crew.kickoff_async(), timeout=0.15)

    asyncio.run(give_up())
    time.sleep(0.6)


MODES = (
    Mode("a bare thread pool", bare_thread_pool, [NOBODY] * 2, ordered=False, twice=False),
    Mode(
        "a kickoff that timed out",
        cancelled_kickoff,
        ["Analyst/task-0/chat"],
        lambda _: Reply(delay_seconds=0.4),
    ),
)
