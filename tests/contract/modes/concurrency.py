"""Several things at once: async tasks, crews in threads, blocks inside a run."""

import threading

from contract.modes.stage import Mode, Ran, Stage, kickoff

WHO = ["Analyst/task-0/chat", "Writer/task-0/chat"]


def async_tasks(stage: Stage) -> Ran:
    agents = [stage.agent("Analyst"), stage.agent("Writer"), stage.agent("Editor")]
    tasks = [stage.task(agent, f"task-{i}", async_execution=i < 2) for i, agent in enumerate(agents)]
    return kickoff(stage.crew(*agents, tasks=tasks))


def _in_threads(*crews) -> None:
    from contextvars import copy_context

    threads = [threading.Thread(target=copy_context().run, args=(crew.kickoff,)) for crew in crews]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def crews_in_threads(stage: Stage) -> None:
    _in_threads(*(stage.crew(stage.agent(role)) for role in ("Analyst", "Writer")))


def crews_in_threads_sharing(stage: Stage) -> None:
    llm = stage.llm()
    _in_threads(*(stage.crew(stage.agent(role, llm)) for role in ("Analyst", "Writer")))


MODES = (
    Mode(
        "async tasks",
        async_tasks,
        ["Analyst/task-0/chat", "Writer/task-1/chat", "Editor/task-2/chat"],
        ordered=False,
    ),
    Mode("two crews in threads", crews_in_threads, WHO, ordered=False),
    Mode("two crews in threads, one LLM", crews_in_threads_sharing, WHO, ordered=False),
)
