"""A run from spec to report: real crewai and provider clients against the metering provider."""

import dataclasses
import json
import re
import threading
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from meter import MeterServer, Reply

from tracking import Budget, Ledger, TokenMetrics
from tracking.budgets.book import BudgetBook
from tracking.crew.catalog import load_catalog
from tracking.domain.budget import Amounts
from tracking.domain.reading import Verification
from tracking.domain.run import Run, RunState
from tracking.domain.spec import Campaign, ContextMode, Dataset, LoopGuard, RunSettings, RunSpec
from tracking.domain.standing import Refusal
from tracking.ledger.accounts import Accounts
from tracking.ledger.outputs import OutputStore
from tracking.ledger.runs import RunBook
from tracking.report.loops import loop_notes
from tracking.settings import Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]

SPEC = RunSpec(
    preset="custom",
    agents=("market_research_analyst", "data_analyst", "report_writer"),
    model="openai-mini",
    settings=RunSettings(context_mode=ContextMode.DECLARED, max_output_tokens=77),
)


@pytest.fixture
def settings(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
    return Settings()


@pytest.fixture
def carry_out(settings, monkeypatch):
    """Carries out one spec against a meter; gives the run, its meter, and the bodies of its requests."""

    def go(spec, script=()):
        from tracking.crew.execute import execute_run
        from tracking.crew.models import Models

        bodies = []
        replies = None if callable(script) else iter(script)

        def reply(request):
            bodies.append(request.body)
            if replies is None:
                return script(request)
            return next(replies, Reply(text="An answer in a few words."))

        with Ledger.open(settings.ledger_url) as ledger, MeterServer(reply) as meter:
            monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
            run_id = uuid.uuid4().hex
            RunBook(ledger).add(
                Run(run_id=run_id, name="test", created_at=datetime.now(UTC), spec=spec.to_json())
            )
            execute_run(settings, run_id, Models(settings))
            return ledger.run(run_id), meter, bodies, list(ledger.calls(run_id=run_id))

    return go


def with_settings(**changes):
    return dataclasses.replace(SPEC, settings=dataclasses.replace(SPEC.settings, **changes))


def metrics_of(run):
    return TokenMetrics.from_json(run.readings["metrics"])


def prompts_of(bodies):
    return ["\n".join(str(message["content"]) for message in body["messages"]) for body in bodies]


def test_a_run_leads_to_a_report_whose_figures_equal_the_meters(carry_out, settings):
    run, meter, _, calls = carry_out(SPEC)
    assert (run.state, run.error) == (RunState.COMPLETED, None)
    metrics = metrics_of(run)
    assert metrics.total_tokens == meter.total_tokens
    assert metrics.requests_made == len(meter.billed) == 3
    assert metrics.caption == "crew_metrics, verified against 3 calls"
    assert [(c.agent_name, c.task_name, c.workflow_name) for c in calls] == [
        ("Market Research Analyst", "market_research", "custom"),
        ("Data Analyst", "data_analysis", "custom"),
        ("Report Writer", "report", "custom"),
    ]
    outputs = OutputStore.open(settings.outputs_url).of(run.run_id)
    assert [output.task_name for output in outputs] == ["market_research", "data_analysis", "report"]
    assert all(output.text == "An answer in a few words." for output in outputs)
    assert "Revenue" in outputs[0].figures


def test_calls_are_priced_by_the_prices_in_the_home_and_a_broken_file_breaks_no_run(carry_out, settings):
    settings.home.mkdir(exist_ok=True)
    price = (
        '[[price]]\nprovider = "openai"\nmodel = "gpt-4o-mini"\nsource = "contract"\ninput = {}\noutput = 0\n'
    )
    settings.own_prices.write_text(price.format("1000"), "utf-8")
    run, _, _, calls = carry_out(SPEC)
    # $1,000 per million input tokens, $0 for output
    assert metrics_of(run).total_cost == Decimal(sum(c.usage.input_tokens for c in calls)) / 1_000
    settings.own_prices.write_text(price.format("-1"), "utf-8")
    run, *_ = carry_out(SPEC)
    assert run.state is RunState.COMPLETED
    assert 0 < metrics_of(run).total_cost < 1  # the shipped price
    (note,) = run.evidence["tracker"]["notes"]
    assert note.startswith("your own prices are left out: prices.toml, line 1: input")


def test_an_answer_is_kept_with_the_outputs_and_a_prompt_with_the_spec_and_both_nowhere_else(
    carry_out, tmp_path
):
    carry_out(dataclasses.replace(SPEC, campaign=Campaign(target_audience="Night owls in ports")))
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert {f.name.removesuffix("-wal") for f, b in files.items() if b"in a few words" in b} == {
        "outputs.sqlite"
    }
    assert {f.name.removesuffix("-wal") for f, b in files.items() if b"Night owls" in b} == {"ledger.sqlite"}


def test_the_output_limit_is_the_requests(carry_out):
    _, _, bodies, _ = carry_out(SPEC)
    assert {body["max_completion_tokens"] for body in bodies} == {77}


def test_streaming_is_the_requests_and_the_figures_stay_exact(carry_out):
    run, meter, bodies, _ = carry_out(with_settings(stream=True))
    assert all(body["stream"] for body in bodies)
    assert metrics_of(run).total_tokens == meter.total_tokens
    assert metrics_of(run).verification is Verification.VERIFIED


def test_an_agent_with_a_model_of_its_own_asks_that_one(carry_out):
    spec = dataclasses.replace(SPEC, agent_models={"data_analyst": "openai"})
    _, _, bodies, calls = carry_out(spec)
    assert [body["model"] for body in bodies] == ["gpt-4o-mini", "gpt-5", "gpt-4o-mini"]
    assert [call.request_model for call in calls] == ["gpt-4o-mini", "gpt-5", "gpt-4o-mini"]


def test_without_tracking_there_is_no_ledger_and_nothing_is_verified(carry_out):
    run, meter, _, calls = carry_out(with_settings(track_tokens=False))
    assert calls == []
    metrics = metrics_of(run)
    assert metrics.caption == "crew_metrics, unverified: token tracking was off"
    assert metrics.total_tokens == meter.total_tokens
    assert metrics.total_cost is None
    assert run.evidence["tracking"] is False


@pytest.mark.parametrize(
    ("mode", "seen_by_data_analyst", "seen_by_report_writer"),
    [(ContextMode.ALL, 1, 2), (ContextMode.DECLARED, 0, 2), (ContextMode.TRIMMED, 0, 2)],
)
def test_earlier_outputs_are_shown_as_the_context_setting_says(
    carry_out, mode, seen_by_data_analyst, seen_by_report_writer
):
    _, _, bodies, _ = carry_out(with_settings(context_mode=mode))
    seen = [prompt.count("An answer in a few words.") for prompt in prompts_of(bodies)]
    assert seen == [0, seen_by_data_analyst, seen_by_report_writer]


def test_a_trimmed_output_is_cut_at_a_word(carry_out):
    long = "word " * 200
    spec = with_settings(context_mode=ContextMode.TRIMMED, context_tokens=10)
    _, _, bodies, _ = carry_out(spec, [Reply(text=long), Reply(text=long)])
    report = prompts_of(bodies)[2]
    assert "word word word word word word word …" in report  # 10 tokens, about 40 characters, 8 words
    assert "word " * 9 not in report


def test_a_token_budget_stops_the_run_before_the_next_call(carry_out):
    spec = with_settings(token_budget=2_000, budget_wait_minutes=0)
    run, meter, _, calls = carry_out(spec, [Reply(text="x", input_tokens=1_880, output_tokens=120)])
    assert run.state is RunState.STOPPED
    told = (
        "budget: budget 'this run' of 2,000 tokens does not suffice: 2,000 tokens spent, 0 tokens reserved,"
    )
    assert run.stop_reason.startswith(f"{told} at most ")
    assert len(meter.requests) == len(calls) == 1
    assert metrics_of(run).total_tokens == 2_000


def test_a_budget_takes_a_call_whose_end_was_not_seen_to_have_used_all_it_could(carry_out, settings):
    replies = [
        Reply(text="An answer that breaks off", cut_after_chunks=1),  # billed, and asked for again
        Reply(text="x", input_tokens=90, output_tokens=10),
    ]
    run, meter, _, _ = carry_out(with_settings(token_budget=1_000, budget_wait_minutes=0), replies)
    spent = int(re.search(r"([\d,]+) tokens spent", run.stop_reason).group(1).replace(",", ""))
    assert spent > 100 + 120  # what was reported, the most that the other one may have answered, its question
    assert len(meter.billed) == 2


def test_a_budget_in_dollars_lets_a_model_without_a_price_ask_nothing(carry_out):
    run, meter, _, _ = carry_out(with_settings(cost_budget_usd=0.0, budget_wait_minutes=0))
    assert run.state is RunState.STOPPED
    assert "of $0.00 does not suffice: $0.00 spent" in run.stop_reason
    assert meter.requests == []


def test_a_shared_budget_needs_token_tracking(carry_out, settings):
    with Ledger.open(settings.ledger_url) as ledger:
        BudgetBook(ledger).put(Budget(name="all of us", per="all", calls=100))
    run, meter, _, _ = carry_out(with_settings(track_tokens=False))
    assert run.stop_reason == (
        "budget: nobody can keep to budget 'all of us' without token tracking: switch it on"
    )
    assert meter.requests == []


def test_a_run_waits_for_a_higher_limit_and_goes_on(carry_out, settings):
    budget = Budget(name="all of us", per="all", calls=1)
    with Ledger.open(settings.ledger_url) as ledger:
        BudgetBook(ledger).put(budget)
        accounts, waits = Accounts(ledger), []

        def raise_it():
            while not waits:
                waits.extend(run.budget_wait for run in ledger.runs(state="running") if run.budget_wait)
                time.sleep(0.05)
            refusal = Refusal.from_json(waits[0])
            accounts.raise_limit(refusal.key, refusal.period, Amounts(calls=10))

        person = threading.Thread(target=raise_it)
        person.start()
        run, meter, _, calls = carry_out(with_settings(budget_wait_minutes=1))
        person.join()
        with ledger.engine.connect() as connection:
            alerts = connection.exec_driver_sql("SELECT kind, title FROM alerts ORDER BY alert_id").all()
    assert run.state is RunState.COMPLETED
    assert run.budget_wait is None
    assert len(meter.requests) == len(calls) == 3
    assert waits[0]["asked"] == 1
    assert tuple(alerts[0]) == (
        "budget_threshold",
        "budget 'all of us' is spent: 1 call of 1 call",
    )
    assert "budget_refused" in [kind for kind, _ in alerts]


def test_a_budget_that_is_not_spent_does_not_stop_anything(carry_out):
    run, *_ = carry_out(with_settings(token_budget=1_000_000))
    assert run.state is RunState.COMPLETED


@pytest.mark.parametrize("cache", [True, False])
def test_a_tool_asked_twice_answers_from_memory_only_where_that_is_wanted(carry_out, monkeypatch, cache):
    from tracking.crew.tools import SalesLookup

    computed = []
    original = SalesLookup._run
    monkeypatch.setattr(
        SalesLookup, "_run", lambda self, **question: computed.append(question) or original(self, **question)
    )
    question = ("sales_lookup", {"metric": "revenue", "by": "region"})
    spec = dataclasses.replace(with_settings(cache_tool_results=cache), agents=("data_analyst",))
    run, meter, bodies, _ = carry_out(
        spec, [Reply(tool_calls=[question]), Reply(tool_calls=[question]), Reply(text="Europe leads.")]
    )
    assert run.state is RunState.COMPLETED
    assert len(computed) == (1 if cache else 2)
    assert "North America: $" in json.dumps(bodies[-1])
    assert metrics_of(run).total_tokens == meter.total_tokens


@pytest.fixture
def while_asked(settings):
    """A script of replies during the second of which something is done to the run that asks."""

    def script(act):
        def during(request):
            if request.index == 1:
                with Ledger.open(settings.ledger_url) as ledger:
                    [run] = ledger.runs()
                    act(RunBook(ledger), run.run_id)
            return Reply(text="An answer in a few words.")

        return during

    return script


def test_a_run_stops_after_the_task_under_way_and_keeps_its_report_so_far(carry_out, settings, while_asked):
    run, meter, _, calls = carry_out(SPEC, while_asked(RunBook.request_stop_after_task))
    assert (run.state, run.stop_reason, run.error) == (
        RunState.STOPPED,
        "stopped by you after the task data_analysis",
        None,
    )
    assert len(meter.billed) == len(calls) == 2
    assert metrics_of(run).total_tokens == meter.total_tokens
    outputs = OutputStore.open(settings.outputs_url).of(run.run_id)
    assert [(o.task_name, o.text) for o in outputs] == [
        ("market_research", "An answer in a few words."),
        ("data_analysis", "An answer in a few words."),
    ]
    with Ledger.open(settings.ledger_url) as ledger:
        states = [task.state for task in RunBook(ledger).tasks(run.run_id)]
    assert states == [RunState.COMPLETED, RunState.COMPLETED, RunState.QUEUED]


def test_a_stop_after_the_last_task_is_no_stop(carry_out, while_asked):
    spec = dataclasses.replace(SPEC, agents=("market_research_analyst", "data_analyst"))
    run, meter, *_ = carry_out(spec, while_asked(RunBook.request_stop_after_task))
    assert (run.state, run.stop_reason) == (RunState.COMPLETED, None)
    assert len(meter.billed) == 2


def test_a_stop_after_the_task_that_was_taken_back_is_none(carry_out, while_asked):
    def ask_and_take_back(book, run_id):
        book.request_stop_after_task(run_id)
        assert book.take_back_stop_after_task(run_id)

    run, meter, *_ = carry_out(SPEC, while_asked(ask_and_take_back))
    assert run.state is RunState.COMPLETED
    assert len(meter.billed) == 3


def test_a_run_that_is_to_stop_before_its_first_task_asks_nothing(carry_out, monkeypatch):
    from tracking.crew import execute

    def after_request(self, run_id, tasks, *, original=RunBook.set_tasks):
        original(self, run_id, tasks)
        self.request_stop_after_task(run_id)

    monkeypatch.setattr(execute.RunBook, "set_tasks", after_request)
    run, meter, *_ = carry_out(SPEC)
    assert (run.state, run.stop_reason) == (RunState.STOPPED, "stopped by you before its first task")
    assert meter.requests == []


def going_round(request):
    """A model that looks the same figure up again and again, whatever it is answered."""
    return Reply(tool_calls=[("sales_lookup", {"metric": "revenue", "by": "region"})])


def asking_for_ever_more(request):
    """One that varies its question a little, which crewai does not take for the same."""
    if request.index < 20:
        question = {"metric": "revenue", "by": "region", "limit": request.index + 1}
        return Reply(tool_calls=[("sales_lookup", question)])
    return Reply(text="Europe leads.")


def said(settings, run, level="warning"):
    with Ledger.open(settings.ledger_url) as ledger:
        return [line.message for line in RunBook(ledger).log_lines(run.run_id) if line.level == level]


LOOPED = re.compile(
    r"loop guard: Data Analyst made 4 calls in a row for Data analysis that are alike \([\d,]+ tokens\): "
    r"inputs of much the same size, answers of exactly \d+ tokens"
)


@pytest.mark.parametrize("cache", [True, False])
def test_a_run_that_goes_round_in_circles_is_ended_before_its_next_call(carry_out, settings, cache):
    spec = dataclasses.replace(
        with_settings(loop_guard=LoopGuard.STOP, cache_tool_results=cache), agents=("data_analyst",)
    )
    run, meter, _, calls = carry_out(spec, going_round)
    assert (run.state, run.error) == (RunState.STOPPED, None)
    assert LOOPED.fullmatch(run.stop_reason)
    assert said(settings, run) == [run.stop_reason]
    assert len(meter.billed) == len(calls) == 4
    assert metrics_of(run).total_tokens == meter.total_tokens
    assert loop_notes(run, calls) == ()  # its end says it


def test_a_run_that_goes_round_in_circles_is_told_of_once_and_goes_on(carry_out, settings):
    spec = dataclasses.replace(SPEC, agents=("data_analyst",))
    run, meter, _, calls = carry_out(spec, asking_for_ever_more)
    assert run.state is RunState.COMPLETED
    [sentence] = said(settings, run)
    assert LOOPED.fullmatch(sentence)
    [note] = loop_notes(run, calls)
    assert re.match(r"Loop guard: Data Analyst made \d+ calls in a row for Data analysis", note)
    assert len(meter.billed) == len(calls) == 21


def test_a_run_whose_loops_nobody_wants_to_hear_of_is_left_alone(carry_out, settings):
    spec = dataclasses.replace(with_settings(loop_guard=LoopGuard.OFF), agents=("data_analyst",))
    run, _, _, calls = carry_out(spec, asking_for_ever_more)
    assert run.state is RunState.COMPLETED
    assert said(settings, run) == []
    assert loop_notes(run, calls) == ()


def test_a_model_that_looks_up_one_figure_after_another_is_in_no_loop(carry_out, settings):
    asked = [
        {"metric": metric, "by": by}
        for metric in ("revenue", "profit", "units")
        for by in ("region", "category", "brand", "month")
    ]
    script = [Reply(tool_calls=[("sales_lookup", question)]) for question in asked]
    spec = dataclasses.replace(with_settings(loop_guard=LoopGuard.STOP), agents=("data_analyst",))
    run, meter, *_ = carry_out(spec, script)
    assert (run.state, said(settings, run)) == (RunState.COMPLETED, [])
    assert len(meter.billed) == 13


def test_a_failure_keeps_its_message_apart_from_the_ledger_and_the_usage_up_to_it(carry_out, settings):
    refusals = [Reply(status=400, error_message="the key sk-test-0123456789abcdef is wrong")] * 9
    run, meter, _, calls = carry_out(SPEC, [Reply(text="fine"), *refusals])
    assert run.state is RunState.FAILED
    message = OutputStore.open(settings.outputs_url).failure(run.run_id)
    assert "400" in message
    assert "0123456789abcdef" not in message
    assert run.error["message"] == ""  # what others say may quote what was said
    assert "execute.py" in run.error["traceback"]
    assert "0123456789abcdef" not in json.dumps([run.error, run.evidence])
    assert metrics_of(run).total_tokens == meter.total_tokens > 0
    assert [call.billed for call in calls][:2] == [True, False]


def test_what_a_person_typed_in_braces_is_sent_as_it_is(carry_out):
    spec = dataclasses.replace(SPEC, campaign=Campaign(target_audience="{everybody} & {x"))
    run, _, bodies, _ = carry_out(spec)
    assert run.state is RunState.COMPLETED
    assert "{everybody} & {x" in prompts_of(bodies)[0]


def test_a_run_whose_data_is_gone_fails_saying_so(carry_out):
    run, *_ = carry_out(dataclasses.replace(SPEC, dataset=Dataset(name="mine.csv", sha256="0" * 64)))
    assert run.error["message"] == "the uploaded file mine.csv is no longer here: upload it again"


def test_a_run_that_is_not_queued_is_left_alone(carry_out, settings):
    from tracking.crew.execute import execute_run
    from tracking.crew.models import Models

    run, *_ = carry_out(SPEC)
    execute_run(settings, run.run_id, Models(settings))
    with Ledger.open(settings.ledger_url) as ledger:
        assert ledger.run(run.run_id) == run


def test_every_setting_of_a_run_is_tested_here():
    tested = {"track_tokens", "max_output_tokens", "context_mode", "context_tokens", "cache_tool_results"}
    assert tested | {"token_budget", "cost_budget_usd", "budget_wait_minutes", "stream", "loop_guard"} == {
        f.name for f in dataclasses.fields(RunSettings)
    }


def test_the_shipped_models_name_tools_only_for_models_that_call_them(settings):
    models = load_catalog(settings).models
    assert not models["embedded"].tools
    assert models["openai-mini"].tools
