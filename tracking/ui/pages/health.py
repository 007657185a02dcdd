"""Health: where the ledger is, how large, and whether its sums are right. Streamlit executes this file."""

from datetime import UTC
from typing import Final

import streamlit as st

from tracking.ledger.agreement import agreements
from tracking.ledger.archive import Part
from tracking.ledger.database import moment
from tracking.ledger.retention import Retention
from tracking.ledger.rollups.checking import Difference
from tracking.ledger.sizes import sizes_of
from tracking.report.account import Tile
from tracking.report.format import counted, zone
from tracking.report.health import (
    Health,
    agreement_frame,
    agreement_words,
    behind_note,
    byte_size,
    months_frame,
    retention_words,
    title,
    way_note,
)
from tracking.report.workers import version_notes, worker_state
from tracking.ui import state
from tracking.ui.cards import cards
from tracking.ui.prose import plain

_CHECKED: Final = "health.checked"  # in the session: per month what differed, of the ledger at `_OF`
_OF: Final = "health.of"


def health_page() -> None:
    health = _health()
    st.title(plain(title(health)), anchor=False)
    if note := way_note(health):
        st.markdown(f":small[:orange[:material/warning: {plain(note)}]]")
    _place(health)
    cards(_tiles(health))
    st.caption(plain(behind_note(health.sizes)))
    _agreements(health)
    _months(health)
    _workers()
    st.subheader("What is kept", anchor=False)
    here = state.settings()
    st.markdown(retention_words(here.keep_calls_days, archive=here.archive_calls))


def _health() -> Health:
    ledger, url = state.ledger(), state.settings().ledger_url
    if st.session_state.get(_OF) != url:
        st.session_state[_OF], st.session_state[_CHECKED] = url, {}
    return Health(
        sizes=sizes_of(ledger, url),
        archived=tuple(Retention(ledger).archived()),
        agreements=tuple(agreements(ledger, zone(st.context.timezone) or UTC)),
        waiting=ledger.waiting,
        rejected=ledger.rejected,
        checked=st.session_state[_CHECKED],
    )


def _place(health: Health) -> None:
    engine = state.ledger().engine
    st.code(engine.url.render_as_string(hide_password=True), language=None, wrap_lines=True)
    files = sum(part.file is not None for part in health.archived)
    if files:
        st.caption(plain(f"{counted(files, 'archived file')} in {state.ledger().archive.folder}"))


def _tiles(health: Health) -> list[Tile]:
    sizes, dialect = health.sizes, state.ledger().engine.dialect
    version = ".".join(map(str, getattr(dialect, "server_version_info", None) or ()))
    engine = "PostgreSQL" if dialect.name == "postgresql" else "SQLite"
    tiles = [
        Tile("Engine", engine, f"version {version}" if version else ""),
        Tile("Calls", f"{sizes.calls:,}", "ever kept"),
        Tile("Runs", f"{sizes.runs:,}", "on record"),
        Tile("Database", byte_size(sizes.database), "tables and indexes"),
    ]
    if health.archived:
        moved, size = (sum(getattr(part, name) for part in health.archived) for name in ("calls", "bytes"))
        tiles.append(Tile("Archive", byte_size(size), f"{counted(moved, 'call')}"))
    waiting = health.on_their_way
    tiles.append(
        Tile(
            "Waiting",
            f"{waiting:,}",
            "calls on their way" if waiting else "every call has arrived",
            warns=bool(waiting),
        )
    )
    return tiles


def _agreements(health: Health) -> None:
    st.subheader("Do the sums agree?", anchor=False)
    if not health.sizes.calls:
        st.caption("There is nothing to add up yet.")
        return
    for agreement in health.agreements:
        if not agreement.sides:
            continue
        words = plain(agreement_words(agreement))
        st.markdown(
            f":green[:material/check_circle:] {words}"
            if agreement.holds
            else f":red[:material/error: {words}] Compare the months with their calls below."
        )
        with st.expander(
            f"The sums of {agreement.of}", expanded=not agreement.holds, key=f"sums.{agreement.of}"
        ):
            frame = agreement_frame(agreement)
            st.dataframe(frame, hide_index=True, alt=f"Sums of {agreement.of}, added up in different ways")


def _months(health: Health) -> None:
    st.subheader("Do the sums equal the calls?", anchor=False)
    months = state.ledger().upkeep.months()
    if not months and not health.archived:
        st.caption("There is no month with calls yet.")
        return
    table = st.container()
    if months:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Compare every month with its calls", icon=":material/fact_check:", key="check"):
                _check(months)
            wrong = {start: found for start, found in health.checked.items() if found}
            if wrong and st.button("Make what differs anew", icon=":material/build:", key="rebuild"):
                _rebuild(months, list(wrong))
        st.caption("It reads every call once: seconds for a hundred thousand, minutes for millions.")
    with table:
        _table(months, health.archived, health)


def _table(months: list[tuple[int, int]], archived: tuple[Part, ...], health: Health) -> None:
    frame = months_frame(months, archived, health)
    height = min(320, 38 + 35 * len(frame))
    st.dataframe(frame, hide_index=True, height=height, alt="The months of the ledger, the newest first")


def _check(months: list[tuple[int, int]]) -> None:
    """One month after the other: each is a moment of its own, and what was found stays."""
    upkeep, checked = state.ledger().upkeep, dict[int, list[Difference]]()
    with st.status(f"Comparing {counted(len(months), 'month')}", expanded=True) as status:
        bar = st.progress(0.0)
        state.ledger().catch_up()
        for number, month in enumerate(months):
            bar.progress(number / len(months), text=f"{moment(month[0]):%B %Y}")
            checked[month[0]] = upkeep.check(month)
        bar.progress(1.0, text="Done")
        status.update(state="complete")
    st.session_state[_CHECKED] = checked
    st.rerun()


def _rebuild(months: list[tuple[int, int]], wrong: list[int]) -> None:
    upkeep, again = state.ledger().upkeep, [month for month in months if month[0] in wrong]
    with st.status(f"Adding up {counted(len(again), 'month')} anew", expanded=True):
        bar = st.progress(0.0)
        for number, month in enumerate(again):
            bar.progress(number / len(again), text=f"{moment(month[0]):%B %Y}")
            upkeep.rebuild(month)
            st.session_state[_CHECKED][month[0]] = upkeep.check(month)
    st.rerun()


def _workers() -> None:
    st.subheader("Workers", anchor=False)
    workers = state.workers()
    for note in version_notes(workers):
        st.warning(plain(note), icon=":material/warning:")
    if not workers:
        st.caption("None reports at the moment: runs wait in the queue.")
    for worker in workers:
        st.markdown(plain(f"{worker.host} · process {worker.pid} · {worker_state(worker)}"))


health_page()
