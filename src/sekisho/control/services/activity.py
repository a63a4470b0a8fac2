"""What was called on the days that are over: by endpoint, and by model."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Literal

from sqlalchemy import ColumnElement, select

from sekisho.control.store.activity import Active, read_days
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import api_keys, rollups
from sekisho.core.clock import Clock

EPOCH = date(1970, 1, 1)
REACH = 30
"""Days."""
RANKED = 50
"""Models of one period; the others are one line."""
OTHER = "other"
Grain = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Ids; None: of all."""

    organisation: str | None = None
    key: str | None = None
    owner: str | None = None
    apart: bool = False
    """Organisations are told apart."""


@dataclass(frozen=True, slots=True)
class Ranked:
    begins: date
    model: str
    tokens: int


class ActivityService:
    """Waits for the database. Every method may raise StoreError."""

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock

    def yesterday(self) -> date:
        """The last day that is over, in UTC."""
        return datetime.fromtimestamp(self._clock.now(), UTC).date() - timedelta(days=1)

    def days(self, first: date, last: date, wanted: Wanted) -> list[Active]:
        """By provider and model, and organisation where that is told apart."""
        by = ("provider", "model", *(("organisation",) if wanted.apart else ()))
        conditions: list[ColumnElement[bool]] = []
        if wanted.organisation is not None:
            conditions.append(rollups.c.organisation == wanted.organisation)
        if wanted.key is not None:
            conditions.append(rollups.c.key_id == wanted.key)
        if wanted.owner is not None:
            owned = select(api_keys.c.id).where(api_keys.c.owner == wanted.owner)
            conditions.append(rollups.c.key_id.in_(owned))
        with self._store.read() as connection:
            return list(read_days(connection, by, (number(first), number(last)), *conditions))

    def ranking(self, first: date, last: date, grain: Grain, organisation: str | None) -> Sequence[Ranked]:
        """The models with the most tokens in each period, by period and then the most first; the rest of a
        period last, as one."""
        ours = () if organisation is None else (rollups.c.organisation == organisation,)
        with self._store.read() as connection:
            found = list(read_days(connection, ("model",), (number(first), number(last)), *ours))
        lines: list[Ranked] = []
        for begins, days in groupby(found, key=lambda each: _begins(each.day, grain)):
            tokens: dict[str, int] = {}
            for each in days:
                tokens[each.names[0]] = tokens.get(each.names[0], 0) + each.prompt + each.output
            best = heapq.nsmallest(RANKED, tokens, key=lambda name: (-tokens[name], name))
            lines += [Ranked(begins, name, tokens[name]) for name in best]
            rest = sum(tokens.values()) - sum(tokens[name] for name in best)
            if len(tokens) > len(best):
                lines.append(Ranked(begins, OTHER, rest))
        return lines


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def _begins(day: int, grain: Grain) -> date:
    """The first day of the period; weeks begin on Monday."""
    found = EPOCH + timedelta(days=day)
    if grain == "week":
        return found - timedelta(days=found.weekday())
    return found.replace(day=1) if grain == "month" else found
