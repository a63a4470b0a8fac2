"""What calls count for under limits, read from the books: for counters that are built anew."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Null,
    Select,
    String,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
)

from sekisho.control.store import tables
from sekisho.control.store.calls import select as select_calls
from sekisho.control.store.credits import read_credits
from sekisho.control.store.tables import calls, expired, rollups
from sekisho.core.calendar import window
from sekisho.core.limit import MOST_TOKENS, STRETCH, Each, Level, Limit, Measure, within_reason
from sekisho.core.money import NANO
from sekisho.core.operation import PAID as OPERATIONS
from sekisho.core.record import SETTLEMENT
from sekisho.metering.counted import came_to, counter_for

Entry = tuple[Limit, str, float, int]
"""A limit, one of its counters, seconds since the epoch, and what calls until then came to."""
PARTS = 120
"""Of a sliding period: calls of one part are read as one, as of the last of them."""
HOLDERS = 500
"""In one query."""
LONGEST_CALL = 86_400.0
OWNER: Mapping[Level, str] = {
    "organisation": "organisation",
    "team": "team",
    "project": "project",
    "person": "owner",
    "key": "key_id",
}
"""Of a record."""
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


class Question(NamedTuple):
    """What limits that one query answers have in common."""

    measure: Measure
    level: Level
    start: float
    part: float
    """Seconds that are read as one; 0: all."""
    tag: str
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
    asked = sorted(
        (
            (_question(limit, now, deleted_before), limit)
            for limit in asked_of
            if limit.measure != "concurrent" and limit.tariffs is None
        ),
        key=lambda pair: (str(pair[0]), pair[1].holder),
    )
    for question, pairs in groupby(asked, key=lambda pair: pair[0]):
        group = [limit for _, limit in pairs]
        for at in range(0, len(group), HOLDERS):
            yield from _answers(connection, question, group[at : at + HOLDERS])


def ended_since(connection: Connection, ended: float) -> list[str]:
    """The ids of calls that ended then or later."""
    end = calls.c.started + calls.c.total_ms / 1000.0
    query = select(calls.c.id).where(calls.c.started >= ended - LONGEST_CALL, end >= ended)
    return list(connection.execute(query).scalars())


def _question(limit: Limit, now: float, deleted_before: float) -> Question:
    if limit.measure == "usd":
        start, part = window(limit.period or "total", limit.time_zone, now)[0], 0.0
    else:
        stretch = STRETCH[limit.period or "minute"]
        part = stretch / PARTS
        start = now - stretch
    return Question(
        limit.measure,
        limit.level,
        max(start, limit.since),
        part,
        limit.tag or "",
        limit.model is not None,
        limit.provider is not None,
        limit.each,
        deleted_before,
    )


def _answers(connection: Connection, question: Question, limits: Sequence[Limit]) -> Iterator[Entry]:
    asking: dict[tuple[str | None, ...], list[Limit]] = {}
    for limit in limits:
        asking.setdefault((limit.holder, limit.model, limit.provider), []).append(limit)
    holders = {limit.holder for limit in limits}
    counts = _conditions(question, holders)
    queries = [_of_calls(connection, question).where(*counts, not_(_is_shared(question)))]
    if question.measure == "usd" and question.start < question.deleted_before and _is_rolled_up(question):
        queries.append(_of_deleted(question, holders))
    for query in queries:
        for holder, model, provider, each, then, high, low in connection.execute(query):
            amount = int(high) * NANO + int(low)
            for limit in asking.get((holder, model, provider), ()):
                if amount > 0:
                    yield limit, counter_for(limit, each, each), float(then), amount
    for record in select_calls(connection, *counts, _is_shared(question)):
        for limit in limits:
            if limit.holder == getattr(record, OWNER[question.level]):
                amount = within_reason(limit, came_to(limit, record))
                yield limit, counter_for(limit, record.user, record.session), record.started, amount


def _conditions(question: Question, holders: Iterable[str]) -> list[ColumnElement[bool]]:
    """Which calls fall under the limits, whoever answered them."""
    start = question.start
    if question.measure == "usd" and _is_rolled_up(question):
        start = max(start, question.deleted_before)
    conditions = [
        HOLDER[question.level].in_(holders),
        calls.c.started >= start,
        calls.c.operation.in_(PAID if question.measure == "requests" else SPENT),
        # Nobody was asked: it was refused, or had somebody else's answer.
        calls.c.provider.is_not(None),
        or_(calls.c.explanation.is_(None), not_(cast(calls.c.explanation, String).like('%"coalesced"%'))),
    ]
    if question.tag:
        # No LIKE: to that, on SQLite, large letters are small ones.
        written = func.coalesce(cast(calls.c.tags, String), "")
        asked = [json.dumps(question.tag, ensure_ascii=plain) for plain in (True, False)]
        conditions.append(or_(*(func.replace(written, each, "") != written for each in asked)))
    return conditions


def _is_shared(question: Question) -> ColumnElement[bool]:
    """An answer of several targets says in its attempts what each of them came to; it is the exception, and
    read whole."""
    if question.measure == "tokens" or (
        question.measure == "usd" and (question.by_model or question.by_provider)
    ):
        return cast(calls.c.attempts, String).like('%"usage"%')
    return false()


def _of_calls(connection: Connection, question: Question) -> Select[Any]:
    told_apart: list[ColumnElement[Any]] = [
        HOLDER[question.level],
        calls.c.model if question.by_model else null(),
        calls.c.provider if question.by_provider else null(),
        EACH[question.each] if question.each else null(),
    ]
    groups = [column for column in told_apart if not isinstance(column, Null)]
    if question.part:
        groups.append(_part_of(connection, question.part))
    return select(*told_apart, func.max(calls.c.started), *_amount(question.measure)).group_by(*groups)


def _of_deleted(question: Question, holders: Iterable[str]) -> Select[Any]:
    """Of calls that are deleted, or about to be, there are sums by hour or day. One that the start lies in
    counts whole."""
    holder = IN_ROLLUPS[question.level]
    told_apart = [
        holder,
        rollups.c.model if question.by_model else null(),
        rollups.c.provider if question.by_provider else null(),
    ]
    groups = [column for column in told_apart if not isinstance(column, Null)]
    then = literal(max(question.start, 0.0))
    query = select(*told_apart, null(), then, *_usd(rollups.c.cost)).group_by(*groups)
    return query.where(
        holder.in_(holders),
        rollups.c.operation.in_(SPENT),
        rollups.c.start < question.deleted_before,
        rollups.c.start + rollups.c.seconds > question.start,
    )


def _is_rolled_up(question: Question) -> bool:
    return not question.tag and question.each is None and question.level in IN_ROLLUPS


def _amount(measure: Measure) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Billions and the rest, so that no sum of absurd numbers overflows."""
    none: ColumnElement[Any] = literal(0)
    if measure == "usd":
        return _usd(calls.c.cost)
    if measure == "requests":
        return none, func.count()
    return none, func.coalesce(func.sum(sum(map(_tokens, TOKENS), none)), 0)


def _usd(cost: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.coalesce(func.sum(cost // NANO), 0), func.coalesce(func.sum(cost % NANO), 0)


def _tokens(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((column > MOST_TOKENS, MOST_TOKENS), (column > 0, column), else_=0)


def _part_of(connection: Connection, seconds: float) -> ColumnElement[Any]:
    number = calls.c.started / seconds
    if connection.dialect.name == "sqlite":  # which need not have `floor`, and cuts where others round
        return cast(number, Integer)
    return func.floor(number)
