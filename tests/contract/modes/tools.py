"""Tools: native, ReAct, through a function-calling LLM, at the limit of iterations, overflowing."""

from contract.modes.stage import Mode, Ran, Stage, ask, kickoff
from meter import Reply

CHAT = "Analyst/task-0/chat"
LOOKUP = Reply(tool_calls=[("lookup", {"region": "north"})])
REACT = Reply(text='Thought: I look.\nAction: lookup\nAction Input: {"region": "north"}')

MUDDLED = Reply(text="Thought: I look.\nAction: lookup\nAction Input: the north, please")
ARGUMENTS = Reply(text='{"tool_name": "lookup", "arguments": {"region": "north"}}')


def lookup_tool():
    from crewai.tools import tool

    @tool("lookup")
    def lookup(region: str) -> str:
        """Sales of a region."""
        return f"{region}: 1250"

    return lookup


def native(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(tools=[lookup_tool()])))


def react(stage: Stage) -> Ran:
    from crewai.llms.providers.openai.completion import OpenAICompletion

    class NoFunctions(OpenAICompletion):
        def supports_function_calling(self) -> bool:
            return False

    llm = NoFunctions(model="gpt-4o-mini", api_key="any", base_url=f"{stage.url}/v1")
    return kickoff(stage.crew(stage.agent(llm=llm, tools=[lookup_tool()])))


def function_calling_llm(stage: Stage) -> Ran:
    from crewai.llms.providers.openai.completion import OpenAICompletion

    class NoFunctions(OpenAICompletion):
        def supports_function_calling(self) -> bool:
            return False

    llm = NoFunctions(model="gpt-4o-mini", api_key="any", base_url=f"{stage.url}/v1")
    agent = stage.agent(llm=llm, tools=[lookup_tool()], function_calling_llm=stage.llm("openai/gpt-4o"))
    return kickoff(stage.crew(agent))


def forced_answer(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(tools=[lookup_tool()], max_iter=1)))


def client_in_a_tool(stage: Stage) -> Ran:
    from crewai.tools import tool

    @tool("lookup")
    def lookup(region: str) -> str:
        """Sales of a region."""
        with stage.client() as client:
            return str(ask(client, region).choices[0].message.content)

    return kickoff(stage.crew(stage.agent(tools=[lookup])))


def crew_in_a_tool(stage: Stage) -> Ran:
    from crewai.tools import tool

    @tool("lookup")
    def lookup(region: str) -> str:
        """Sales of a region."""
        inner = stage.agent("Scout")
        return str(stage.crew(inner, tasks=[stage.task(inner, "scouting")]).kickoff())

    return kickoff(stage.crew(stage.agent(tools=[lookup])))


def llm_call_in_callbacks(stage: Stage) -> Ran:
    llm = stage.llm("openai/gpt-4o")
    agent = stage.agent(tools=[lookup_tool()])
    crew = stage.crew(
        agent,
        tasks=[stage.task(agent, "task-0", callback=lambda _: llm.call("summarise"))],
        step_callback=lambda _: llm.call("comment"),
    )
    return kickoff(crew)


MODES = (
    Mode("native tools", native, [CHAT, CHAT], [LOOKUP]),
    Mode("ReAct tools", react, [CHAT, CHAT], [REACT]),
    Mode(
        "function_calling_llm",
        function_calling_llm,
        [CHAT, "Analyst/task-0/tool_calling", CHAT],
        [MUDDLED, ARGUMENTS],
    ),
    Mode("max_iter forced answer", forced_answer, [CHAT, CHAT], [LOOKUP]),
    Mode("raw client in a tool", client_in_a_tool, [CHAT, CHAT, CHAT], [LOOKUP]),
    Mode("crew in a tool", crew_in_a_tool, [CHAT, "Scout/scouting/chat", CHAT], [LOOKUP]),
    Mode("LLM.call in callbacks", llm_call_in_callbacks, [CHAT] * 4, [LOOKUP]),
)
