"""Where a ledger keeps what is not in its database."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

_REPOSITORY = Path(__file__).resolve().parents[2]


def place_of(url: str, what: str) -> Path:
    """A folder beside a SQLite file; for a server, where this computer keeps the dashboard's things."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(f"{parsed.database}-{what}")
    name = sha256(parsed.render_as_string(hide_password=True).encode()).hexdigest()[:12]
    home = Path(os.environ.get("DASHBOARD_HOME", _REPOSITORY / ".dashboard"))
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:  # installed where nobody may write
        home = Path(tempfile.gettempdir()) / "marketing-research-swarm"
    return home / what / name
