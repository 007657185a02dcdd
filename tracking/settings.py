"""Where things are and how much is allowed: config/dashboard.toml, overridden by `DASHBOARD_*` variables."""

from __future__ import annotations

import difflib
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from tracking.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[1]
WEIGHTS_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_PREFIX = "DASHBOARD_"
_ALIKE = 0.9  # of two names' letters, and one is taken for a misspelling of the other


class Server(BaseModel):
    """Where the page is served. A description is what a wrong value is told to be."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="127.0.0.1", description="text")
    port: int = Field(default=8501, gt=0, lt=65536, description="a whole number from 1 to 65535")


class Settings(BaseSettings):
    """What may differ from machine to machine.

    Attributes:
        home: where the ledger, uploads, logs and weights are kept; made when missing.
        config: the folder of files a person edits.
        database_url: one database for ledger, outputs and queue; None: SQLite files in `home`.
        worker_concurrency: how many runs one worker carries out at a time.
        total_concurrency: and all workers of the database together; None: as many as they can.
        cost_shown: which of two costs is the total where a provider states one itself for every call.
        keep_calls_days: single calls of whole months that ended so many days ago leave the database; None:
            they stay. Their sums stay always.
        archive_calls: those that leave are kept as Parquet files; False: they are deleted.
        survive_power_cut: every call waits for the disk, see `ledger.database.synchronous`; of SQLite only.
        worker_managed: somebody else (the launcher) keeps a worker running.

    Raises:
        ConfigError: a value can't be used, or a name is misspelt.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    home: Path = Field(default=REPOSITORY / ".dashboard", description="a folder's path")
    config: Path = Field(default=REPOSITORY / "config", description="a folder's path")
    database_url: str | None = Field(default=None, description="a database URL")
    upload_limit_mb: int = Field(default=100, gt=0, description="a whole number above 0")
    worker_concurrency: int = Field(default=1, gt=0, description="a whole number above 0")
    total_concurrency: int | None = Field(default=None, gt=0, description="a whole number above 0")
    keep_calls_days: int | None = Field(default=None, gt=0, description="a whole number above 0")
    archive_calls: bool = Field(default=True, description="true or false")
    survive_power_cut: bool = Field(default=False, description="true or false")
    worker_managed: bool = Field(default=False, description="true or false")
    cost_shown: Literal["computed", "stated"] = Field(
        default="computed", description="'computed' or 'stated'"
    )
    server: Server = Field(default=Server(), description="a table: [server]")

    def __init__(self, **values: Any) -> None:
        _check_variables()
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError("; ".join(map(_told, error.errors()))) from error
        except SettingsError as error:  # a variable that is not the JSON which a table is written as
            raise ConfigError(f"the variable {_PREFIX}SERVER can't be read: write it as JSON") from error
        except (OSError, ValueError) as error:  # not TOML, or not UTF-8
            raise ConfigError(f"dashboard.toml can't be read: {error}") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = REPOSITORY / "config" / "dashboard.toml"
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    @cached_property
    def ledger_url(self) -> str:
        if self.database_url is not None:
            return self.database_url
        full = "?synchronous=full" if self.survive_power_cut else ""
        return f"sqlite:///{self.home / 'ledger.sqlite'}{full}"

    @cached_property
    def outputs_url(self) -> str:
        """Reports are content: they never share a file with the ledger."""
        return self.database_url or f"sqlite:///{self.home / 'outputs.sqlite'}"

    @cached_property
    def queue_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'queue.sqlite'}"

    @property
    def weights(self) -> Path:
        return self.home / "models" / WEIGHTS_FILE

    @property
    def own_prices(self) -> Path:
        """Where a person's own prices are written; there is no such file until one is."""
        return self.home / "prices.toml"

    @property
    def price_overrides(self) -> Path | None:
        """What every price book of this dashboard is loaded with."""
        return self.own_prices if self.own_prices.exists() else None

    @property
    def budgets(self) -> Path:
        return self.config / "budgets.toml"

    @property
    def uploads(self) -> Path:
        return self.home / "uploads"

    @property
    def sample(self) -> Path:
        return self.config / "data" / "beverage_sales.csv"


def _check_variables() -> None:
    """A misspelt variable would be ignored: calls would go to another ledger than the one that was meant."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(os.environ):
        if not name.startswith(_PREFIX) or name in known:
            continue
        if meant := difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE):
            raise ConfigError(f"the variable {name} sets nothing: did you mean {meant[0]}?")


def _told(problem: ErrorDetails) -> str:
    """One thing that is wrong: where, which key, what was found, what to do."""
    section, *rest = problem["loc"]
    variable = f"{_PREFIX}{str(section).upper()}"
    place = f"the variable {variable}" if variable in os.environ else "dashboard.toml"
    key, fields = ".".join(map(str, problem["loc"])), (Server if rest else Settings).model_fields
    name = str(problem["loc"][-1])
    if name not in fields:
        return f"{place}: there is no setting {key}. Rename or remove it; there are {', '.join(fields)}"
    return f"{place}: {key} must be {fields[name].description}, found {problem['input']!r}: correct it"
