"""The data of a run: the bundled sample, or an upload kept under its own hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tracking.domain.spec import Dataset
from tracking.errors import DatasetError
from tracking.settings import Settings

if TYPE_CHECKING:
    from tracking.dataset.sales import SalesData


def load_data(settings: Settings, dataset: Dataset) -> SalesData:
    """Read and check the data that a spec names.

    Raises:
        DatasetError: it is gone, or can't be used.
    """
    from tracking.dataset.sales import load_sales  # noqa: PLC0415  # pandas, not owed by who only queues runs

    path = data_path(settings, dataset)
    if dataset.sha256 is not None and not path.exists():
        raise DatasetError(f"the uploaded file {dataset.name} is no longer here: upload it again")
    return load_sales(path, name=dataset.name, max_bytes=settings.upload_limit_mb * 1024**2)


def data_path(settings: Settings, dataset: Dataset) -> Path:
    """Where a dataset's bytes are kept, whether they are there or not."""
    return settings.sample if dataset.sha256 is None else _upload_path(settings, dataset.sha256)


def store_upload(settings: Settings, data: bytes) -> str:
    """Keep an upload under its SHA-256, which is returned. The same bytes are kept once."""
    digest = hashlib.sha256(data).hexdigest()
    path = _upload_path(settings, digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and renamed: a worker never reads half a file.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        os.replace(file.name, path)  # noqa: PTH105  # atomic on every platform
    return digest


def _upload_path(settings: Settings, digest: str) -> Path:
    return settings.uploads / f"{digest}.csv"
