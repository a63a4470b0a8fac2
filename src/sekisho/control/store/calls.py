"""Calls as rows: the one place that knows which member of a record is which column."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping

from sekisho.control.store.tables import KEPT, calls
from sekisho.core.explanation import Explanation
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage

Row = tuple[Any, ...]

LARGEST = 2**63 - 1
_NESTED = ("attempts", "explanation", "tags")
"""Members that are columns of JSON."""
_PLAIN = tuple(name for name in CallRecord.__struct_fields__ if name not in {"usage", *_NESTED})
"""Members that are columns."""
_NAMES = tuple("end_user" if name == "user" else name for name in _PLAIN)
"""Of their columns."""
_USAGE = Usage.__struct_fields__
_COLUMNS = (*_NAMES, *(f"usage_{name}" for name in _USAGE), *_NESTED)
_NO_USAGE = (None,) * len(_USAGE)
_plain = attrgetter(*_PLAIN)
_usage = attrgetter(*_USAGE)
_json = msgspec.json.Encoder().encode
# ON CONFLICT (id), because OR IGNORE would also swallow rows that break another rule.
_INSERT = (
    f"INSERT INTO calls ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
    " ON CONFLICT (id) DO NOTHING"
)


def insert(connection: Connection, records: Sequence[CallRecord]) -> None:
    """Add records; one whose id is on the books already changes nothing.

    Goes past SQLAlchemy's handling of parameters, which costs more than the rest of a record's way.
    """
    if not records:
        return
    rows = [_row(record) for record in records]
    try:
        connection.exec_driver_sql(_INSERT, rows)
    except OverflowError:
        # A provider that claims more tokens than 64 bits hold must not block everybody's books.
        connection.exec_driver_sql(_INSERT, [tuple(map(_held, row)) for row in rows])


def find(connection: Connection, call_id: str) -> CallRecord | None:
    row = connection.execute(calls.select().where(calls.c.id == call_id)).mappings().first()
    return None if row is None else _record(row)


def find_answer(connection: Connection, key_id: str, upstream_id: str) -> CallRecord | None:
    """The first of the key's calls whose answer the provider named so, where answers are kept."""
    wanted = calls.select().where(calls.c.upstream_id == upstream_id, calls.c.key_id == key_id, KEPT)
    row = connection.execute(wanted.order_by(calls.c.started, calls.c.id).limit(1)).mappings().first()
    return None if row is None else _record(row)


def _row(record: CallRecord) -> Row:
    usage = _NO_USAGE if record.usage is None else _usage(record.usage)
    explanation = record.explanation
    explained = None if explanation is None else _json(explanation).decode()
    tags = _json(record.tags).decode() if record.tags else None
    return (*_plain(record), *usage, _json(record.attempts).decode(), explained, tags)


def _record(row: RowMapping) -> CallRecord:
    members: dict[str, Any] = {name: row[column] for name, column in zip(_PLAIN, _NAMES, strict=True)}
    if row["usage_input"] is not None:
        members["usage"] = Usage(**{name: row[f"usage_{name}"] for name in _USAGE})
    members["attempts"] = msgspec.convert(row["attempts"], tuple[AttemptRecord, ...])
    if row["explanation"] is not None:
        members["explanation"] = msgspec.convert(row["explanation"], Explanation)
    members["tags"] = tuple(row["tags"] or ())
    return CallRecord(**members)


def _held(value: Any) -> Any:
    return max(-LARGEST, min(value, LARGEST)) if isinstance(value, int) else value
