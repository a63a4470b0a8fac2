"""Calls as rows: the one place that knows which member of a record is which column."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import astuple
from sqlalchemy import ColumnElement, Connection, RowMapping

from sekisho.control.store.tables import KEPT, calls
from sekisho.core.explanation import Explanation
from sekisho.core.record import AttemptRecord, CallFacts, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering.frame import AnyRecord

Row = tuple[Any, ...]

_FACTS = CallFacts.__struct_fields__
"""Of a record, before its attempts, explanation and tags."""
_AT = _FACTS.index("usage")
"""Where its usage is, which is several columns."""
_PLAIN = (*_FACTS[:_AT], *_FACTS[_AT + 1 :])
"""Members that are columns."""
_NAMES = tuple("end_user" if name == "user" else name for name in _PLAIN)
"""Of their columns."""
_USAGE = Usage.__struct_fields__
COLUMNS = (*_NAMES, *(f"usage_{name}" for name in _USAGE), "attempts", "explanation", "tags")
_NO_USAGE = (None,) * len(_USAGE)


def find(connection: Connection, call_id: str) -> CallRecord | None:
    row = connection.execute(calls.select().where(calls.c.id == call_id)).mappings().first()
    return None if row is None else to_record(row)


def select(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[CallRecord]:
    """All calls that meet the conditions, one after the other, however many there are."""
    wanted = calls.select().where(*conditions).execution_options(yield_per=1000)
    for row in connection.execute(wanted).mappings():
        yield to_record(row)


def find_answer(connection: Connection, key_id: str, upstream_id: str) -> CallRecord | None:
    """The first of the key's calls whose answer the provider named so, where answers are kept."""
    wanted = calls.select().where(calls.c.upstream_id == upstream_id, calls.c.key_id == key_id, KEPT)
    row = connection.execute(wanted.order_by(calls.c.started, calls.c.id).limit(1)).mappings().first()
    return None if row is None else to_record(row)


def to_row(record: AnyRecord) -> Row:
    """What `COLUMNS` are to hold; those of JSON as the structs they are, or as they were written."""
    members = astuple(record)
    usage = _NO_USAGE if record.usage is None else astuple(record.usage)
    plain = members[:_AT] + members[_AT + 1 : len(_FACTS)]
    return (*plain, *usage, record.attempts, record.explanation or None, record.tags or None)


def to_record(row: RowMapping) -> CallRecord:
    """The record of a row with all columns."""
    members: dict[str, Any] = {name: row[column] for name, column in zip(_PLAIN, _NAMES, strict=True)}
    if row["usage_input"] is not None:
        members["usage"] = Usage(**{name: row[f"usage_{name}"] for name in _USAGE})
    members["attempts"] = msgspec.convert(row["attempts"], tuple[AttemptRecord, ...])
    if row["explanation"] is not None:
        members["explanation"] = msgspec.convert(row["explanation"], Explanation)
    members["tags"] = tuple(row["tags"] or ())
    return CallRecord(**members)
