"""Many rows at once, past SQLAlchemy's handling of parameters, which would cost more than all the rest."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import JSON, Connection, Table

_json = msgspec.json.Encoder().encode
Row = tuple[Any, ...]


def insert(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Row],
    conflict: str = "ON CONFLICT DO NOTHING",
) -> int:
    """Add rows; returns how many were added or, if `conflict` says so, changed. Columns of JSON come
    last; what they are to hold is given as it is, for msgspec to encode."""
    if not rows:
        return 0
    if connection.dialect.name == "postgresql":
        # One parameter for all: binding each value costs the gateway more than reading JSON costs the server.
        body = _json([dict(zip(columns, row, strict=True)) for row in rows]).decode()
        return connection.exec_driver_sql(_populate(table.name, columns, conflict), (body,)).rowcount
    first = _first_nested(table, columns)
    if first < len(columns):
        rows = [(*row[:first], *map(_text, row[first:])) for row in rows]
    return connection.exec_driver_sql(_values(table.name, columns, conflict), list(rows)).rowcount


def _first_nested(table: Table, columns: tuple[str, ...]) -> int:
    return next((at for at, name in enumerate(columns) if isinstance(table.c[name].type, JSON)), len(columns))


def _text(nested: object) -> str | None:
    return None if nested is None else _json(nested).decode()


@lru_cache
def _values(table: str, columns: tuple[str, ...], conflict: str) -> str:
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))}) {conflict}"


@lru_cache
def _populate(table: str, columns: tuple[str, ...], conflict: str) -> str:
    names = ", ".join(columns)
    found = f"json_populate_recordset(NULL::{table}, %s)"
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {found} {conflict}"
