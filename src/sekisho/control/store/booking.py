"""Records on the books, each once."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.exc import DataError

from sekisho.control.store import uncounted
from sekisho.control.store.bulk import LARGEST, insert
from sekisho.control.store.calls import COLUMNS, to_row
from sekisho.control.store.error import StoreError
from sekisho.control.store.tables import calls
from sekisho.metering.frame import AnyRecord

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""A null character in JSON."""


def book(connection: Connection, records: Sequence[AnyRecord]) -> Sequence[AnyRecord]:
    """Add records, and return those that were not on the books yet: the others change nothing."""
    new = records
    if records and not _added(connection, records):
        new = _unknown(connection, records)
        if new and not _added(connection, new):
            raise StoreError("another process put the same calls on the books at this moment")
    uncounted.add(connection, new)
    return new


def _unknown(connection: Connection, records: Sequence[AnyRecord]) -> list[AnyRecord]:
    once = {record.id: record for record in reversed(records)}
    known = connection.execute(select(calls.c.id).where(calls.c.id.in_(list(once)))).scalars()
    for call_id in known:
        del once[call_id]
    return list(reversed(once.values()))


def _added(connection: Connection, records: Sequence[AnyRecord]) -> bool:
    """All of them were added; or none, because some are on the books."""
    rows = [to_row(record) for record in records]
    savepoint = connection.begin_nested()
    try:
        count = insert(connection, calls, COLUMNS, rows)
    except (OverflowError, DataError):
        # A provider that claims more tokens than 64 bits hold, or a client that calls itself by a null
        # character where there can be none, must not block everybody's books.
        savepoint.rollback()
        savepoint = connection.begin_nested()
        count = insert(connection, calls, COLUMNS, [tuple(map(_held, row)) for row in rows])
    if count == len(rows):
        savepoint.commit()
        return True
    savepoint.rollback()
    return False


def _held(value: Any) -> Any:
    """What any database can keep of a value."""
    if isinstance(value, int):
        return max(-LARGEST, min(value, LARGEST))
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if value is None or isinstance(value, float):
        return value
    return msgspec.Raw(_NUL.sub(rb"\1\\ufffd", msgspec.json.encode(value)))
