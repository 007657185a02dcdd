"""A list of prices as genai-prices publishes it: the one inside the package, or a newer one.

Nothing is fetched unless somebody asks. A fetched list is kept in the dashboard's home and counts from then
on in whatever starts to price; a call that is priced keeps the price that is stored with it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tracking.errors import PriceError

if TYPE_CHECKING:
    from genai_prices.types import Provider

logger = logging.getLogger(__name__)

_LIBRARY: Final = "genai-prices"
FETCHED_LIST: Final = "prices-list.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """Providers with their models and prices, in genai-prices' own words.

    Attributes:
        library: the version of genai-prices that it was published with, or fetched by.
        fetched_at: None: it came with the library.
    """

    providers: Sequence[Provider]
    library: str
    fetched_at: datetime | None = None

    @property
    def source(self) -> str:
        """How a receipt names it."""
        name = f"{_LIBRARY} {self.library}"
        return name if self.fetched_at is None else f"{name}, list of {self.fetched_at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server sent, as it is kept."""

    providers: list[dict[str, Any]]
    url: str
    library: str
    fetched_at: datetime

    @classmethod
    def of(cls, text: str) -> Self:
        stated = json.loads(text)
        return cls(**stated | {"fetched_at": datetime.fromisoformat(stated["fetched_at"])})

    def text(self) -> str:
        stated = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(stated | {"fetched_at": self.fetched_at.isoformat()})

    def publication(self) -> Publication:
        """Raises: PriceError: the installed genai-prices does not understand it."""
        from genai_prices.types import _providers_from_raw  # noqa: PLC0415  # half a second; it has no public reader

        # How to read a usage payload is no price, and newer lists name fields that the library does not know.
        raw = [{key: said for key, said in each.items() if key != "extractors"} for each in self.providers]
        try:
            providers = _providers_from_raw(raw)
        except (ValueError, TypeError, KeyError) as error:
            raise PriceError(
                f"the price list from {self.url} is not in the form that {_LIBRARY} {self.library} reads "
                f"({type(error).__name__}): install a newer one"
            ) from error
        return Publication(providers, self.library, self.fetched_at)


def bundled() -> Publication:
    """The list that came with the library."""
    from genai_prices.data import providers  # noqa: PLC0415  # half a second, paid only when something is priced

    return Publication(providers, version(_LIBRARY))


def newest() -> Publication:
    """The list in force: the one that was fetched, or else the library's own. Never raises."""
    try:
        from tracking.settings import Settings  # noqa: PLC0415  # as above

        file = Settings().home / FETCHED_LIST
        return _kept(file, file.stat().st_mtime_ns) or bundled()
    except FileNotFoundError:
        return bundled()
    except Exception as error:  # noqa: BLE001  # pricing must go on, and says by which list
        logger.warning("the fetched price list can't be used, the library's own is: %s", error)
        return bundled()


def kept(home: Path) -> Fetched | None:
    """The list that was fetched, whether it is in force or not.

    Raises:
        PriceError: it can't be read.
    """
    file = home / FETCHED_LIST
    try:
        return Fetched.of(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PriceError(f"{file} can't be read: {error}. Fetch it again, or forget it") from error


def is_in_force(fetched: Fetched) -> bool:
    """A list counts for the version of the library that fetched it: the next one brings a list of its own."""
    return fetched.library == version(_LIBRARY)


def keep(fetched: Fetched, home: Path) -> None:
    """From now on this list counts."""
    home.mkdir(parents=True, exist_ok=True)
    part = home / f"{FETCHED_LIST}.part"
    part.write_text(fetched.text(), "utf-8")
    part.replace(home / FETCHED_LIST)


def forget(home: Path) -> bool:
    """From now on the library's own list counts. False: it did already."""
    try:
        (home / FETCHED_LIST).unlink()
    except FileNotFoundError:
        return False
    return True


def fetch(url: str | None = None) -> Fetched:
    """The list as it is on genai-prices' server now, or at another URL.

    Raises:
        PriceError: there is no network, no list there, or one that can't be used.
    """
    import httpx2  # noqa: PLC0415  # genai-prices' own client, which nothing else of ours needs
    from genai_prices.update_prices import DEFAULT_UPDATE_URL, UpdatePrices  # noqa: PLC0415

    url = url or DEFAULT_UPDATE_URL
    try:
        reply = httpx2.get(url, timeout=UpdatePrices().request_timeout, follow_redirects=True)
        providers = reply.raise_for_status().json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise PriceError(f"no price list from {url}: {error or type(error).__name__}") from error
    if not isinstance(providers, list) or not any(isinstance(p, dict) and p.get("models") for p in providers):
        raise PriceError(f"no price list from {url}: what is there names no model")
    return Fetched(providers, url, version(_LIBRARY), datetime.now(UTC).replace(microsecond=0))


@lru_cache(maxsize=1)
def _kept(file: Path, _changed: int) -> Publication | None:
    fetched = kept(file.parent)
    return fetched.publication() if fetched is not None and is_in_force(fetched) else None
