"""What calls came to together, from whatever tells it soonest: rollups where they tell calls apart as asked,
and the calls themselves at the edges and elsewhere. Rollups outlive the calls that they counted."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.elements import KeyedColumnElement

from sekisho.control.store.spending import (
    COLUMNS,
    DAY,
    NUMBERS,
    Part,
    Stretch,
    grouped,
    read_parts,
)
from sekisho.control.store.tables import expired, rollups
from sekisho.metering.rollup import HOUR

ROLLED: Mapping[str, KeyedColumnElement[Any]] = MappingProxyType(
    {
        "organisation": rollups.c.organisation,
        "team": rollups.c.team,
        "project": rollups.c.project,
        "owner": rollups.c.owner,
        "key": rollups.c.key_id,
        "app": rollups.c.app,
        "operation": rollups.c.operation,
        "model": rollups.c.model,
        "provider": rollups.c.provider,
    }
)
"""What rollups tell calls apart by."""
ALWAYS = frozenset({"organisation", "key", "operation"})
"""What every call has, if only an empty text."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What calls are told apart by, and which of them count."""

    by: tuple[str, ...]
    within: tuple[tuple[str, str], ...] = ()
    """Only calls that have this there."""
    daily: bool = False
    asked: bool = False
    """Answers that other calls got are to be told apart."""
    lasting: bool = False
    """Where calls are deleted, rollups tell it all the same: answers that other calls got count as asked for,
    and an hour or day that a stretch begins in counts whole. More is told then than was, and never less."""

    @property
    def rolled(self) -> bool:
        """Whether rollups tell it."""
        names = {*self.by, *(name for name, _ in self.within)}
        return not self.asked and names <= ROLLED.keys()


class Summing:
    """Reads sums in one transaction."""

    def __init__(self, connection: Connection):
        self._connection = connection
        days = select(func.max(rollups.c.start)).where(rollups.c.seconds == DAY)
        last = connection.execute(days).scalar()
        self._folded = 0 if last is None else last + DAY
        """Before this, a rollup may be a whole day's."""
        self._expired = float(connection.execute(select(expired.c.calls_before)).scalar_one())
        self.lost_before: float | None = None
        """Seconds since the epoch: calls before it were wanted one by one, and are deleted."""

    def read(self, sought: Sought, stretch: Stretch) -> Iterator[Part]:
        """Every call of the stretch once."""
        if sought.lasting and stretch.since < self._expired:
            yield from self._rollups(sought, self._deleted(stretch))
            stretch = Stretch(self._expired, stretch.until, stretch.ahead)
            if stretch.since >= stretch.until:
                return
        first, last = self._whole(sought, stretch)
        if first >= last:
            yield from self._calls(sought, stretch)
            return
        yield from self._calls(sought, Stretch(stretch.since, first, stretch.ahead))
        yield from self._rollups(sought, Stretch(first, last, stretch.ahead))
        yield from self._calls(sought, Stretch(last, stretch.until, stretch.ahead))

    def _deleted(self, stretch: Stretch) -> Stretch:
        """The hours or days of which calls are deleted, each in one stretch alone."""

        def edge(moment: float) -> float:
            return moment // DAY * DAY if moment < self._folded else moment // HOUR * HOUR

        return Stretch(edge(stretch.since), edge(min(stretch.until, self._expired)), stretch.ahead)

    def _whole(self, sought: Sought, stretch: Stretch) -> tuple[float, float]:
        """Between which moments rollups tell it; nothing, if the second is not later."""
        if not sought.rolled or (sought.daily and stretch.ahead % HOUR):
            return 0.0, 0.0
        first, last = math.ceil(stretch.since / HOUR) * HOUR, math.floor(stretch.until / HOUR) * HOUR
        if first < self._folded:
            first = math.ceil(first / DAY) * DAY
            if sought.daily and stretch.ahead:
                first = self._folded
        if last < self._folded:
            last = last // DAY * DAY
        return float(first), float(last)

    def _calls(self, sought: Sought, stretch: Stretch) -> Iterator[Part]:
        if stretch.since >= stretch.until:
            return
        if stretch.since < self._expired:
            self.lost_before = min(stretch.until, self._expired)
        conditions = [COLUMNS[name] == wanted for name, wanted in sought.within]
        yield from read_parts(self._connection, sought.by, stretch, *conditions, daily=sought.daily)

    def _rollups(self, sought: Sought, stretch: Stretch) -> Iterator[Part]:
        conditions = [ROLLED[name] == wanted for name, wanted in sought.within]
        days = [((rollups.c.start + stretch.ahead) // DAY).label("day")] if sought.daily else []
        names = [ROLLED[name].label(f"name_{at}") for at, name in enumerate(sought.by)]
        counted = (rollups.c[name] for name in NUMBERS)
        rows = select(*names, *days, *counted).where(
            rollups.c.start >= int(stretch.since), rollups.c.start < int(stretch.until), *conditions
        )
        for row, sums in grouped(self._connection, rows, len(names) + len(days)):
            told = int(row[-1]) if sought.daily else None
            found = (
                name if name or by in ALWAYS else None
                for by, name in zip(sought.by, row[: len(names)], strict=True)
            )
            yield Part(tuple(found), told, asked=True, sums=sums)
