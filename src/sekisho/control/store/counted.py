"""What calls count for under limits, read from the books: for counters that are built anew."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    Null,
    Select,
    String,
    case,
    cast,
    column,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    values,
)

from sekisho.control.store import tables
from sekisho.control.store.calls import select as select_calls
from sekisho.control.store.credits import read_credits
from sekisho.control.store.tables import calls, expired, rollups
from sekisho.core.calendar import window
from sekisho.core.limit import MOST_TOKENS, STRETCH, Each, Level, Limit, Measure, within_reason
from sekisho.core.money import NANO
from sekisho.core.operation import PAID as OPERATIONS
from sekisho.core.record import SETTLEMENT, CallRecord
from sekisho.metering.counted import OWNER, came_to, counter_for, falls_under

Entry = tuple[Limit, str, float, int]
"""A limit, one of its counters, seconds since the epoch, and what calls until then came to."""
PARTS = 120
"""Of a sliding period: calls of one part are read as one, as of the last of them."""
HOLDERS = 500
"""In one query."""
LONGEST_CALL = 86_400.0
HOLDER: Mapping[Level, ColumnElement[Any]] = {level: calls.c[column] for level, column in OWNER.items()}
EACH: Mapping[Each, ColumnElement[Any]] = {"user": calls.c.end_user, "session": calls.c.session}
IN_ROLLUPS: Mapping[Level, ColumnElement[Any]] = {
    "organisation": rollups.c.organisation,
    "team": rollups.c.team,
    "project": rollups.c.project,
    "person": rollups.c.owner,
    "key": rollups.c.key_id,
}


PAID = tuple(map(str, OPERATIONS))
SPENT = (*PAID, SETTLEMENT)
TOKENS = (
    calls.c.usage_input,
    calls.c.usage_cache_read,
    calls.c.usage_cache_write,
    calls.c.usage_cache_write_1h,
    calls.c.usage_output,
)


Asked = tuple[Limit, float]
"""A limit, and from when on calls count (seconds since the epoch)."""
Place = tuple[str, str | None, str | None, float]
"""What limits of one question differ in: holder, model, provider, and their beginning."""


class Question(NamedTuple):
    """What limits that one query answers have in common."""

    measure: Measure
    level: Level
    part: float
    """Seconds that are read as one; 0: all."""
    by_tag: bool
    by_model: bool
    by_provider: bool
    each: Each | None
    deleted_before: float
    """Calls that began earlier are deleted, or about to be."""


def read_limits(connection: Connection) -> list[Limit]:
    """All there are, of all holders, credits among them. Raises StoreError."""
    found: dict[str, Limit] = {}
    for each in (tables.holders, tables.api_keys):
        for limits in connection.execute(select(each.c.limits)).scalars():
            found.update((limit.id, limit) for limit in msgspec.convert(limits, tuple[Limit, ...]))
    return [*found.values(), *read_credits(connection).values()]


def used(connection: Connection, asked_of: Iterable[Limit], now: float) -> Iterator[Entry]:
    """What counts at `now` (seconds since the epoch) in the present periods of the limits, but for credits,
    which charges count for."""
    deleted_before = float(connection.execute(select(expired.c.calls_before)).scalar_one())
    asked: dict[Question, list[Asked]] = {}
    for limit in asked_of:
        if limit.measure != "concurrent" and limit.tariffs is None:
            question = _question(limit, deleted_before)
            asked.setdefault(question, []).append((limit, _start(limit, now)))
    for question, group in asked.items():
        for at in range(0, len(group), HOLDERS):
            yield from _answers(connection, question, group[at : at + HOLDERS])


def ended_since(connection: Connection, ended: float) -> list[str]:
    """The ids of calls that ended then or later."""
    end = calls.c.started + calls.c.total_ms / 1000.0
    query = select(calls.c.id).where(calls.c.started >= ended - LONGEST_CALL, end >= ended)
    return list(connection.execute(query).scalars())


def _question(limit: Limit, deleted_before: float) -> Question:
    return Question(
        limit.measure,
        limit.level,
        0.0 if limit.measure == "usd" else STRETCH[limit.period or "minute"] / PARTS,
        limit.tag is not None,
        limit.model is not None,
        limit.provider is not None,
        limit.each,
        deleted_before,
    )


def _start(limit: Limit, now: float) -> float:
    if limit.measure == "usd":
        start = window(limit.period or "total", limit.time_zone, now)[0]
    else:
        start = now - STRETCH[limit.period or "minute"]
    return max(start, limit.since, 0.0)


def _answers(connection: Connection, question: Question, asked: Sequence[Asked]) -> Iterator[Entry]:
    rolled = question.measure == "usd" and _is_rolled_up(question)
    first = question.deleted_before if rolled else 0.0
    whole = [(limit, max(start, first)) for limit, start in asked]
    counts = _conditions(question, whole)
    queries = [_of_calls(connection, question, whole, (*counts, not_(_is_shared(question))))]
    limits: dict[Place, list[Limit]] = {}
    for limit, start in whole:
        limits.setdefault((limit.holder, limit.model, limit.provider, start), []).append(limit)
    if rolled:
        gone = [(limit, start) for limit, start in asked if start < question.deleted_before]
        queries += [_of_deleted(question, start, gone) for start in {start for _, start in gone}]
        for limit, start in gone:
            limits.setdefault((limit.holder, limit.model, limit.provider, start), []).append(limit)
    for query in queries:
        for holder, model, provider, each, tags, start, then, high, low in connection.execute(query):
            amount = int(high) * NANO + int(low)
            for limit in limits.get((holder, model, provider, float(start)), ()):
                if amount > 0 and (limit.tag is None or limit.tag in json.loads(tags)):
                    yield limit, counter_for(limit, each, each), float(then), amount
    for record in select_calls(connection, *counts, _is_shared(question)):
        yield from _of_shared(record, whole)


def _of_shared(record: CallRecord, asked: Sequence[Asked]) -> Iterator[Entry]:
    for limit, start in asked:
        if falls_under(limit, record) and record.started >= start:
            amount = within_reason(limit, came_to(limit, record))
            yield limit, counter_for(limit, record.user, record.session), record.started, amount


def _conditions(question: Question, asked: Sequence[Asked]) -> list[ColumnElement[bool]]:
    """Which calls fall under any of the limits, whoever answered them."""
    conditions = [
        HOLDER[question.level].in_({limit.holder for limit, _ in asked}),
        calls.c.started >= min(start for _, start in asked),
        calls.c.operation.in_(PAID if question.measure == "requests" else SPENT),
        # Nobody was asked: it was refused, or had somebody else's answer.
        calls.c.provider.is_not(None),
        or_(calls.c.explanation.is_(None), not_(cast(calls.c.explanation, String).like('%"coalesced"%'))),
    ]
    if question.by_tag:
        conditions.append(calls.c.tags.is_not(None))
    return conditions


def _is_shared(question: Question) -> ColumnElement[bool]:
    """An answer of several targets says in its attempts what each of them came to; it is the exception, and
    read whole."""
    if question.measure == "tokens" or (
        question.measure == "usd" and (question.by_model or question.by_provider)
    ):
        return cast(calls.c.attempts, String).like('%"usage"%')
    return false()


def _of_calls(
    connection: Connection,
    question: Question,
    asked: Sequence[Asked],
    conditions: Sequence[ColumnElement[bool]],
) -> Select[Any]:
    """All limits in one reading, whatever time each of them begins at: a scan of all calls takes seconds."""
    told_apart: Mapping[str, ColumnElement[Any]] = {
        "holder": HOLDER[question.level],
        "model": calls.c.model if question.by_model else null(),
        "provider": calls.c.provider if question.by_provider else null(),
        "share": EACH[question.each] if question.each else null(),
        "tags": cast(calls.c.tags, String) if question.by_tag else null(),
        "part": _part_of(connection, question.part) if question.part else null(),
    }
    grouped = [name for name, column in told_apart.items() if not isinstance(column, Null)]
    amounts = dict(zip(("high", "low"), _amount(question.measure), strict=True))
    columns = {**told_apart, **amounts, "started": calls.c.started}
    read = select(*(column.label(name) for name, column in columns.items())).where(*conditions)
    begins = sorted({(limit.holder, start) for limit, start in asked})
    if len({start for _, start in begins}) == 1:
        each = read.subquery().c
        return _summed(each, grouped, literal(begins[0][1]))
    # The offset keeps both databases from reading the calls once for each limit.
    each = read.offset(0).subquery().c
    holder, start = column("holder", String), column("start", Float)
    since = values(holder, start, name="asked").data(begins).cte("asked").c
    joined = (each.holder == since.holder, each.started >= since.start)
    return _summed(each, grouped, since.start).where(*joined).group_by(since.start)


def _summed(each: Any, grouped: Sequence[str], start: ColumnElement[Any]) -> Select[Any]:
    names = ("holder", "model", "provider", "share", "tags")
    told = [each[name] if name in grouped else null() for name in names]
    sums = [func.coalesce(func.sum(half), 0) for half in (each.high, each.low)]
    query = select(*told, start, func.max(each.started), *sums)
    return query.group_by(*(each[name] for name in grouped))


def _of_deleted(question: Question, start: float, asked: Sequence[Asked]) -> Select[Any]:
    """Of calls that are deleted, or about to be, there are sums by hour or day. One that the start lies in
    counts whole."""
    holder = IN_ROLLUPS[question.level]
    told_apart = [
        holder,
        rollups.c.model if question.by_model else null(),
        rollups.c.provider if question.by_provider else null(),
    ]
    groups = [column for column in told_apart if not isinstance(column, Null)]
    sums = [func.coalesce(func.sum(half), 0) for half in _usd(rollups.c.cost)]
    query = select(*told_apart, null(), null(), literal(start), literal(start), *sums).group_by(*groups)
    return query.where(
        holder.in_({limit.holder for limit, _ in asked}),
        rollups.c.operation.in_(SPENT),
        rollups.c.start < question.deleted_before,
        rollups.c.start + rollups.c.seconds > start,
    )


def _is_rolled_up(question: Question) -> bool:
    return not question.by_tag and question.each is None and question.level in IN_ROLLUPS


def _amount(measure: Measure) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Of one call: billions and the rest, so that no sum of absurd numbers overflows."""
    if measure == "usd":
        return _usd(calls.c.cost)
    none: ColumnElement[Any] = literal(0)
    return none, literal(1) if measure == "requests" else sum(map(_tokens, TOKENS), none)


def _usd(cost: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return cost // NANO, cost % NANO


def _tokens(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((column > MOST_TOKENS, MOST_TOKENS), (column > 0, column), else_=0)


def _part_of(connection: Connection, seconds: float) -> ColumnElement[Any]:
    number = calls.c.started / seconds
    if connection.dialect.name == "sqlite":  # which need not have `floor`, and cuts where others round
        return cast(number, Integer)
    return func.floor(number)
