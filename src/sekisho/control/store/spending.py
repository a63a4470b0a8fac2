"""What calls came to together, read from the table of calls.

A call whose answer several targets made, or ran for, says in its attempts what each was paid. Such calls are
the exception, and read one by one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    String,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.elements import KeyedColumnElement

from sekisho.control.store import calls
from sekisho.control.store.tables import calls as table
from sekisho.core.record import SETTLEMENT, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering.tally import USAGE, Sums

DAY = 86_400
COLUMNS: Mapping[str, KeyedColumnElement[Any]] = MappingProxyType(
    {
        "organisation": table.c.organisation,
        "team": table.c.team,
        "project": table.c.project,
        "owner": table.c.owner,
        "key": table.c.key_id,
        "user": table.c.end_user,
        "app": table.c.app,
        "operation": table.c.operation,
        "model": table.c.model,
        "provider": table.c.provider,
        "tag": table.c.tags,
        "upstream_model": table.c.upstream_model,
    }
)
"""What calls are told apart by, and the day besides."""
SHARED = cast(table.c.attempts, String).like('%"usage"%')
ASKED = cast(table.c.attempts, String) != "[]"
"""A provider was asked: the answer was not another call's."""
_BIG = 2**32
_OF_SEVERAL = 2
_SUMMED = (
    "cost",
    "waived",
    *(f"usage_{kind}" for kind in ("input", "cache_read", "cache_write", "cache_write_1h", "output")),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some time in which clocks are not changed."""

    since: float
    """Seconds since the epoch; calls that began then count, and not those that began at `until`."""
    until: float
    ahead: int = 0
    """Seconds that clocks are ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Part:
    """Calls that are alike in all that was asked for."""

    names: tuple[str | None, ...]
    day: int | None
    """Days since 1970-01-01, by the stretch's clocks; None where days are not told apart."""
    asked: bool
    """Whether providers were asked. False: these calls got the answers of others."""
    sums: Sums


def read_parts(
    connection: Connection,
    by: Sequence[str],
    stretch: Stretch,
    *conditions: ColumnElement[bool],
    daily: bool = False,
    attempts: bool = False,
) -> Iterator[Part]:
    """All calls of a stretch that meet the conditions, told apart by some of `COLUMNS`; tags as a text of
    JSON. What was paid to other providers and models than the last counts there, without a call. With
    `attempts` their tokens do so too: what each was asked and answered."""
    begun = (table.c.started >= stretch.since, table.c.started < stretch.until, *conditions)
    columns = [cast(COLUMNS[name], String) if name == "tag" else COLUMNS[name] for name in by]
    called = case((table.c.operation == SETTLEMENT, 0), else_=1)
    days = [_day(stretch.ahead).label("day")] if daily else []
    rows = select(
        *(column.label(f"name_{at}") for at, column in enumerate(columns)),
        *days,
        case((SHARED, _OF_SEVERAL), (ASKED, 1), else_=0).label("asked"),
        called.label("calls"),
        case((table.c.unpriced, called), else_=0).label("unpriced"),
        *(func.coalesce(table.c[name], 0).label(name) for name in _SUMMED),
    ).where(*begun)
    shared = False
    for row, sums in grouped(connection, [rows], len(by) + len(days) + 1):
        told = int(row[len(by)]) if daily else None
        if row[-1] == _OF_SEVERAL:
            shared = True  # told below, one by one
        else:
            yield Part(row[: len(by)], told, bool(row[-1]), sums)
    if not shared:
        return
    for record in calls.select(connection, *begun, SHARED):
        told = int(record.started + stretch.ahead) // DAY if daily else None
        for names, found in _asked(record, by) if attempts else _spread(record, by):
            yield Part(names, told, asked=True, sums=found)


def _day(ahead: int) -> ColumnElement[int]:
    local = table.c.started + ahead
    whole = cast(local, BigInteger)  # some databases cut the fraction off, some round
    return (whole - case((whole > local, 1), else_=0)) // DAY


def summed(*columns: ColumnElement[int]) -> list[ColumnElement[int]]:
    """The sums of columns, in halves that `whole` puts together: the absurd count of one provider must not
    overflow everybody's."""
    big = literal(_BIG, BigInteger)
    return [func.sum(half) for column in columns for half in (column // big, column % big)]


def whole(halves: Sequence[Any]) -> list[int]:
    numbers = [int(half) for half in halves]
    return [high * _BIG + low for high, low in zip(numbers[::2], numbers[1::2], strict=True)]


def grouped(
    connection: Connection, pieces: Sequence[Select[Any]], told: int
) -> Iterator[tuple[tuple[Any, ...], Sums]]:
    """What the rows of all pieces come to together that are alike in their first `told` columns; the others
    are the members of `Sums`. Adds them up as they are, which takes half as long, unless that overflows."""
    try:
        found = connection.execute(_together([_added(piece, told) for piece in pieces], told)).all()
    except OperationalError as error:
        if "overflow" not in str(error.orig):  # SQLite's sums hold 64 bits
            raise
        columns = list(union_all(*pieces).subquery().c)
        groups, numbers = columns[:told], columns[told:]
        for row in connection.execute(select(*groups, *summed(*numbers)).group_by(*groups)):
            yield tuple(row[:told]), Sums(*whole(row[told:]))
        return
    for row in found:
        if row[told] is not None:  # without anything to tell apart, no rows make one
            yield tuple(row[:told]), Sums(*map(int, row[told:]))


def _together(pieces: Sequence[Select[Any]], told: int) -> Select[Any]:
    return pieces[0] if len(pieces) == 1 else _added(union_all(*pieces), told)


def _added(rows: Select[Any] | CompoundSelect[Any], told: int) -> Select[Any]:
    columns = list(rows.subquery().c)
    groups = columns[:told]
    return select(*groups, *(func.sum(each).label(each.name) for each in columns[told:])).group_by(*groups)


def _spread(record: CallRecord, by: Iterable[str]) -> Iterator[tuple[tuple[str | None, ...], Sums]]:
    """A call's own place with all but the cost that belongs to others, and theirs."""
    cost = record.cost or 0
    for attempt in record.attempts if cost and len(record.attempts) > 1 else ():
        model = attempt.model or record.model
        if attempt.cost and (attempt.provider, model) != (record.provider, record.model):
            cost -= attempt.cost
            paid = {"provider": attempt.provider, "model": model, "upstream_model": attempt.upstream_model}
            yield _names(record, by, paid), Sums(cost=attempt.cost)
    usage = record.usage or Usage()
    called = 0 if record.operation == SETTLEMENT else 1
    tokens = {kind: getattr(usage, kind) for kind in USAGE}
    unpriced = called if record.unpriced else 0
    yield _names(record, by, {}), Sums(called, unpriced, cost, record.waived or 0, **tokens)


def _asked(record: CallRecord, by: Iterable[str]) -> Iterator[tuple[tuple[str | None, ...], Sums]]:
    """What each provider that had a part in an answer will say of it."""
    for attempt in record.attempts:
        if attempt.usage is not None:
            model = attempt.model or record.model
            paid = {"provider": attempt.provider, "model": model, "upstream_model": attempt.upstream_model}
            tokens = {kind: getattr(attempt.usage, kind) for kind in USAGE}
            unpriced = 1 if attempt.cost is None else 0
            yield _names(record, by, paid), Sums(1, unpriced, attempt.cost or 0, 0, **tokens)


def _names(
    record: CallRecord, by: Iterable[str], instead: Mapping[str, str | None]
) -> tuple[str | None, ...]:
    members = {"key": "key_id", "tag": "tags"}
    found = [instead[name] if name in instead else getattr(record, members.get(name, name)) for name in by]
    return tuple(msgspec.json.encode(name).decode() if isinstance(name, tuple) else name for name in found)
