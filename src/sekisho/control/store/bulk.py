"""Many rows at once, past SQLAlchemy's handling of parameters, which would cost more than all the rest."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from types import NoneType
from typing import Any

import msgspec
from sqlalchemy import JSON, Connection, Table

_json = msgspec.json.Encoder().encode
Row = tuple[Any, ...]
LARGEST = 2**63 - 1


def insert(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Row],
    conflict: str = "ON CONFLICT DO NOTHING",
) -> int:
    """Add rows; returns how many were added or, if `conflict` says so, changed. What columns of JSON are to
    hold is given as it is, for msgspec to encode."""
    if not rows:
        return 0
    if connection.dialect.name == "postgresql":
        # One parameter for all: binding each value costs the gateway more than reading JSON costs the server.
        body = _json([dict(zip(columns, row, strict=True)) for row in rows]).decode()
        return connection.exec_driver_sql(_populate(table.name, columns, conflict), (body,)).rowcount
    nested = tuple(isinstance(table.c[name].type, JSON) for name in columns)
    count = 0
    for kinds, alike in _alike(rows).items():
        values = [
            _for_sqlite(kind, column, nested=each)
            for kind, each, column in zip(kinds, nested, zip(*alike, strict=True), strict=True)
            if kind is not NoneType
        ]
        statement = _values(table.name, columns, tuple(kind is not NoneType for kind in kinds), conflict)
        count += connection.exec_driver_sql(statement, list(zip(*values, strict=True))).rowcount
    return count


def held(sums: tuple[int, ...]) -> tuple[int, ...]:
    """The absurd count of one provider must not end the books: sums stop at the largest number."""
    return sums if max(sums) <= LARGEST else tuple(min(each, LARGEST) for each in sums)


def _alike(rows: Sequence[Row]) -> dict[tuple[type, ...], list[Row]]:
    """The rows by the types of what they hold. A value that is absent costs Python's driver for SQLite as
    much as eight numbers, as does a truth value, and most rows lack the same ones: so these are not bound."""
    found: dict[tuple[type, ...], list[Row]] = {}
    for row in rows:
        kinds = (*map(type, row),)
        alike = found.get(kinds)
        if alike is None:
            alike = found[kinds] = []
        alike.append(row)
    return found


def _for_sqlite(kind: type, column: Iterable[Any], *, nested: bool) -> Iterable[Any]:
    """Values of one type as SQLite takes them."""
    if kind is bool:
        return map(int, column)
    if not nested:
        return column
    written = column if kind is msgspec.Raw else map(_json, column)
    return map(str, written, repeat("utf-8"))


@lru_cache
def _values(table: str, columns: tuple[str, ...], given: tuple[bool, ...], conflict: str) -> str:
    values = ", ".join("?" if each else "NULL" for each in given)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) {conflict}"


@lru_cache
def _populate(table: str, columns: tuple[str, ...], conflict: str) -> str:
    names = ", ".join(columns)
    found = f"json_populate_recordset(NULL::{table}, %s)"
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {found} {conflict}"
