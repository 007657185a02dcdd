"""A person's own prices: what is in their file, a form to add or correct one, and the way back."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import streamlit as st

from tracking.errors import PriceError
from tracking.pricing.book import PriceBook
from tracking.pricing.card import Card
from tracking.pricing.own import OwnPrice, OwnPrices
from tracking.ui import state
from tracking.ui.prices.draft import RATE_KEYS, PriceDraft, drafted, in_effect, named, slips, values_of
from tracking.ui.prices.models import standing, taken_apart
from tracking.ui.prices.one import history_columns
from tracking.ui.prices.preview import preview
from tracking.ui.prices.words import history_frame, terms
from tracking.ui.prose import plain
from tracking.ui.receipt import period

_FIELDS: Final = ("provider", "model", "from", "until", "source", "note", *RATE_KEYS)
_SAVED: Final = "price.saved"
_KEEP: Final = "price.keep_terms"
_LABELS: Final = {
    "input": "Input",
    "output": "Output",
    "cache_read": "Cached input, read",
    "cache_write": "Cached input, written",
    "cache_write_5m": "Written for 5 minutes",
    "cache_write_1h": "Written for an hour",
    "reasoning": "Reasoning",
    "input_audio": "Audio input",
    "output_audio": "Audio output",
    "per_search": "Per web search, $",
    "per_request": "Per request, $",
}
_IN_A_ROW: Final = 4
_FIRST: Final = ("input", "output", "cache_read", "cache_write")


def own_prices(book: PriceBook, at: datetime) -> None:
    own = OwnPrices(state.settings().own_prices)
    if said := st.session_state.pop(_SAVED, None):
        done, icon = said
        (st.success if done else st.error)(
            plain(icon), icon=":material/check:" if done else ":material/error:"
        )
    try:
        entries = own.entries()
    except PriceError as error:
        _broken(own, error)
        return
    _entries(own, entries, at)
    _undo(own)
    _form(own, entries, book, at)


def correct(name: str, at: datetime) -> None:
    """Fill the form with what is in force for a model, for whoever wants to state something else."""
    provider, model = taken_apart(name)
    found = standing(state.price_book(), provider, model, at).card
    whose, called = named(provider, model) if provider else ("", model)
    values = values_of(found) if found is not None else {}
    _fill(
        values | {"provider": whose, "model": called, "from": None, "until": None, "source": "", "note": ""}
    )


def _broken(own: OwnPrices, error: PriceError) -> None:
    st.error(
        f"**{plain(str(error).replace(str(own.path), own.path.name))}.**\n\nUntil that is corrected no price "
        "of yours counts: every call is priced by the lists that come with the dashboard.",
        icon=":material/error:",
    )
    st.caption(f"The file is {plain(str(own.path))}. Correct it in an editor, then reload this page.")
    _undo(own)


def _entries(own: OwnPrices, entries: Sequence[OwnPrice], at: datetime) -> None:
    if not entries:
        st.info(
            "You have stated no price yet. One of yours wins over every list for its model: a price agreed "
            "with a provider, a model that no list has, a server of your own.",
            icon=":material/info:",
        )
        return
    cards = [entry.card for entry in entries]
    frame = history_frame(cards, at).drop(columns=["from where", "card"])
    frame.insert(0, "model", [f"{card.provider}/{card.model}" for card in cards])
    frame = frame.loc[:, [name for name in frame if (frame[name] != "").any()]]
    st.dataframe(
        frame,
        hide_index=True,
        height=min(320, 38 + 35 * len(cards)),
        column_config=history_columns(frame),
        alt="Your own prices",
    )
    st.caption(f"Kept in {plain(str(own.path))}, which can be edited by hand as well.")
    for slip in slips(own.text(), "", state.price_book().public_list):
        st.caption(f":orange[:material/warning: {plain(slip)}]")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox(
            "Change or remove one",
            range(len(cards)),
            index=None,
            format_func=lambda number: _entry_name(cards[number]),
            placeholder="Choose an entry",
            key="price.entry",
            width=420,
        )
        card = None if picked is None else cards[picked]
        st.button("Change", disabled=card is None, on_click=_change, args=(card,), key="price.change")
        st.button("Remove", disabled=card is None, on_click=_remove, args=(own, card), key="price.remove")


def _entry_name(card: Card) -> str:
    return f"{card.provider}/{card.model}, {period(card.since, card.until)}"


def _undo(own: OwnPrices) -> None:
    if own.can_undo:
        st.button(
            "Undo the last change",
            icon=":material/undo:",
            help="Puts the file back as it was before. Undone once more, the change is back.",
            on_click=_back,
            args=(own,),
            key="price.undo",
        )


def _form(own: OwnPrices, entries: Sequence[OwnPrice], book: PriceBook, at: datetime) -> None:
    with st.container(border=True):
        st.subheader("Add or correct a price", anchor=False)
        who, which, begin, end = st.columns([2, 3, 2, 2])
        who.text_input("Provider", key=_key("provider"), persist_state="session", placeholder="openai")
        which.text_input(
            "Model", key=_key("model"), persist_state="session", placeholder="As its calls are billed"
        )
        begin.date_input(
            "From (UTC)", value=None, key=_key("from"), persist_state="session", help="Empty: at any time"
        )
        end.date_input(
            "Until (UTC)",
            value=None,
            key=_key("until"),
            persist_state="session",
            help="Exclusive. Empty: no end",
        )
        st.caption(
            "US dollars per million tokens. What is left empty is charged as part of the count it is in."
        )
        _rates(_FIRST)
        others = tuple(key for key in RATE_KEYS if key not in _FIRST)
        with st.expander("Other rates and fees", expanded=any(_value(key) for key in others)):
            _rates(others)
        source, note = st.columns(2)
        source.text_input(
            "Source",
            key=_key("source"),
            persist_state="session",
            placeholder="Contract, invoice, page's address",
        )
        note.text_input("Note", key=_key("note"), persist_state="session")
        base = _base(entries, book, at)
        draft = drafted({field: _value(field) for field in _FIELDS}, base if _keeps(base) else None)
        cards = () if draft.card is None else in_effect(draft.card, entries, base, at)
        _outcome(own, draft, cards, at)


def _rates(keys: Sequence[str]) -> None:
    for first in range(0, len(keys), _IN_A_ROW):
        for place, key in zip(st.columns(_IN_A_ROW), keys[first : first + _IN_A_ROW], strict=False):
            place.text_input(_LABELS[key], key=_key(key), persist_state="session", placeholder="not stated")


def _base(entries: Sequence[OwnPrice], book: PriceBook, at: datetime) -> Card | None:
    """The card whose further terms may be kept: the entry that is replaced, or else what is in force now."""
    provider, model, since = _value("provider"), _value("model"), _value("from")
    if not isinstance(provider, str) or not isinstance(model, str) or not provider or not model:
        return None
    name = named(provider, model)
    same = (e.card for e in entries if (e.card.provider, e.card.model.lower()) == name)
    replaced = next((card for card in same if (card.since and card.since.date()) == since), None)
    return replaced or standing(book, provider, model, at).card


def _keeps(base: Card | None) -> bool:
    if base is None or not (further := terms(base)):
        return False
    kept = st.checkbox("Keep its further terms as they are", value=True, key=_KEEP, persist_state="session")
    st.caption("\n".join(f"- {plain(term)}" for term in further))
    return kept


def _outcome(own: OwnPrices, draft: PriceDraft, cards: Sequence[Card], at: datetime) -> None:
    """What the form comes to: what is wrong with it, or what it would change, and the button that does it."""
    problems = [
        f"{_LABELS.get(key, key.capitalize())}: {said}".removeprefix(": ") for key, said in draft.problems
    ]
    text = None
    if cards:
        try:
            text = own.text_with(*cards)
        except PriceError as error:
            problems = [str(error).replace(f"{own.path}, ", "")]
    touched = any(_value(key) for key in ("model", *RATE_KEYS))
    if problems and touched:
        st.warning("\n".join(f"- {plain(problem)}" for problem in problems), icon=":material/edit_note:")
    if text is not None:
        for slip in slips(text, own.text(), state.price_book().public_list):
            st.caption(f":orange[:material/warning: {plain(slip)}]")
        preview(cards, text, at)
    st.button(
        "Save this price",
        type="primary",
        icon=":material/save:",
        disabled=text is None,
        on_click=_save,
        args=(own, cards),
        key="price.save",
    )


def _back(own: OwnPrices) -> None:
    _do(own.undo, "The file is as it was before.")


def _change(card: Card) -> None:
    _fill(values_of(card))


def _save(own: OwnPrices, cards: Sequence[Card]) -> None:
    name = f"{cards[-1].provider}/{cards[-1].model}"
    if _do(lambda: own.put(*cards), f"Saved: your price of {name} counts for runs that begin from now on."):
        _fill({})


def _remove(own: OwnPrices, card: Card) -> None:
    _do(lambda: own.remove(card), f"Removed: {_entry_name(card)}.")
    st.session_state["price.entry"] = None


def _do(change: Callable[[], None], done: str) -> bool:
    try:
        change()
    except PriceError as error:
        st.session_state[_SAVED] = (False, f"{error}. Nothing was changed.")
        return False
    st.session_state[_SAVED] = (True, done)
    return True


def _fill(values: dict[str, object]) -> None:
    for field in _FIELDS:
        empty = None if field in {"from", "until"} else ""
        st.session_state[_key(field)] = values.get(field, empty)
    st.session_state.pop(_KEEP, None)


def _value(field: str) -> object:
    return st.session_state.get(_key(field))


def _key(field: str) -> str:
    return f"price.{field}"
