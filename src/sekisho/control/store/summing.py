"""What calls came to together, from whatever tells it soonest: rollups or tallies where these tell calls
apart as asked, and the calls themselves at the edges and elsewhere. Both outlive the calls that they counted.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, Table, func, literal, literal_column, select

from sekisho.control.store.spending import COLUMNS, DAY, Part, Stretch, grouped, read_parts
from sekisho.control.store.tables import DAILY, expired, rollups, tallies
from sekisho.control.store.tallies import LENGTHS
from sekisho.metering.alike import HOUR
from sekisho.metering.tally import KINDS, NUMBERS, TAGGED, UNNAMED, USERS

ROLLED: Mapping[str, str] = MappingProxyType(
    {
        "organisation": "organisation",
        "team": "team",
        "project": "project",
        "owner": "owner",
        "key": "key_id",
        "app": "app",
        "operation": "operation",
        "model": "model",
        "provider": "provider",
    }
)
"""What rollups and tallies tell calls apart by: columns of both."""
MOST_DAYS = 62
"""That are grouped one by one."""
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
    """Where calls are deleted, sums tell it all the same: an hour or day that a stretch begins in counts
    whole and, where there are only rollups, answers that other calls got count as asked for. More is told
    then than was, and never less."""

    @property
    def beside(self) -> set[str]:
        """What it takes that rollups do not tell."""
        return {*self.by, *(name for name, _ in self.within)} - ROLLED.keys()


@dataclass(frozen=True, slots=True)
class _Source:
    """Sums of some calls, by the names of reports."""

    columns: Mapping[str, ColumnElement[Any]]
    start: ColumnElement[int]
    asked: ColumnElement[bool]
    numbers: tuple[ColumnElement[int], ...]
    conditions: tuple[ColumnElement[bool], ...] = ()


class Summing:
    """Reads sums in one transaction."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._folded = max(self._last_day(rollups), self._last_day(tallies, tallies.c.kind.in_(KINDS)))
        """Before this, a sum may be a whole day's."""
        self._expired, self._tallied = map(float, connection.execute(select(expired)).one())
        self.lost_before: float | None = None
        """Seconds since the epoch: calls before it were wanted one by one, and are deleted."""

    def read(self, sought: Sought, stretch: Stretch) -> Iterator[Part]:
        """Every call of the stretch once."""
        sources = _sources(sought)
        if sought.lasting and sources and stretch.since < self._expired:
            yield from self._deleted(sources, sought, stretch)
            stretch = Stretch(self._expired, stretch.until, stretch.ahead)
        first, last = self._whole(sought, stretch) if sources else (0.0, 0.0)
        if first >= last:
            yield from self._calls(sought, stretch)
            return
        yield from self._calls(sought, Stretch(stretch.since, first, stretch.ahead))
        yield from self._sums(sources, sought, Stretch(first, last, stretch.ahead))
        yield from self._calls(sought, Stretch(last, stretch.until, stretch.ahead))

    def _deleted(self, sources: Iterable[_Source], sought: Sought, stretch: Stretch) -> Iterator[Part]:
        """Of the hours or days of which calls are deleted, each in one stretch alone."""

        def edge(moment: float) -> float:
            return moment // DAY * DAY if moment < self._folded else moment // HOUR * HOUR

        since, until = edge(stretch.since), edge(min(stretch.until, self._expired))
        turn = min(max(since, self._from(sought)), until)
        yield from self._sums([_rollups()], sought, Stretch(since, turn, stretch.ahead))
        yield from self._sums(sources, sought, Stretch(turn, until, stretch.ahead))

    def _whole(self, sought: Sought, stretch: Stretch) -> tuple[float, float]:
        """Between which moments sums tell it; nothing, if the second is not later."""
        if sought.daily and stretch.ahead % HOUR:
            return 0.0, 0.0
        first, last = math.ceil(stretch.since / HOUR) * HOUR, math.floor(stretch.until / HOUR) * HOUR
        if first < self._folded:
            first = math.ceil(first / DAY) * DAY
            if sought.daily and stretch.ahead:
                first = self._folded
        if last < self._folded:
            last = last // DAY * DAY
        return max(float(first), self._from(sought)), float(last)

    def _from(self, sought: Sought) -> float:
        """Since when sums tell it."""
        return self._tallied if sought.beside or sought.asked else 0.0

    def _calls(self, sought: Sought, stretch: Stretch) -> Iterator[Part]:
        if stretch.since >= stretch.until:
            return
        if stretch.since < self._expired:
            self.lost_before = min(stretch.until, self._expired)
        conditions = [COLUMNS[name] == wanted for name, wanted in sought.within]
        yield from read_parts(self._connection, sought.by, stretch, *conditions, daily=sought.daily)

    def _sums(self, sources: Iterable[_Source], sought: Sought, stretch: Stretch) -> Iterator[Part]:
        if stretch.since >= stretch.until:
            return
        by = tuple(dict.fromkeys(sought.by))
        for source in sources:
            conditions = [source.columns[name] == wanted for name, wanted in sought.within]
            days = [((source.start + stretch.ahead) // DAY).label("day")] if sought.daily else []
            asked = [source.asked.label("asked")] if sought.asked else []
            names = [source.columns[name].label(f"name_{at}") for at, name in enumerate(by)]
            rows = select(*names, *days, *asked, *source.numbers).where(*source.conditions, *conditions)
            pieces = [
                rows.where(source.start >= since, source.start < until)
                for since, until in self._pieces(stretch)
            ]
            for row, sums in grouped(self._connection, pieces, len(names) + len(days) + len(asked)):
                told = dict(zip(by, row, strict=False))
                found = tuple(told[name] if told[name] or name in ALWAYS else None for name in sought.by)
                day = int(row[len(by)]) if sought.daily else None
                yield Part(found, day, not sought.asked or bool(row[-1]), sums)

    def _pieces(self, stretch: Stretch) -> Iterator[tuple[int, int]]:
        """Beginnings and ends. SQLite sorts the rows that it groups, with all that is summed: a fifth of its
        time goes where each day's are grouped by themselves, and the days' sums then."""
        since, until = int(stretch.since), int(stretch.until)
        if self._connection.dialect.name != "sqlite" or until - since > MOST_DAYS * DAY:
            yield since, until
            return
        for first in range(since, until, DAY):
            yield first, min(first + DAY, until)

    def _last_day(self, table: Table, *conditions: ColumnElement[bool]) -> int:
        """The end of the last day that is told as a whole; 0: there is none."""
        days = select(func.max(table.c.start)).where(DAILY, *conditions)
        last = self._connection.execute(days).scalar()
        return 0 if last is None else last + DAY


def _sources(sought: Sought) -> Sequence[_Source]:
    """What tells it together; nothing: only single calls do."""
    if not sought.beside and not sought.asked:
        return [_rollups()]
    if sought.beside <= {"tag"}:
        return [_tallies(kind, {"tag": tallies.c.name}) for kind in (UNNAMED, TAGGED)]
    if sought.beside == {"user"}:
        return [
            _tallies(UNNAMED, {"user": literal_column("''", String)}),
            _tallies(USERS, {"user": tallies.c.name}),
        ]
    return []


def _rollups() -> _Source:
    return _Source(
        columns={name: rollups.c[column] for name, column in ROLLED.items()},
        start=rollups.c.start,
        asked=literal(value=True),
        numbers=tuple(rollups.c[name] for name in NUMBERS),
    )


def _tallies(kind: str, beside: Mapping[str, ColumnElement[Any]]) -> _Source:
    return _Source(
        columns={**{name: tallies.c[column] for name, column in ROLLED.items()}, **beside},
        start=tallies.c.start,
        asked=tallies.c.asked,
        numbers=tuple(tallies.c[name] for name in NUMBERS),
        conditions=(tallies.c.kind == kind, tallies.c.seconds.in_(LENGTHS)),
    )
