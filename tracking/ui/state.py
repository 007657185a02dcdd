"""What every page shares: ledger, catalog, data. Each is made once and kept until its source changes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import streamlit as st

from tracking.crew.catalog import Catalog, load_catalog
from tracking.crew.files import data_path
from tracking.dataset.choices import Choices
from tracking.dataset.choices import choices as choices_of
from tracking.dataset.sales import SalesData, load_sales
from tracking.domain.call import CallTotals
from tracking.domain.cost import CostState
from tracking.domain.run import Run
from tracking.domain.spec import Dataset
from tracking.errors import DatasetError
from tracking.ledger.batches import BatchBook
from tracking.ledger.clock import lead_of
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore
from tracking.ledger.runs import RunBook
from tracking.ledger.workers import Worker, WorkerList
from tracking.pricing.book import PRICES, PriceBook
from tracking.pricing.publication import FETCHED_LIST
from tracking.settings import REPOSITORY, Settings

BATCH = "batch"  # the id of the batch that the Runs page shows, in the URL
RUN = "run"  # the current run's id: in the URL, and in the session because leaving a page clears the URL

# What tells billed models apart in the ledger: the model that answered is billed, but some do not say.
MODEL_COLUMNS = ("provider_name", "request_model", "response_model")

_CATALOG_FILES = ("agents.yaml", "tasks.yaml", "analyses.yaml", "models.toml")


@dataclass(frozen=True, slots=True)
class ModelSums:
    """All calls, those whose cost no total holds, and when the last one began; per `MODEL_COLUMNS`."""

    sums: Mapping[tuple[str | None, ...], CallTotals]
    hidden: Mapping[tuple[str | None, ...], CallTotals]
    latest: Mapping[tuple[str | None, ...], datetime]


def settings() -> Settings:
    """The settings, read anew when config/dashboard.toml or the environment changes.

    Raises:
        ConfigError: they can't be used.
    """
    return _settings(_environment(), _stamp(REPOSITORY / "config" / "dashboard.toml"))


def ledger() -> Ledger:
    """The ledger, one pool of connections per process.

    Raises:
        LedgerError: it can't be opened.
    """
    return _ledger(settings().ledger_url)


def run_book() -> RunBook:
    return RunBook(ledger())


def batch_book() -> BatchBook:
    return BatchBook(ledger())


def workers() -> list[Worker]:
    """The workers that live now, on whatever computer."""
    return WorkerList(ledger()).living()


def now() -> datetime:
    """The time by the database's clock, which says when a run began and when it was last heard of."""
    return datetime.now(UTC) + _lead(settings().ledger_url)


def outputs() -> OutputStore:
    return _outputs(settings().outputs_url)


def price_book() -> PriceBook:
    """Prices with the person's own over them, read anew when either file changes. Never fails for theirs."""
    return _price_book(price_stamp(), settings().price_overrides)


def shipped_prices() -> PriceBook:
    """Prices without the person's own."""
    return _price_book(price_stamp(), None)


def model_sums() -> ModelSums:
    """What the ledger's calls add up to per model."""
    by, calls = MODEL_COLUMNS, ledger()
    sums = calls.totals(by=by)
    unpriced = frozenset((group, each.unpriced_requests) for group, each in sums.items())
    hidden = _unpriced_sums(settings().ledger_url, unpriced) if any(n for _, n in unpriced) else {}
    return ModelSums(sums, hidden, calls.latest(by=by))


def price_stamp() -> tuple[int, ...]:
    """Changes whenever a price may."""
    here = settings()
    return _stamp(PRICES), _stamp(here.own_prices), _stamp(here.home / FETCHED_LIST)


def catalog() -> Catalog:
    """Agents, tasks, presets and models.

    Raises:
        ConfigError: a file under config/ can't be used.
    """
    return _catalog(catalog_stamp(), settings())


def catalog_stamp() -> tuple[int, ...]:
    """Changes whenever the catalog may: its files, the environment (keys, addresses), the weights."""
    here = settings()
    files = (_stamp(here.config / name) for name in _CATALOG_FILES)
    return (_environment(), _stamp(here.weights), *files)


def sales(dataset: Dataset) -> SalesData | DatasetError:
    """The rows of the sample or of an uploaded file, or why it can't be used. Parsed once per content."""
    here = settings()
    path = data_path(here, dataset)
    return _sales(str(path), _stamp(path), dataset.name, here.upload_limit_mb * 1024**2)


def choices(data: SalesData) -> Choices:
    """What the data offers to choose from."""
    return _choices(data.sha256, data)


def current_run() -> Run | None:
    """The run that this page is about: the one in the URL, else the last one of this session."""
    run_id = current_run_id()
    return None if run_id is None else ledger().run(run_id)


def current_run_id() -> str | None:
    """The current run's id, written back to the URL when another page's visit took it from there."""
    in_url = st.query_params.get(RUN)
    if in_url:
        st.session_state[RUN] = in_url
        return in_url
    remembered: str | None = st.session_state.get(RUN)
    if remembered is not None:
        st.query_params[RUN] = remembered
    return remembered


def set_run(run_id: str) -> None:
    """Make a run the current one, in the session and in the URL."""
    st.session_state[RUN] = run_id
    st.query_params[RUN] = run_id


def is_final(run: Run) -> bool:
    """Whether it has ended; one whose process went silent has, though nobody could write that down."""
    return run.state_at(now()).is_final


def forget_run() -> None:
    st.session_state[RUN] = None
    st.query_params.pop(RUN, None)


@st.cache_resource(ttl=60, max_entries=4, show_spinner=False)
def _lead(url: str) -> timedelta:
    return lead_of(_ledger(url).engine)


def _environment() -> int:
    return hash(frozenset(os.environ.items()))


def _stamp(path: Path) -> int:
    """When a file was last changed, in nanoseconds; -1 while there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1


@st.cache_resource(max_entries=4, show_spinner=False)
def _settings(environment: int, stamp: int) -> Settings:  # noqa: ARG001  # both only decide when to read anew
    return Settings()


@st.cache_resource(max_entries=4, show_spinner=False)
def _ledger(url: str) -> Ledger:
    return Ledger.open(url)


@st.cache_resource(max_entries=4, show_spinner=False)
def _outputs(url: str) -> OutputStore:
    return OutputStore.open(url)


@st.cache_resource(max_entries=4, show_spinner=False)
def _price_book(stamp: tuple[int, ...], overrides: Path | None) -> PriceBook:  # noqa: ARG001  # when to read anew
    return PriceBook.load_usable(overrides)


# No sums are kept of unpriced calls alone: they are read, again when there are others.
@st.cache_resource(ttl=60, max_entries=4, show_spinner=False)
def _unpriced_sums(
    url: str,
    unpriced: frozenset[tuple[tuple[str | None, ...], int]],  # noqa: ARG001  # decides when to read anew
) -> dict[tuple[str | None, ...], CallTotals]:
    return _ledger(url).totals(by=MODEL_COLUMNS, cost_state=str(CostState.UNPRICED), billed=1)


# A local model server may be started or stopped at any time, and nothing announces it.
@st.cache_resource(ttl=20, max_entries=4, show_spinner=False)
def _catalog(stamp: tuple[int, ...], _here: Settings) -> Catalog:  # noqa: ARG001  # the stamp is the cache's key
    return load_catalog(_here)


@st.cache_resource(max_entries=4, show_spinner=False)
def _sales(path: str, stamp: int, name: str, max_bytes: int) -> SalesData | DatasetError:
    """A refused file is remembered too: reading it again would only refuse it again."""
    if stamp == -1:
        return DatasetError(f"{name} is no longer kept on this computer. Upload it again, or use the sample.")
    try:
        return load_sales(Path(path), name=name, max_bytes=max_bytes)
    except DatasetError as error:
        return error


@st.cache_resource(max_entries=8, show_spinner=False)
def _choices(sha256: str, _data: SalesData) -> Choices:  # noqa: ARG001  # the content is the cache's key
    return choices_of(_data)
