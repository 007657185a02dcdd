"""Where everything lives, and the small files that one start leaves for the next."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WINDOWS = sys.platform == "win32"


@dataclass(frozen=True)
class Place:
    """The code is in `root`, what the user makes in `home`."""

    root: Path
    home: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> str:
        return self.program("python")

    @property
    def stamp(self) -> Path:
        return self.home / "install.json"

    @property
    def model(self) -> Path:
        return self.home / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"

    def program(self, name: str) -> str:
        return str(self.venv / (f"Scripts/{name}.exe" if WINDOWS else f"bin/{name}"))

    def running(self, port: int) -> Path:
        return self.home / f"running-{port}.json"

    def log(self, name: str) -> Path:
        folder = self.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"


def read_json(path: Path) -> dict[str, Any]:
    """A file of ours; one that is missing or damaged says as little as an empty one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)
