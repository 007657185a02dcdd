"""The metering provider against crewai: a crew runs on it as it would on the real ones."""

import pytest
from meter import MeterServer, Reply

# crewai warns about itself: of its own lazy imports, and of its own use of what it deprecated; google-genai
# subclasses aiohttp's ClientSession and builds a union that Python deprecated, at import.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:function_calling_llm is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings(r"ignore:deprecated$:DeprecationWarning:crewai\..*"),
    pytest.mark.filterwarnings("ignore:Inheritance class .* from ClientSession is discouraged"),
    pytest.mark.filterwarnings("ignore:'_UnionGenericAlias' is deprecated"),
]

LOOKUP = [("lookup", {"region": "north", "note": "one two three four five six"})]


def only(meter):
    [request] = meter.billed
    return request


@pytest.fixture
def crewai(tmp_path, monkeypatch):
    monkeypatch.setenv("CREWAI_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("CREWAI_DISABLE_TRACKING", "true")
    monkeypatch.setenv("CREWAI_TRACING_ENABLED", "false")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("CREWAI_STORAGE_DIR", str(tmp_path))
    import crewai

    return crewai


def one_agent_crew(crewai, llm, **options):
    agent = crewai.Agent(
        role="Analyst", goal="Compare regions", backstory="Counts twice.", llm=llm, **options
    )
    task = crewai.Task(description="Compare north and south.", expected_output="One line.", agent=agent)
    return crewai.Crew(agents=[agent], tasks=[task])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("openai/gpt-4o-mini", lambda url: {"base_url": f"{url}/v1"}),
        ("openai/gpt-4o-mini", lambda url: {"base_url": f"{url}/v1", "api": "responses"}),
        ("anthropic/claude-sonnet-4-5", lambda url: {"base_url": url}),
        ("gemini/gemini-2.5-flash", lambda url: {"client_params": {"http_options": {"base_url": url}}}),
    ],
    ids=["openai-chat", "openai-responses", "anthropic", "gemini"],
)
def test_a_crew_of_one_agent_agrees_with_the_meter(crewai, model, options, stream):
    with MeterServer([Reply(input_tokens=310, output_tokens=27)]) as meter:
        llm = crewai.LLM(model=model, api_key="any", stream=stream, **options(meter.url))
        result = one_agent_crew(crewai, llm).kickoff()
        request = only(meter)
        strays = meter.strays

    assert result.raw.startswith("Reply to a request of")
    assert request.stream is stream
    assert (result.token_usage.prompt_tokens, result.token_usage.completion_tokens) == (310, 27)
    assert (request.usage.input_tokens, request.usage.output_tokens) == (310, 27)
    assert strays == []


def test_a_crew_calls_a_tool_and_both_requests_are_metered(crewai):
    from crewai.tools import tool

    @tool("lookup")
    def lookup(region: str, note: str) -> str:
        """Sales of a region."""
        return f"{region}: 1250"

    with MeterServer([Reply(tool_calls=LOOKUP), Reply(text="North sold 1250.")]) as meter:
        llm = crewai.LLM(model="openai/gpt-4o-mini", api_key="any", base_url=f"{meter.url}/v1")
        result = one_agent_crew(crewai, llm, tools=[lookup]).kickoff()
        billed = meter.billed

    assert result.raw == "North sold 1250."
    assert len(billed) == 2
    assert result.token_usage.total_tokens == meter.total_tokens
