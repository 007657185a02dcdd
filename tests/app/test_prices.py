"""The Models & prices page, driven through the dashboard as a person does."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from run_support import call, keep, run
from streamlit.testing.v1 import AppTest

from tracking import PriceBook, TokenUsage
from tracking.ledger.ledger import Ledger
from tracking.settings import REPOSITORY, Settings

PAGE = "tracking/ui/pages/prices.py"
NOW = datetime.now(UTC)
ROWS = ("openai", "gpt-4o-mini"), ("openai_compatible", "tuned"), ("local", "smollm2-135m-instruct")


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


def opened(tab="Models", **query):
    test = AppTest.from_file(REPOSITORY / "dashboard.py", default_timeout=60).run()
    test.session_state["prices_tab"] = tab
    test.switch_page(PAGE)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def used():
    """Two calls of each of three models, priced when they were made an hour ago."""
    book, calls = PriceBook.load(), []
    for number in range(6):
        provider, model = ROWS[number % 3]
        one = call(
            number,
            provider_name=provider,
            request_model=model,
            started_at=NOW - timedelta(hours=1, seconds=number),
            usage=TokenUsage(input_tokens=1_000, output_tokens=100),
        )
        calls.append(one.priced(book.price(model, one.usage, provider=provider, at=one.started_at)))
    keep(run(), calls)
    return calls


def recorded():
    with Ledger.open(Settings().ledger_url) as ledger:
        return {one.call_id: one.cost for one in ledger.calls()}


def text(test):
    kinds = (test.title, test.subheader, test.markdown, test.caption, test.info, test.warning, test.error)
    shown = [str(one.value) for kind in (*kinds, test.success) for one in kind]
    return "\n".join([*shown, *(table.value.to_string() for table in test.table)])


def fill(test, **values):
    for field, value in values.items():
        key = f"price.{field.removesuffix('_')}"
        widget = test.date_input if field in {"from_", "until"} else test.text_input
        widget(key=key).set_value(value)
    return test.run()


def own_price(test):
    return fill(test, provider="openai_compatible", model="tuned", input="2", output="10", source="invoice")


def test_without_a_call_the_models_that_can_be_chosen_are_shown_with_their_prices():
    test = opened()
    assert test.title[0].value == "No model has been called yet"
    assert test.get("page_link")[0].label == "Configure the first run"
    frame = test.dataframe[0].value
    assert "gpt-4o-mini" in list(frame["model"])
    assert "calls" not in frame  # it would be empty


def test_the_title_says_what_is_hidden_and_the_table_what_everything_cost():
    used()
    test = opened()
    assert test.title[0].value == "3 models seen, 1 of them without a price: it hides 2 calls"
    assert "2 calls could not be priced when made, 2,200 tokens" in text(test)
    assert "genai-prices" in test.caption[0].value
    assert "day" in test.caption[0].value  # the age of the newest price
    frame = test.dataframe[0].value.head(3)
    assert list(frame["model"]) == ["tuned", "gpt-4o-mini", "smollm2-135m-instruct"]
    assert list(frame["cost"]) == ["unpriced", "$0.00042", "free"]  # 2 x (1,000 x 0.15 + 100 x 0.60)
    assert list(frame["origin"]) == ["no price", "our history", "free"]
    assert list(frame["calls"]) == [2, 2, 2]


def test_a_models_prices_can_be_linked():
    used()
    test = opened(models="openai/gpt-4o-mini")
    assert "openai/gpt-4o-mini" in [one.value for one in test.subheader]
    assert "in force from" in text(test).lower()
    assert test.get("plotly_chart")[0].key == "price_steps"
    history = test.dataframe[1].value
    assert list(history["in force"]).count("now") == 1
    assert r"\$0.15" in test.table[0].value.to_string()


def test_every_cost_has_its_receipt():
    used()
    test = opened(models="openai/gpt-4o-mini")
    test.session_state["model_receipt"] = True
    test.run()
    assert r"| Input | 2,000 × \$0.15 | \$0.00030 |" in text(test)
    assert r"**\$0.00042**" in text(test)


def test_a_model_without_a_price_says_why_and_one_of_ones_own_that_it_is_free():
    unknown = text(opened(models="openai_compatible/tuned"))
    assert "No price: no price list covers openai_compatible." in unknown
    assert "Free: it runs on your own machine" in text(opened(models="local/smollm2-135m-instruct"))


def test_up_to_four_cards_stand_side_by_side():
    names = ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "local/smollm2-135m-instruct"]
    test = opened(models=names)
    # 10,000 x 3 + 1,000 x 15 per million
    assert any("free with local/smollm2-135m-instruct" in one.value for one in test.subheader)
    assert any(r"\$0.045 with anthropic" in one.value for one in test.subheader)
    assert list(test.table[0].value.columns) == ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"]
    assert r"**\$0.15**" in test.table[0].value.to_string()


def test_a_price_is_previewed_saved_and_undone_and_history_is_never_repriced():
    used()
    before = recorded()
    test = opened("Your own prices")
    assert "You have stated no price yet" in test.info[0].value
    own_price(test)
    assert "What is in the ledger keeps the cost it was recorded with" in text(test)
    row = test.table[0].value.iloc[0]
    assert (row["Calls in its period"], row["As recorded"]) == ("2", "unpriced")
    assert row["At this price"] == r"\$0.006"  # 2 x (1,000 x 2 + 100 x 10) per million
    test.button(key="price.save").click().run()
    assert not test.exception
    assert "counts for runs that begin from now on" in test.success[0].value
    assert test.title[0].value == "3 models seen, each with a price"
    assert "2 calls could not be priced when made" in text(test)
    assert 'model = "tuned"' in Settings().own_prices.read_text("utf-8")
    assert recorded() == before
    test.button(key="price.undo").click().run()
    assert test.title[0].value == "3 models seen, 1 of them without a price: it hides 2 calls"


def test_what_is_wrong_is_said_before_it_can_be_saved():
    test = fill(opened("Your own prices"), provider="openai", model="gpt-4o", input="0,25")
    assert test.warning[0].value == "- Input: 0,25 is not a number: write it as 0.25"
    assert test.button(key="price.save").disabled
    fill(test, input="0.25", from_=date(2026, 2, 1), until=date(2026, 1, 1))
    assert "must be after from" in test.warning[0].value


def test_what_looks_like_a_slip_is_said_and_can_be_saved_all_the_same():
    test = fill(opened("Your own prices"), provider="opneai", model="gpt-4o", input="0.0000025")
    assert "unknown provider 'opneai'" in text(test)
    assert r"\$0.0000025 per million looks like a price per token or per thousand" in text(test)
    assert not test.button(key="price.save").disabled
    test.button(key="price.save").click().run()
    assert "unknown provider 'opneai'" in text(test)  # it stays to be seen


def test_a_price_is_corrected_from_where_it_is_seen():
    test = opened(models="openai/gpt-5")
    test.button(key="correct").click().run()
    assert not test.exception
    assert test.text_input(key="price.input").value == "1.25"
    assert "service tier flex: 0.5 × every token rate" in text(test)
    fill(test, input="1")
    test.button(key="price.save").click().run()
    written = PriceBook.load(Settings().own_prices)
    (card,) = written.cards("gpt-5", provider="openai")
    assert card.rates["input_tokens"] == Decimal(1)
    assert set(card.services) >= {"flex", "priority"}


def test_an_own_price_says_so_and_what_it_stands_in_place_of():
    Settings().home.mkdir(exist_ok=True)
    Settings().own_prices.write_text(
        '[[price]]\nprovider = "openai"\nmodel = "gpt-5"\nsource = "contract"\ninput = 1\n', "utf-8"
    )
    shown = text(opened(models="openai/gpt-5"))
    assert "your own price: contract" in shown
    assert r"in place of our history, which says: input \$1.25" in shown


def test_one_of_several_own_prices_is_changed_or_removed():
    test = own_price(opened("Your own prices"))
    test.button(key="price.save").click().run()
    test.selectbox(key="price.entry").set_value(0).run()
    test.button(key="price.change").click().run()
    assert test.text_input(key="price.output").value == "10"
    test.button(key="price.remove").click().run()
    assert not test.exception
    assert "Removed: openai_compatible/tuned" in test.success[0].value
    assert "[[price]]" not in Settings().own_prices.read_text("utf-8")


def test_a_price_file_that_is_wrong_is_named_with_its_line_and_breaks_nothing():
    used()
    Settings().own_prices.write_text("[[price]]\nprovider = 3\n", "utf-8")
    test = opened()
    assert "Prices are left out: prices.toml, line 1: provider" in test.error[0].value
    assert "tuned" in list(test.dataframe[0].value["model"])
    mine = opened("Your own prices")
    assert "no price of yours counts" in mine.error[0].value
    assert not mine.text_input


def test_hundreds_of_models_take_three_queries_and_only_when_there_is_a_newer_call():
    import sqlalchemy as sa

    from tracking.ui import state

    keep(run(), [call(n, request_model=f"model-{n}", nano=None) for n in range(500)])
    engine, asked = state.ledger().engine, []
    sa.event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    test = opened()
    assert test.title[0].value.startswith("500 models seen, 500 of them without a price")
    about_calls = [statement for statement in asked if "FROM calls" in statement]
    assert len([statement for statement in about_calls if "GROUP BY" in statement]) == 3
    asked.clear()
    assert not test.run().exception
    assert len([statement for statement in asked if "FROM calls" in statement]) <= 2  # is there a newer call?
    keep(run(run_id="next"), [call(0, run_id="run-next", nano=None)])
    assert test.run().title[0].value.startswith("501 models seen")


def test_recorded_calls_can_be_tried_on_other_models():
    used()
    test = opened("What if")
    assert "Nothing on record is changed" in text(test)


def test_what_if_names_the_cheapest_and_says_what_is_left_out(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    used()
    before = recorded()
    test = opened("What if")
    said = text(test)
    # two calls of a local model are free; two of 1,000 + 100 tokens are 2 x $0.00021, half of it in batch
    assert "4 calls of the last 30 days would have cost" in said
    test.selectbox(key="what_if.tier").set_value("batch").run()
    assert not test.exception
    table = test.dataframe[-1].value.set_index("On")
    assert table.loc["the models that answered", "They cost"] == "$0.00042"
    assert table.loc["the models that answered", "Would have cost"] == "$0.00021"
    assert "2: what it cost itself is not known" in table.loc["the models that answered", "Left out"]
    assert "is not modelled" in text(test)
    assert recorded() == before


def test_what_if_without_calls_says_so():
    assert "No billed call is on record" in text(opened("What if"))


def test_what_if_replays_the_newest_of_too_many_calls_and_says_so(monkeypatch):
    monkeypatch.setattr("tracking.ui.what_if._MOST", 3)
    now = datetime.now(UTC)
    keep(run(), [call(number, started_at=now - timedelta(hours=number)) for number in range(6)])
    said = text(opened("What if"))
    assert "There are 6 billed calls in the last 30 days, of which at most 3 are replayed" in said
    assert "3 calls of those of the last 30 days that are replayed would have cost" in said
