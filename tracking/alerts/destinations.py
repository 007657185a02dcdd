"""config/alerts.toml: whom to tell, of what, and when not. It holds no address: those are secrets."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tracking.alerts.quiet import QuietHours
from tracking.domain.alert import AlertKind
from tracking.errors import ConfigError
from tracking.settings import Settings

FILE: Final = "alerts.toml"
KINDS: Final = tuple(kind for kind in AlertKind if kind is not AlertKind.TEST)  # those one may choose from

T = TypeVar("T")

_TOP: Final = ("base_url", "repeat_after", "destinations")
_KEYS: Final = ("url_from", "kinds", "quiet_hours", "zone", "urgent")
_SPAN: Final = re.compile(r"([1-9]\d*)(m|h|d)")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Destination:
    """Somebody to tell.

    Attributes:
        url_from: the environment variable that holds the address; the address itself is never kept.
        kinds: what to tell.
        quiet: when not to; None: at any time.
        urgent: what is told even then.
    """

    name: str
    url_from: str
    kinds: frozenset[AlertKind] = frozenset(KINDS)
    quiet: QuietHours | None = None
    urgent: frozenset[AlertKind] = frozenset()

    @property
    def url(self) -> str | None:
        """The address, if this process knows it. A secret: for nothing but sending."""
        return os.environ.get(self.url_from, "").strip() or None

    def wants(self, kind: AlertKind) -> bool:
        return kind in self.kinds


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """What the file says.

    Attributes:
        base_url: the dashboard's address as those who are told reach it, without a slash at its end.
        repeat_after: for so long the same news is told once.
    """

    base_url: str
    repeat_after: timedelta = timedelta(hours=1)
    destinations: tuple[Destination, ...] = ()

    def destination(self, name: str) -> Destination | None:
        return next((each for each in self.destinations if each.name == name), None)

    def link(self, run_id: str | None) -> str:
        """Where a run is seen, or what there is about alerts."""
        page = "alerts" if run_id is None else f"runs?run={quote(run_id, safe='')}"
        return f"{self.base_url}/{page}"


def load_alert_config(settings: Settings) -> AlertConfig:
    """Read the file. Where there is none, nobody is told.

    Raises:
        ConfigError: it can't be used. What it says of values holds no address: that may be a secret.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.server.host, settings.server.host)  # noqa: S104
    here, file = f"http://{host}:{settings.server.port}", settings.config / FILE
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return AlertConfig(base_url=here)
    except tomllib.TOMLDecodeError as error:  # of its words only the place: others may quote an address
        place = re.search(r"\(at .*\)$", str(error))
        raise ConfigError(f"{FILE} is not TOML {place.group() if place else ''}".rstrip()) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FILE} can't be read: {type(error).__name__}") from error
    _refuse_addresses(content)
    _check_keys("", content, _TOP)
    tables = _typed("destinations", content.get("destinations", {}), dict, "tables: [destinations.name]")
    return AlertConfig(
        base_url=_base_url(content["base_url"]) if "base_url" in content else here,
        repeat_after=_span("repeat_after", content.get("repeat_after", "1h")),
        destinations=tuple(_destination(name, table) for name, table in tables.items()),
    )


def _destination(name: str, table: object) -> Destination:
    at = f"destinations.{name}"
    values = _typed(at, table, dict, f"a table: [{at}]")
    _check_keys(f"{at}.", values, _KEYS)
    if "url_from" not in values:
        raise _wrong(f"{at}.url_from", "is missing: name the variable that holds the address")
    variable = _typed(f"{at}.url_from", values["url_from"], str, "a variable's name")
    if not _VARIABLE.fullmatch(variable):
        raise _wrong(f"{at}.url_from", "must be the name of a variable, like ALERT_SLACK_URL: correct it")
    if "zone" in values and "quiet_hours" not in values:
        raise _wrong(f"{at}.zone", "says in which zone quiet_hours are, and there are none: add or remove")
    return Destination(
        name=name,
        url_from=variable,
        kinds=_kinds(f"{at}.kinds", values["kinds"]) if "kinds" in values else frozenset(KINDS),
        quiet=_quiet(at, values) if "quiet_hours" in values else None,
        urgent=_kinds(f"{at}.urgent", values.get("urgent", [])),
    )


def _quiet(at: str, values: Mapping[str, Any]) -> QuietHours:
    name = _typed(f"{at}.zone", values.get("zone", "UTC"), str, "a time zone, like Europe/Berlin")
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong(f"{at}.zone", f"must be a time zone, like Europe/Berlin, found {name!r}") from None
    try:
        return QuietHours.of(_typed(f"{at}.quiet_hours", values["quiet_hours"], str, "hours"), zone)
    except ValueError as error:
        raise _wrong(f"{at}.quiet_hours", f"{error}: correct it") from None


def _kinds(at: str, value: object) -> frozenset[AlertKind]:
    known = [str(kind) for kind in KINDS]
    names = _typed(at, value, list, "a list of kinds")
    if unknown := [str(name) for name in names if name not in known]:
        raise _wrong(at, f"names {', '.join(unknown)}, known are {', '.join(known)}: correct it")
    return frozenset(map(AlertKind, names))


def _span(at: str, value: object) -> timedelta:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong(at, f"must be a time like 30m, 6h or 1d, found {value!r}: correct it")
    return int(found[1]) * _UNITS[found[2]]


def _base_url(value: object) -> str:
    text = _typed("base_url", value, str, "the dashboard's address")
    parts = urlsplit(text)
    if parts.username is not None or parts.password is not None:
        raise _wrong("base_url", "holds a user or password, and is sent to everybody: remove them")
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise _wrong("base_url", "must be an address like https://swarm.example.com: correct it")
    return text.rstrip("/")


def _refuse_addresses(content: Mapping[str, Any], at: str = "") -> None:
    """Whatever looks like an address may hold a key, and this file gets copied and committed."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            _refuse_addresses(value, f"{at}{key}.")
        elif f"{at}{key}" != "base_url" and "://" in str(value):
            what = (
                "holds an address, which may be a secret: put it into an environment variable, and name that"
            )
            raise _wrong(f"{at}{key}", f"{what} in url_from")


def _check_keys(at: str, values: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in values:
        if key not in known:
            raise _wrong(f"{at}{key}", f"is not known: rename or remove it; there are {', '.join(known)}")


def _typed(at: str, value: object, kind: type[T], words: str) -> T:
    if not isinstance(value, kind):
        raise _wrong(at, f"must be {words}, found {type(value).__name__}: correct it")
    return value


def _wrong(at: str, what: str) -> ConfigError:
    return ConfigError(f"{FILE}: {at} {what}")
