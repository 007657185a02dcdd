"""Structured output: good, bad then good, refused, cut by length, streamed."""

from contract.modes.stage import Mode, Ran, Stage, kickoff
from meter import Reply, RequestSummary

CHAT, SHAPED = "Analyst/task-0/chat", "Analyst/task-0/structured_output"
GOOD = Reply(text='{"region": "north", "crates": 1250}')
BAD = Reply(text="Many crates, in the north.")


def schema_answer(request: RequestSummary) -> Reply:
    """The good answer, as a tool's arguments where that is how the client asks for it."""
    if request.tool_names:
        return Reply(tool_calls=[(request.tool_names[0], {"region": "north", "crates": 1250})])
    return GOOD


def shape():
    from pydantic import BaseModel

    class Sales(BaseModel):
        region: str
        crates: int

    return Sales


def _run(stage: Stage, *, options, llm=None) -> Ran:
    agent = stage.agent(llm=llm)
    return kickoff(stage.crew(agent, tasks=[stage.task(agent, "task-0", **options)]))


def output_pydantic(stage: Stage) -> Ran:
    return _run(stage, options={"output_pydantic": shape()})


def output_json(stage: Stage) -> Ran:
    return _run(stage, options={"output_json": shape()})


def output_pydantic_streamed(stage: Stage) -> Ran:
    return _run(stage, options={"output_pydantic": shape()}, llm=stage.llm(stream=True))


def response_format_of_the_llm(stage: Stage) -> None:
    stage.llm(response_format=shape()).call("how many crates?")


def response_model(stage: Stage) -> None:
    stage.llm().call("how many crates?", response_model=shape())


MODES = (
    Mode("output_pydantic", output_pydantic, [SHAPED], [GOOD]),
    Mode("output_json", output_json, [SHAPED], [GOOD]),
    Mode("output_pydantic, bad then good", output_pydantic, [SHAPED, SHAPED], [BAD, GOOD]),
    Mode("output_pydantic, refused", output_pydantic, [SHAPED, CHAT], [Reply(refusal="No."), GOOD]),
    Mode(
        "output_pydantic, cut by length",
        output_pydantic,
        [SHAPED, SHAPED],
        [Reply(text='{"region": "no', finish_reason="length"), GOOD],
    ),
    Mode("output_pydantic, streamed", output_pydantic_streamed, [SHAPED], [GOOD]),
    Mode("LLM.call with response_model", response_model, ["-/-/structured_output"], [GOOD]),
    Mode("LLM with response_format", response_format_of_the_llm, ["-/-/structured_output"], [GOOD]),
)
