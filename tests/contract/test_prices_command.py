"""`python -m tracking prices`, with a server that publishes a list, and a ledger that has seen models."""

import json
import socket
import threading
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import pytest
from run_support import call
from typer.testing import CliRunner

from tracking import Ledger, PriceBook, TokenUsage
from tracking.__main__ import app
from tracking.pricing import publication
from tracking.settings import Settings

AT = datetime(2026, 11, 1, tzinfo=UTC)
MILLION = TokenUsage(input_tokens=1_000_000, output_tokens=0)
LIBRARY = f"genai-prices {version('genai-prices')}"


def provider(**models):
    """Cohere with these models at these input rates, as genai-prices publishes it."""
    extractor = {"root": "usage", "mappings": [{"path": "x", "dest": "of_a_later_version", "required": True}]}
    return {
        "id": "cohere",
        "name": "Cohere",
        "api_pattern": "x",
        "extractors": [extractor],
        "models": [
            {
                "id": name.replace("_", "-"),
                "match": {"equals": name.replace("_", "-")},
                "prices": {"input_mtok": rate},
            }
            for name, rate in models.items()
        ],
    }


@pytest.fixture
def server():
    """Publishes whatever is put into its `reply`: a status and a text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, text = listener.reply
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{listener.server_port}/data.json"
    listener.reply = (200, json.dumps([provider(command_r=4, command_new=1)]))
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    yield listener
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture
def prices(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        return CliRunner().invoke(app, ["prices", *arguments])

    return run


def cost(model="command-r", seller="cohere"):
    return PriceBook.load().price(model, MILLION, provider=seller, at=AT)


def test_nothing_is_fetched_unless_somebody_asks(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert cost().amount == Decimal("0.15")
    assert not (Settings().home / "prices-list.json").exists()


def test_a_newer_list_is_in_force_for_whatever_prices_from_then_on_until_it_is_undone(prices, server):
    earlier_book = PriceBook.load()
    assert earlier_book.price("command-r", MILLION, provider="cohere", at=AT).amount == Decimal("0.15")
    done = prices("update", "--from", server.url)
    assert done.exit_code == 0, done.output
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert f"In force from now on: {LIBRARY}, list of {today}." in done.output
    assert (cost().amount, cost().receipt.source) == (4, f"{LIBRARY}, list of {today}")
    assert cost("command-new").amount == 1
    assert cost("gpt-4o", "openai").receipt.source.startswith("https://")  # our history wins, as before
    # A book that has priced goes on with what it began with.
    assert earlier_book.price("command-r", MILLION, provider="cohere", at=AT).amount == Decimal("0.15")

    done = prices("update", "--undo")
    assert done.exit_code == 0
    assert f"In force from now on: {LIBRARY}." in done.output
    assert (cost().amount, cost().receipt.source) == (Decimal("0.15"), LIBRARY)


def test_what_was_priced_before_keeps_its_price_while_today_differs(prices, server):
    names = {"provider_name": "cohere", "request_model": "command-r", "response_model": "command-r"}
    priced = call(1, usage=MILLION, cost=cost(), **names)
    with Ledger.open(Settings().ledger_url) as ledger:
        ledger.append(priced)
    assert prices("update", "--from", server.url).exit_code == 0
    with Ledger.open(Settings().ledger_url) as ledger:
        (stored,) = ledger.calls()
        assert (stored.cost.amount, stored.cost.receipt.source) == (Decimal("0.15"), LIBRARY)
        assert stored.cost.receipt.rates["input_tokens"] == Decimal("0.15")
        assert ledger.totals().cost.amount == Decimal("0.15")
    assert cost().amount == 4


def test_a_price_of_ones_own_changes_no_call_that_was_priced_before(tmp_path):
    with Ledger.open(Settings().ledger_url) as ledger:
        ledger.append(call(1, usage=MILLION, cost=cost("gpt-4o-mini", "openai")))
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace("gpt-4o", "gpt-4o-mini"))
    today = PriceBook.load(file).price("gpt-4o-mini", MILLION, provider="openai", at=AT)
    with Ledger.open(Settings().ledger_url) as ledger:
        (stored,) = ledger.calls()
    assert (stored.cost.amount, today.amount) == (Decimal("0.15"), 2)


def test_it_says_what_changes_for_the_models_in_the_ledger(prices, server):
    with Ledger.open(Settings().ledger_url) as ledger:
        ledger.append(call(1, provider_name="cohere", request_model="command-r", response_model="command-r"))
        ledger.append(
            call(2, provider_name="openai", request_model="gpt-4o", response_model="gpt-4o-2024-08-06")
        )
        assert ledger.models() == [("cohere", "command-r"), ("openai", "gpt-4o-2024-08-06")]
    done = prices("update", "--from", server.url)
    assert [line.split() for line in done.output.splitlines() if "input" in line] == [
        ["│", "cohere/command-r", "│", "input", "│", "0.15", "│", "4", "│"]
    ]
    assert "Of 2 models in the ledger: 1 differs" in done.output
    again = prices("update", "--from", server.url)
    assert "Of 2 models in the ledger: none differs" in again.output


def test_it_says_what_changes_for_all_models_where_none_was_seen_or_when_asked(prices, server):
    done = prices("update", "--from", server.url)
    assert "Of all models in both lists: 1 differs" in done.output
    with Ledger.open(Settings().ledger_url) as ledger:
        ledger.append(call(1))
    server.reply = (200, json.dumps([provider(command_r=5, command_new=1)]))
    assert "Of all models in both lists: 1 differs" in prices("update", "--all", "--from", server.url).output


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ((503, "busy"), "503"),
        ((200, "<html>"), "no price list from"),
        ((200, "{}"), "what is there names no model"),
        ((200, "[]"), "what is there names no model"),
        ((200, '[{"id": "x", "models": [{}]}]'), "is not in the form that genai-prices"),
    ],
)
def test_a_list_that_cannot_be_used_changes_nothing(prices, server, reply, why):
    prices("update", "--from", server.url)
    server.reply = reply
    done = prices("update", "--from", server.url)
    assert done.exit_code == 1
    assert why in done.output
    assert cost().amount == 4


def test_without_a_network_it_says_so_and_changes_nothing(prices):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/data.json"
    done = prices("update", "--from", url)
    assert done.exit_code == 1
    assert f"no price list from {url}: " in done.output
    assert "refused" in done.output
    assert cost().amount == Decimal("0.15")
    assert publication.kept(Settings().home) is None


def test_a_kept_list_that_cannot_be_read_does_not_stop_pricing(prices, server, caplog):
    prices("update", "--from", server.url)
    (Settings().home / "prices-list.json").write_text('{"providers": [')
    assert (cost().amount, cost().receipt.source) == (Decimal("0.15"), LIBRARY)
    assert "the fetched price list can't be used" in caplog.text
    assert prices("update", "--undo").exit_code == 0


def test_the_list_that_comes_with_another_version_of_the_library_counts_for_that_version(prices, server):
    prices("update", "--from", server.url)
    file = Settings().home / "prices-list.json"
    stated = json.loads(file.read_text())
    file.write_text(json.dumps(stated | {"library": "0.0.1"}))
    assert (cost().amount, cost().receipt.source) == (Decimal("0.15"), LIBRARY)


def test_show_prints_every_card_with_its_period_rates_and_source(prices):
    done = prices("show", "o3", "--provider", "openai")
    assert done.exit_code == 0
    assert "openai/o3, from 2025-04-16 until 2025-06-10" in done.output
    rows = [line.split("│")[1:-1] for line in done.output.splitlines() if "standard" in line]
    assert [cell.strip() for cell in rows[-1]][:3] == ["standard", "10", "40"]
    assert "source https://" in done.output


def test_show_prints_tiers_service_tiers_windows_and_fees(prices):
    done = prices("show", "claude-haiku-5-5", "--provider", "anthropic", "--at", "2026-10-20")
    assert done.output.count("source https://") == 1
    rows = {cells[1].strip(): cells for line in done.output.splitlines() if len(cells := line.split("│")) > 3}
    assert {"standard", "above 100,000", "batch", "batch, above 100,000"} <= set(rows)
    assert "per 1,000" in done.output
    off_peak = prices("show", "deepseek-chat", "--provider", "deepseek", "--at", "2025-09-01T12:00:00")
    assert "16:30 to 00:30" in off_peak.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "gpt-99"), 1, "gpt-99: unpriced, gpt-99 is in no price list"),
        (("show", "o3", "--at", "2024-01-01"), 1, "o3: no price of it is known for 2024-01-01"),
        (("show", "ollama/llama3"), 0, "ollama/llama3: free, runs on your own machine"),
    ],
)
def test_show_says_why_there_is_no_price(prices, arguments, code, said):
    done = prices(*arguments)
    assert done.exit_code == code
    assert said in done.output


GOOD = """[[price]]
provider = "openai"
model = "gpt-4o"
source = "https://example.org"
input = 2
output = 8
"""


def test_check_names_file_and_line_and_fails_only_for_what_is_impossible(prices, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace("input = 2", "input = -2") + GOOD.replace("input = 2", "input = 0.00001"))
    done = prices("check", str(file))
    assert done.exit_code == 1
    assert f"{file}:1: impossible: input: Input should be greater than or equal to 0" in done.output
    assert f"{file}:7: look: input_tokens at $0.00001 per million" in done.output
    assert "1 impossible, 1 to look at" in done.output

    file.write_text(GOOD.replace("https://example.org", "somewhere"))
    done = prices("check", str(file))
    assert done.exit_code == 0
    assert done.output == f"{file}:1: look: the source 'somewhere' is no URL\n0 impossible, 1 to look at\n"


def test_check_reads_our_own_file_unless_another_is_named(prices, tmp_path):
    assert prices("check").output.endswith("0 impossible, 1 to look at\n")
    assert "can't be read" in prices("check", str(tmp_path / "missing.toml")).output
    assert prices("check", str(tmp_path / "missing.toml")).exit_code == 1


def test_diff_sets_the_public_list_beside_our_history(prices):
    done = prices("diff", "--at", "2025-09-01")
    assert done.exit_code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.output.splitlines()]
    assert ["openai/gpt-4o-realtime-preview-2024-10-01", "input audio", "40", "100"] in rows
    assert LIBRARY in done.output


def test_diff_says_what_a_file_of_ones_own_changes_and_when(prices, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(GOOD + "from = 2024-10-02\nuntil = 2025-01-01\n")
    done = prices("diff", "--file", str(file))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.output.splitlines()]
    assert ["", "from 2024-10-02 until 2025-01-01", "input", "2.5", "2"] in rows
    assert ["openai/gpt-4o", "from 2024-05-13 until 2024-10-02", "input", "5", "—"] in rows
    assert f"{file} changes: 1 differs" in done.output


def test_diff_refuses_a_file_that_is_impossible(prices, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace("input = 2", "input = -2"))
    done = prices("diff", "--file", str(file))
    assert done.exit_code == 1
    assert f"{file}, line 1: input:" in done.output
