"""Where things are and how much is allowed: config/dashboard.toml, overridden by `DASHBOARD_*` variables."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import BaseModel
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

REPOSITORY = Path(__file__).resolve().parents[1]
WEIGHTS_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


class Server(BaseModel):
    """Where the page is served."""

    host: str = "127.0.0.1"
    port: int = 8501


class Settings(BaseSettings):
    """What may differ from machine to machine.

    Attributes:
        home: where the ledger, uploads, logs and weights are kept; made when missing.
        config: the folder of files a person edits.
        database_url: one database for ledger, outputs and queue; None: SQLite files in `home`.
        worker_managed: somebody else (the launcher) keeps a worker running.
    """

    model_config = SettingsConfigDict(env_prefix="DASHBOARD_", extra="ignore", frozen=True)

    home: Path = REPOSITORY / ".dashboard"
    config: Path = REPOSITORY / "config"
    database_url: str | None = None
    upload_limit_mb: int = 100
    worker_concurrency: int = 1
    worker_managed: bool = False
    server: Server = Server()

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
        return self.database_url or f"sqlite:///{self.home / 'ledger.sqlite'}"

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
    def uploads(self) -> Path:
        return self.home / "uploads"

    @property
    def sample(self) -> Path:
        return self.config / "data" / "beverage_sales.csv"
