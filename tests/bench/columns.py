"""Columns as Arrow and the ledger's tables have them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import sqlalchemy as sa


def named(
    names: Sequence[str | None], numbers: np.ndarray, told: np.ndarray | None = None
) -> pa.DictionaryArray:
    """Names by their numbers, None where they are not told."""
    there = np.array([name is not None for name in names])[numbers]
    indices = pa.array(numbers, pa.int32(), mask=~(there if told is None else there & told))
    return pa.DictionaryArray.from_arrays(indices, pa.array([name or "" for name in names], pa.string()))


def table(of: sa.Table, columns: Mapping) -> pa.Table:
    """Columns as a table of the ledger has them, in its order; one that is left out is None throughout."""
    length = len(next(iter(columns.values())))
    found = {}
    for column in of.columns:
        kind = pa.string() if column.type.python_type is str else pa.int64()
        values = columns.get(column.name)
        array = pa.nulls(length, kind) if values is None else values
        if not isinstance(array, pa.Array):
            array = pa.array(array, kind)
        found[column.name] = array if isinstance(array, pa.DictionaryArray) else array.cast(kind)
    return pa.table(found)


def values(column: pa.ChunkedArray) -> list:
    """What a column holds, as Python's own: `to_pylist` takes thirty times as long."""
    if pa.types.is_dictionary(column.type):
        whole = column.unify_dictionaries().combine_chunks()
        names = np.array([*whole.dictionary.to_pylist(), None], object)
        return names[whole.indices.fill_null(-1).to_numpy()].tolist()
    if pa.types.is_integer(column.type) and column.null_count:
        found = column.fill_null(0).to_numpy().astype(object)
        found[column.is_null().to_numpy()] = None
        return found.tolist()
    return column.to_numpy().tolist()
