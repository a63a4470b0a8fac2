"""Writes Parquet. Imported by name, and only where somebody wants it: its library is an extra."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import ParquetWriter
from sqlalchemy import Boolean, Float, Integer

from sekisho.control.services.export import Rows, Write
from sekisho.control.store.tables import calls

_TYPES = ((Boolean, pa.bool_()), (Integer, pa.int64()), (Float, pa.float64()))
"""All others are texts, JSON among them."""


@contextmanager
def opened(path: Path) -> Iterator[Write]:
    """A file that takes rows."""
    schema = pa.schema([(column.name, _type(column.type)) for column in calls.c])
    with ParquetWriter(path, schema, compression="zstd") as writer:

        def write(rows: Rows) -> None:
            values = zip(zip(*rows, strict=True), schema.types, strict=True)
            writer.write_batch(pa.record_batch([pa.array(*each) for each in values], schema=schema))

        yield write


def _type(kind: object) -> pa.DataType:
    return next((ours for theirs, ours in _TYPES if isinstance(kind, theirs)), pa.string())
