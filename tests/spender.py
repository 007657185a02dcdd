"""A process that carries out crews under budgets it shares with others: one line of JSON in, one out, each.

Started by tests, so that crewai is imported once for many crews.
"""

import contextlib
import json
import os
import sys

os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true"}


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # crewai prints
    from crewai import LLM, Agent, Crew, Task

    from tracking import Budget, BudgetExceeded, track

    def crew_of(plan):
        agents = [
            Agent(
                role=f"Agent {number}",
                goal="answer",
                backstory="brief",
                max_retry_limit=0,
                llm=LLM(model=f"openai/{llm['model']}", max_tokens=llm["max_tokens"], stream=llm["stream"]),
            )
            for number, llm in enumerate(plan["agents"])
        ]
        tasks = [
            Task(
                name=f"task-{number}",
                description="Say " + "more " * words,
                expected_output="words",
                agent=agents[number % len(agents)],
                async_execution=plan["asynchronous"] and number < len(plan["tasks"]) - 1,
            )
            for number, words in enumerate(plan["tasks"])
        ]
        return Crew(agents=agents, tasks=tasks)

    print("ready", file=out, flush=True)
    for line in sys.stdin:
        plan = json.loads(line)
        outcome = {"refusal": None, "errors": []}
        with contextlib.suppress(Exception):  # a provider that refuses for good ends its crew
            try:
                with track(
                    "crew", ledger=plan["ledger"], budget=[Budget(**b) for b in plan["budgets"]]
                ) as tracker:
                    try:
                        crew_of(plan).kickoff()
                    finally:
                        outcome["errors"] = tracker.errors
            except BudgetExceeded as error:
                outcome["refusal"] = error.refusal and error.refusal.to_json()
                outcome["said"] = str(error)
        print(json.dumps(outcome), file=out, flush=True)


if __name__ == "__main__":
    main()
