"""What a person sees when a page fails: what happened, what to do next, and the details folded away."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.errors import FragmentHandledException

from tracking.crew.redact import scrub
from tracking.errors import ConfigError, LedgerError, QueueError, TrackingError
from tracking.ui.prose import plain

logger = logging.getLogger(__name__)

_NEXT_STEPS: tuple[tuple[type[Exception], str], ...] = (
    (ConfigError, "Correct the file named above, then reload this page. Nothing has to be restarted."),
    (
        LedgerError,
        "Check that the ledger's folder or database can be reached and written, then reload this page.",
    ),
    (
        QueueError,
        "Wait a moment and try again. If it stays so, restart the dashboard: no recorded call is lost.",
    ),
)
_OTHERWISE = "Reload this page. If it happens again, the details below say where."


@contextmanager
def boundary() -> Iterator[None]:
    """Show an error as a message. Streamlit's own rerun and stop are no errors and pass through."""
    try:
        yield
    except Exception as error:  # the one place where anything at all may arrive
        logger.exception("a page failed")
        _show(_cause(error))


def _cause(error: Exception) -> Exception:
    """What failed in a fragment, for which Streamlit raises an error of its own."""
    inner = error.__context__
    return inner if isinstance(error, FragmentHandledException) and isinstance(inner, Exception) else error


def _show(error: Exception) -> None:
    known = isinstance(error, TrackingError)
    happened = scrub(str(error)) if known else f"This page could not be shown: {type(error).__name__}"
    first_line = happened.partition("\n")[0].rstrip(".")  # a parser's own words go on for lines
    step = next((text for kind, text in _NEXT_STEPS if isinstance(error, kind)), _OTHERWISE)
    st.error(f"**{plain(first_line)}.**\n\n{step}", icon=":material/error:")
    with st.expander("Details", icon=":material/bug_report:"):
        st.code(scrub("".join(traceback.format_exception(error))), language=None, wrap_lines=True)
