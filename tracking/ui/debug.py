"""Debug Information: what was read, what the crew offered, what the session holds, and what happened."""

import os
from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd
import streamlit as st

from tracking.analysis.missing import ADVICE, explain
from tracking.crew.redact import redacted, scrub
from tracking.domain.reading import Reading, Source, TokenMetrics, Verification
from tracking.domain.run import Run
from tracking.errors import ConfigError
from tracking.ledger.runs import LogLine
from tracking.report.account import Account, load_account
from tracking.report.format import NOT_KNOWN, counted, duration, tokens, when
from tracking.ui import state
from tracking.ui.prose import plain
from tracking.ui.redaction import redact

_VERDICTS: Final = {
    Verification.VERIFIED: "The first of crewai's readings that equals the calls in the ledger is shown.",
    Verification.LEDGER: "The call ledger is shown, because crewai's own readings are refuted or missing.",
    Verification.UNVERIFIED: "There is no call to check this reading against: it is shown as it is.",
    Verification.NO_DATA: "No source says anything: nothing is shown instead of a guess.",
}
_NO_READING: Final = {
    Source.CREW_METRICS: "not taken: the run did not end by itself",
    Source.RESULT: "not taken: the run did not end by itself",
    Source.TRACKER: "no call ledger was kept",
}
_ROWS: Final = (
    "found in", "total", "input", "output", "cached input", "reasoning", "requests", "difference",
)  # fmt: skip
_SETTINGS: Final = (
    "DASHBOARD_HOME",
    "DASHBOARD_CONFIG",
    "DASHBOARD_DATABASE_URL",
    "DASHBOARD_WORKER_MANAGED",
)


def debug_section(run_id: str | None) -> None:
    """The panel for a run, or for the session alone when there is no run."""
    account = None
    if run_id is not None:
        account = load_account(state.ledger(), state.run_book(), state.outputs(), run_id, state.now())
    debug_panel(account)


def debug_panel(account: Account | None) -> None:
    st.subheader("Debug Information", anchor=False)
    if account is None:
        st.info("No run has been made yet: there is only the session to look at.", icon=":material/info:")
    else:
        _explain(account)
        _what_was_read(account.metrics)
        _the_crew(account.run)
    _the_session(account)
    if account is not None:
        _what_happened(account)


def _explain(account: Account) -> None:
    """Without token data: the likeliest of the four causes, what to do, and the other three."""
    metrics = account.metrics
    if metrics.total_tokens:
        return
    found = explain(account.run, account.totals)
    # The evidence may quote an error that somebody else wrote.
    details = f"{plain(scrub(found.evidence))} {plain(found.advice)}"
    if metrics.requests_made == 0 and metrics.total_tokens == 0:
        st.warning(f"**Nothing was billed.** {details}", icon=":material/troubleshoot:")
        return
    st.warning(
        f"**There is no token data, most likely because {found.cause}.** {details}",
        icon=":material/troubleshoot:",
    )
    others = "\n".join(f"- {cause}: {ADVICE[cause][0].lower()}{ADVICE[cause][1:]}" for cause in found.others)
    st.markdown(f"If it is not that, look at the other causes:\n{others}")


def _what_was_read(metrics: TokenMetrics) -> None:
    st.markdown("**What was read**")
    st.table(readings_frame(metrics), border="horizontal", alt="The three readings of this run")
    st.caption(f"{_VERDICTS[metrics.verification]} Data source: {plain(scrub(metrics.caption))}")


def readings_frame(metrics: TokenMetrics) -> pd.DataFrame:
    """The three readings side by side, one column each, the chosen one marked."""
    taken = {reading.source: reading for reading in metrics.readings}
    columns = {
        _heading(source, metrics): _reading_column(source, taken.get(source), metrics)
        for source in (Source.CREW_METRICS, Source.RESULT, Source.TRACKER)
    }
    return pd.DataFrame(columns, index=_ROWS).fillna("")


def _heading(source: Source, metrics: TokenMetrics) -> str:
    return f":material/check_circle: {source} (shown)" if source is metrics.source else str(source)


def _reading_column(source: Source, reading: Reading | None, metrics: TokenMetrics) -> "pd.Series[str]":
    if reading is None:
        return pd.Series({"found in": "nowhere", "difference": _NO_READING[source]})
    counts = (
        reading.total_tokens,
        reading.input_tokens,
        reading.output_tokens,
        reading.cache_read_input_tokens,
        reading.reasoning_output_tokens,
        reading.requests,
    )
    found_in, difference = plain(reading.found_in or "nowhere"), plain(_difference(reading, metrics))
    return pd.Series([found_in, *map(tokens, counts), difference], index=_ROWS)


def _difference(reading: Reading, metrics: TokenMetrics) -> str:
    if reading.refuted:
        return scrub(reading.refuted)
    if reading.source is metrics.source:
        return "this one is shown"
    return "none" if reading.says_something else "says nothing"


def _the_crew(run: Run) -> None:
    st.markdown("**The crew**")
    evidence = run.evidence
    found = evidence.get("token_attributes") or {}
    attributes = evidence.get("crew_attributes") or []
    if found:
        st.caption("Token-related attributes found")
        _pairs(found.items(), "Attribute", "Value")
    else:
        st.caption("No token-related attribute was found on the crew or its result.")
    with st.expander(f"Attributes available ({len(attributes):,})"):
        st.text(", ".join(map(str, attributes)) or "None were recorded.")
    with st.expander("Versions"):
        versions = evidence.get("versions") or {}
        if versions:
            _pairs(versions.items(), "Library", "Version")
        else:
            st.text("None were recorded.")


def _the_session(account: Account | None) -> None:
    st.markdown("**The session**")
    if problem := state.price_book().problem:
        st.warning(f"Prices are left out here: {plain(scrub(problem))}", icon=":material/warning:")
    with st.expander("Environment variables"):
        st.caption("Only whether they are set; their values are never shown.")
        _pairs(_environment(account).items(), "Variable", "State")
    with st.expander("Session state"):
        held = sorted(
            ((str(key), value) for key, value in st.session_state.items()), key=lambda item: item[0]
        )
        if held:
            # Twice: by what looks like a secret anywhere, and by what this machine's variables hold.
            _pairs(((key, redacted(redact(key, value))) for key, value in held), "Key", "Value")
        else:
            st.text("It is empty.")


def _environment(account: Account | None) -> Mapping[str, str]:
    """Set or not set: here, and as the run's own process saw it when it noted that."""
    try:
        keys = [model.key_env for model in state.catalog().models.values() if model.key_env]
    except ConfigError:
        keys = []  # the page that needs the catalog says what is wrong with it
    here = {name: _is_set(os.environ.get(name)) for name in dict.fromkeys([*keys, *_SETTINGS])}
    noted: Mapping[str, object] = (account.run.evidence.get("environment") or {}) if account else {}
    return {**here, **{f"{name} (in the run's process)": _is_set(value) for name, value in noted.items()}}


def _is_set(value: object) -> str:
    return "not set" if value in {None, "", False, "not set"} else "set"


def _what_happened(account: Account) -> None:
    st.markdown("**What happened**")
    run, tz = account.run, st.context.timezone
    tracker = run.evidence.get("tracker") or {}
    for problem in tracker.get("errors") or []:
        st.error(f"Tracker: {plain(scrub(str(problem)))}", icon=":material/error:")
    if lost := tracker.get("lost"):
        st.warning(f"The tracker lost {counted(int(lost), 'record')}.", icon=":material/warning:")
    for note in run.notes:
        st.caption(f"Tracker: {plain(scrub(note))}")
    if run.error:
        st.error(
            plain(f"{run.error.get('type', 'Error')}: {scrub(run.error.get('message', NOT_KNOWN))}"),
            icon=":material/error:",
        )
        if trace := run.error.get("traceback"):
            with st.expander("Traceback"):
                st.code(scrub(trace), language=None, wrap_lines=True)
    _log(state.run_book().log_lines(run.run_id), tz)
    _call_states(account, tz)


def _log(lines: list[LogLine], tz: str | None) -> None:
    problems = sum(line.level.lower() in {"warning", "error", "critical"} for line in lines)
    noted = f", {problems:,} of them warnings or errors" if problems else ""
    with st.expander(f"Log ({counted(len(lines), 'line')}{noted})", expanded=bool(problems)):
        text = "\n".join(
            f"{when(line.at, tz, seconds=True)}  {line.level.upper():8} {scrub(line.message)}"
            for line in lines
        )
        st.code(text or "Nothing was logged.", language=None, wrap_lines=True)


def _call_states(account: Account, tz: str | None) -> None:
    with st.expander(f"Calls ({len(account.calls):,})"):
        if not account.calls:
            st.text("No call is in the ledger for this run.")
            return
        frame = pd.DataFrame(
            [
                (
                    when(call.started_at, tz, seconds=True),
                    call.billed_model,
                    str(call.status),
                    str(call.usage_state),
                    str(call.cost.state),
                    duration(call.duration),
                    call.error_type or "",
                )
                for call in account.calls
            ],
            columns=["Start", "Model", "Status", "Usage", "Cost", "Took", "Error"],
        )
        st.dataframe(frame, hide_index=True, alt="The states of this run's calls")


def _pairs(pairs: Iterable[tuple[str, object]], name: str, value: str) -> None:
    """Two columns of text. Names that are secret hide their values."""
    rows = [(plain(str(key)), plain(_shown(str(key), item))) for key, item in pairs]
    st.table(pd.DataFrame(rows, columns=[name, value]), border="horizontal", width="content")


def _shown(key: str, item: object) -> str:
    return item if item in {"set", "not set"} and isinstance(item, str) else redact(key, item)
