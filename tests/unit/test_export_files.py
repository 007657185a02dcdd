import csv
import dataclasses
import io
import json
from datetime import timedelta

import pytest
from run_support import BEGAN, agreeing, call, estimated, outputs, run, tasks, three_calls

from tracking.dataset.briefing import FIGURES_LABEL
from tracking.domain.run import RunState
from tracking.export.files import as_csv, as_json, as_markdown, file_name
from tracking.report.account import account_of, headline, tiles

LATER = BEGAN + timedelta(hours=1)


@pytest.fixture
def account():
    calls = three_calls()
    return account_of(run(metrics=agreeing(calls)), tasks(*[RunState.COMPLETED] * 3), calls, LATER)


def rows(calls):
    return list(csv.DictReader(io.StringIO(as_csv(calls))))


def test_markdown_says_what_the_screen_says(account):
    text = as_markdown(account, outputs(), "Europe/Berlin")
    assert text.startswith(f"# {headline(account)}\n\nAutumn launch, 21 Nov 2026, 20:59\n")
    assert "Data source: crew_metrics, verified against 3 calls" in text
    for tile in tiles(account):
        assert f"| {tile.label} | {tile.value} | {tile.note} |" in text
    assert "| Report Writer | 1 | 360 | 110 | 470 | 37 % | $0.00012 |" in text  # 470 / 1275


def test_markdown_says_what_the_tracker_notes_of_its_figures():
    noted = run(evidence={"tracker": {"notes": ["crewai 1.17.0 is newer"]}})
    text = as_markdown(account_of(noted, (), three_calls(), LATER), outputs(), None)
    assert "\n\ncrewai 1.17.0 is newer\n\n| Figure |" in text


def test_markdown_holds_the_report_and_keeps_the_figures_apart(account):
    text = as_markdown(account, outputs(), None)
    assert "## Report\n\n*Report Writer*\n\n### Decide\n\nSpend $40,000 in summer, not $20,000." in text
    assert text.count(f"**{FIGURES_LABEL}** (sales.csv)") == 3


def test_markdown_says_everything_once_below_its_own_headings(account):
    text = as_markdown(account, outputs(), None)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Done in 38 s: 1,275 tokens, $0.00036, 3 calls",
        "## Token Usage Summary",
        "### By agent",
        "### By task",
        "### By model",
        "## Report",
        "### Decide",
        "## Task outputs",
        "### Market research",
        "### Data analysis",
    ]
    for output in outputs():
        assert text.count(output.text.partition("\n\n")[2] or output.text) == 1


def test_markdown_of_a_run_that_did_not_finish_says_whose_answer_it_holds(account):
    text = as_markdown(account, outputs(2), None)
    assert "## Report\n\n2 of 3 tasks finished: this is the last one's answer.\n\n*Data Analyst*" in text


def test_code_that_a_model_left_open_does_not_swallow_the_rest(account):
    texts = [dataclasses.replace(outputs()[0], text="```\n# no heading"), outputs()[1]]
    assert "```\n# no heading\n```\n" in as_markdown(account, texts, None)


def test_markdown_of_a_failed_run_says_why():
    record = run(RunState.FAILED, error={"type": "Timeout", "message": "too slow", "traceback": ""})
    text = as_markdown(account_of(record, [], [], LATER), [], None)
    assert text.startswith("# Failed with Timeout after 38 s: no model call was seen\n")
    assert "\ntoo slow\n" in text
    assert "## Report" not in text


def test_a_run_that_was_cut_off_is_downloaded_with_lower_bounds():
    cut = account_of(run(RunState.LOST), [], three_calls(), LATER)
    text = as_markdown(cut, [], None)
    assert text.startswith("# Lost after 38 s: ≥ 1,275 tokens, ≥ $0.00036, ≥ 3 calls\n")
    assert "| Total Tokens | ≥ 1,275 |" in text
    assert text.count("An open call may be missing here.") == 3  # by agent, task and model
    found = json.loads(as_json(cut, []))["metrics"]
    assert (found["lower_bound"], found["cost_state"], found["total_cost"]) == (True, "partial", "0.00036")


def test_json_has_exact_money_and_the_same_sums(account):
    found = json.loads(as_json(account, outputs()))
    assert found["metrics"]["total_cost"] == "0.00036"
    assert [one["cost_usd"] for one in found["calls"]] == ["0.00012"] * 3
    for lines in found["breakdown"].values():
        assert sum(line["total_tokens"] for line in lines) == found["metrics"]["total_tokens"] == 1275
    assert found["run"]["headline"] == headline(account)
    assert found["outputs"][2]["text"].startswith("# Decide")


def test_csv_has_a_row_per_call_with_the_ledgers_names():
    found = rows(three_calls())
    assert [row["input_tokens"] for row in found] == ["280", "320", "360"]
    assert found[0]["started_at"] == "2026-11-21T20:00:01+00:00"
    assert (found[0]["cost_usd"], found[0]["cost_state"], found[0]["sources"]) == (
        "0.00012",
        "known",
        "http, usage_hook",
    )


def test_what_is_not_known_is_an_empty_cell_and_null_and_never_0(account):
    unknown = call(0, tokens=None)
    assert rows([unknown])[0]["input_tokens"] == rows([unknown])[0]["cost_usd"] == ""
    found = json.loads(as_json(account_of(run(), [], [unknown], LATER), []))
    assert found["calls"][0]["input_tokens"] is None
    assert found["metrics"]["total_tokens"] is None


def test_an_estimate_is_marked_in_every_file_with_its_reason():
    calls = [*three_calls(), estimated(3)]
    shown = account_of(run(RunState.STOPPED), [], calls, LATER)
    assert "| Data Analyst | 2 | ≈ 520 | ≈ 145 | ≈ 665 |" in as_markdown(shown, [], None)
    found = json.loads(as_json(shown, []))
    assert (found["metrics"]["total_tokens"], found["metrics"]["estimated_tokens"]) == (1515, 240)
    lines = {line["name"]: line for line in found["breakdown"]["agent"]}
    assert (lines["Data Analyst"]["estimated_requests"], lines["Data Analyst"]["estimated_tokens"]) == (
        1,
        240,
    )
    assert lines["Report Writer"]["estimated_tokens"] == 0
    last = rows(calls)[-1]
    assert last["usage_state"] == "estimated"
    assert last["notes"] == "the provider reported no usage: counted with o200k_base"


def test_a_0_stays_a_0():
    assert rows([call(0, tokens=(0, 7))])[0]["input_tokens"] == "0"


def test_a_name_from_outside_is_no_formula_to_a_spreadsheet():
    assert rows([call(0, response_model="=HYPERLINK(1)")])[0]["response_model"] == "'=HYPERLINK(1)"


def test_a_bar_in_a_name_does_not_break_the_table():
    calls = [call(0, agent="A | B")]
    assert "| A \\| B | 1 |" in as_markdown(account_of(run(), [], calls, LATER), [], None)


def test_files_are_named_after_the_run(account):
    assert file_name(account, "md") == "autumn-launch-2026-11-21-19-59.md"


def test_no_calls_make_an_empty_file():
    assert as_csv([]) == ""
