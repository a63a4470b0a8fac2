"""What outages came to: how many calls failed at first, how they were rescued, and what was lost.

By requests, by tokens and by money: the three differ, because what fails is mostly what is long and dear.
Calls that no provider was asked for, and what a provider refused because of the request itself, are no
outages. A call that was lost has no usage: it weighs what its prompt would have cost.
"""

from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import ColumnElement, Float, RowMapping, Subquery, case, cast, func, literal, select
from sqlalchemy.sql.elements import KeyedColumnElement

from sekisho.control.store.engine import Store
from sekisho.control.store.tables import calls
from sekisho.core.operation import Operation
from sekisho.core.record import NO_FAILURES

By = Literal["provider", "model", "cause"]
BYS: tuple[By, ...] = get_args(By)
Ending = Literal["retry", "fallback", "continuation", "lost", "left"]
"""Of a call whose first attempt failed. left: its client went away."""


class Weighed(msgspec.Struct, frozen=True):
    """The same calls on three scales."""

    requests: int = 0
    tokens: int = 0
    cost: int = 0
    """Nano-USD; calls without a price weigh nothing."""


class Outages(msgspec.Struct, frozen=True, kw_only=True):
    name: str | None = None
    """The provider or model that was asked first, or the code of the first attempt's error."""
    total: Weighed = Weighed()
    """Calls that a provider was asked for; by cause: those that failed so."""
    failed: Weighed = Weighed()
    """Whose first attempt failed."""
    retry: Weighed = Weighed()
    """Of these, answered by the same endpoint after all."""
    fallback: Weighed = Weighed()
    """Answered by another endpoint."""
    continuation: Weighed = Weighed()
    """A stream that broke off after it had begun, and was carried on to its end."""
    lost: Weighed = Weighed()
    """The client got an error, or an answer that broke off."""


def outages(store: Store, since: float, by: By | None = None) -> list[Outages]:
    """Of the calls that began at `since` (seconds since the epoch) or later: one entry, or one for each
    group, those that lost most first; empty where there was no call. Raises StoreError."""
    rows = _rows(since)
    name = (
        {"provider": rows.c.provider, "model": rows.c.model, "cause": rows.c.cause}[by]
        if by
        else literal(None)
    )
    query = select(name.label("name"), *_sums(rows)).group_by(name)
    if by == "cause":
        query = query.where(rows.c.cause.is_not(None))
    with store.read() as connection:
        found = [_outages(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda each: (-each.lost.requests, -each.failed.requests, each.name or ""))


def _rows(since: float) -> Subquery:
    """One row for each call that a provider was asked for."""
    table = calls.c
    code = _first("code")
    cause = case((code.in_(NO_FAILURES), None), else_=code)
    same = (_first("provider") == table.provider) & (_first("upstream_model") == table.upstream_model)
    ending: ColumnElement[str | None] = case(
        (cause.is_(None), None),
        (table.outcome == "cancelled", "left"),
        (table.outcome != "ok", "lost"),
        (_first("first_token_ms").is_not(None), "continuation"),
        (same, "retry"),
        else_="fallback",
    )
    # Added as floats: the absurd count of one provider must not overflow everybody's report.
    counted = sum(
        (
            cast(each, Float)
            for each in (
                table.usage_cache_read,
                table.usage_cache_write,
                table.usage_cache_write_1h,
                table.usage_output,
            )
        ),
        cast(table.usage_input, Float),
    )
    return (
        select(
            _first("provider").label("provider"),
            func.coalesce(_first("model"), table.model).label("model"),
            cause.label("cause"),
            ending.label("ending"),
            literal(1).label("requests"),
            func.coalesce(counted, _explained("asked_tokens"), 0).label("tokens"),
            func.coalesce(cast(table.cost, Float), _explained("asked_cost"), 0).label("cost"),
        )
        .where(table.started >= since, table.operation == Operation.CHAT, _first("provider").is_not(None))
        .subquery()
    )


def _first(member: str) -> ColumnElement[Any]:
    """Of the first attempt."""
    found: ColumnElement[Any] = calls.c.attempts[(0, member)].as_string()
    return found


def _explained(member: str) -> ColumnElement[Any]:
    return cast(calls.c.explanation[member].as_string(), Float)


def _sums(rows: Subquery) -> list[ColumnElement[float]]:
    ending = rows.c.ending
    conditions: dict[str, ColumnElement[bool]] = {
        "total": literal(1) == 1,
        "failed": ending.is_not(None),
        **{each: ending == each for each in ("retry", "fallback", "continuation", "lost")},
    }
    return [
        _sum(condition, rows.c[scale]).label(f"{column}_{scale}")
        for column, condition in conditions.items()
        for scale in Weighed.__struct_fields__
    ]


def _sum(condition: ColumnElement[bool], weight: KeyedColumnElement[Any]) -> ColumnElement[float]:
    return func.coalesce(func.sum(case((condition, cast(weight, Float)), else_=0.0)), 0.0)


def _outages(row: RowMapping) -> Outages:
    columns = [name for name in Outages.__struct_fields__ if name != "name"]
    weighed = {
        name: Weighed(*(round(row[f"{name}_{scale}"]) for scale in Weighed.__struct_fields__))
        for name in columns
    }
    return Outages(name=row["name"], **weighed)


def rescued(found: Outages, scale: str) -> int:
    """What was saved on one scale: all but what was lost, or left by its client."""
    return sum(getattr(each, scale) for each in (found.retry, found.fallback, found.continuation))


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None
