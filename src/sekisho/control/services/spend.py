"""What calls cost, and what is charged for them, by whose they were and what answered.

All amounts are exact sums; a line is rounded once, where it is shown, and so is the total: lines may differ
from it in the last digit.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, get_args

from sqlalchemy import Connection, select

from sekisho.control.store.credits import read_tariffs
from sekisho.control.store.engine import Store
from sekisho.control.store.spending import Part, Stretch
from sekisho.control.store.summing import Sought, Summing
from sekisho.control.store.tables import api_keys, holders
from sekisho.core.calendar import offsets
from sekisho.core.money import MILLION
from sekisho.core.tariff import Tariff, tariff_at
from sekisho.metering.currency import USD, Currency
from sekisho.metering.tally import Sums

By = Literal[
    "organisation",
    "team",
    "project",
    "owner",
    "key",
    "user",
    "tag",
    "app",
    "model",
    "provider",
    "operation",
    "day",
]
BYS: tuple[By, ...] = get_args(By)
NAMED: frozenset[By] = frozenset({"organisation", "team", "project", "owner", "key"})
"""What is known by an id, and has a name besides."""
FIRST_DAY = date(1970, 1, 1)
Ids = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`since` and `until`: seconds since the epoch; calls count that began in between."""

    since: float
    until: float
    by: tuple[By, ...] = ()
    zone: str = "UTC"
    """Where days begin."""
    currency: Currency = USD
    within: tuple[tuple[By, str], ...] = ()
    """Only of calls that have this id there."""
    lasting: bool = False
    """Nothing is to be lost with deleted calls: see `Sought.lasting`."""


@dataclass(slots=True)
class Line:
    ids: Ids = ()
    """One for each that was asked by; None: of calls that have none."""
    sums: Sums = field(default_factory=Sums)
    cost: int = 0
    """What providers are paid, exact: `Currency.text` rounds it. Without unpriced calls."""
    charge: int = 0
    """What the organisation is charged, exact. Without uncharged calls."""
    waived: int = 0
    """What providers are paid for calls that brought nothing, exact, and beside `cost`."""
    uncharged: int = 0
    """Calls without a price whose organisation has none of its own for them either."""


@dataclass(frozen=True, slots=True)
class Spend:
    question: Question
    lines: list[Line]
    """By days in their order, otherwise the dearest first; empty where there was no call."""
    total: Line
    """Of every call once, also where it stands under several tags."""
    names: Mapping[str, str]
    """By id."""
    lost_before: float | None = None
    """Seconds since the epoch: single calls from before are deleted, and are in no sum that needs them."""

    @property
    def overlaps(self) -> bool:
        """Lines add up to more than the total: a call stands under each of its tags."""
        return "tag" in self.question.by


def spend(store: Store, question: Question) -> Spend:
    """Raises StoreError, NoRate, and ValueError for a zone that is not known."""
    lines: dict[Ids, Line] = {}
    total = Line()
    with store.read() as connection:
        tariffs = read_tariffs(connection)
        summing = Summing(connection)
        for ids, line in _priced(summing, question, tariffs):
            _add(total, line)
            for each in _places(ids, question.by):
                _add(lines.setdefault(each, Line(each)), line)
        names = _names(connection) if NAMED & set(question.by) else {}
    ordered = sorted(lines.values(), key=_order(question.by))
    return Spend(question, ordered, total, names, summing.lost_before)


def sum_up(connection: Connection, question: Question, tariffs: Mapping[str, Sequence[Tariff]]) -> Line:
    """The total alone. `tariffs`: by organisation."""
    total = Line()
    for _, line in _priced(Summing(connection), question, tariffs):
        _add(total, line)
    return total


def _priced(
    summing: Summing, question: Question, tariffs: Mapping[str, Sequence[Tariff]]
) -> Iterator[tuple[Ids, Line]]:
    """Calls that are alike, with what they come to; the last of their ids is the day."""
    priced = any(tariff.prices for each in tariffs.values() for tariff in each)
    # What a charge depends on, besides the time. The less calls are told apart by, the sooner they are
    # summed.
    pricing = ("organisation", "model") if priced else ("organisation",) if tariffs else ()
    columns = (*pricing, *(name for name in question.by if name != "day"))
    daily = "day" in question.by or question.currency != USD
    sought = Sought(columns, question.within, daily=daily, asked=priced, lasting=question.lasting)
    changes = {tariff.begins for each in tariffs.values() for tariff in each}
    for stretch in _stretches(question, changes):
        for part in summing.read(sought, stretch):
            organisation, model = (*part.names[: len(pricing)], None, None)[:2]
            tariff = tariff_at(tariffs.get(organisation or "", ()), stretch.since)
            day = FIRST_DAY + timedelta(days=part.day or 0)
            ids = (*part.names[len(pricing) :], day.isoformat())
            yield ids, _line(part, tariff, model, day, question.currency)


def _stretches(question: Question, changes: Iterable[float]) -> Iterator[Stretch]:
    """The time that is asked for, cut where clocks or tariffs change."""
    for since, until, ahead in offsets(question.zone, question.since, question.until):
        cuts = sorted({since, *(change for change in changes if since < change < until), until})
        for begin, end in pairwise(cuts):
            yield Stretch(begin, end, ahead)


def _line(part: Part, tariff: Tariff, model: str | None, day: date, currency: Currency) -> Line:
    sums = part.sums
    covered = part.asked and tariff.covers(model)  # another call's answer costs nothing, whatever its price
    charge = tariff.charge(model if covered else None, sums.cost, sums.usage)
    return Line(
        sums=sums,
        cost=currency.converted(sums.cost * MILLION, day),
        charge=currency.converted(charge, day),
        waived=currency.converted(sums.waived * MILLION, day),
        uncharged=0 if covered else sums.unpriced,
    )


def _places(ids: Ids, by: Sequence[By]) -> Iterable[Ids]:
    """Where calls with these ids stand: in one line, but for several tags."""
    day, rest = ids[-1], iter(ids[:-1])
    found: list[Ids] = [()]
    for name in by:
        told = day if name == "day" else next(rest)
        here = _tags(told) if name == "tag" else (told,)
        found = [(*before, each) for before in found for each in here]
    return found


def _tags(told: str | None) -> Ids:
    tags: list[str] = [] if told is None else json.loads(told) or []
    return tuple(dict.fromkeys(tags)) or (None,)


def _add(line: Line, more: Line) -> None:
    line.sums.add(more.sums)
    line.cost += more.cost
    line.charge += more.charge
    line.waived += more.waived
    line.uncharged += more.uncharged


def _order(by: Sequence[By]) -> Callable[[Line], tuple[object, ...]]:
    at = by.index("day") if "day" in by else None

    def key(line: Line) -> tuple[object, ...]:
        told = tuple(each or "" for each in line.ids)
        return ("" if at is None else told[at], -line.charge, -line.cost, -line.sums.calls, told)

    return key


def _names(connection: Connection) -> dict[str, str]:
    found: dict[str, str] = {}
    for table in (holders, api_keys):
        found.update((row.id, row.name) for row in connection.execute(select(table.c.id, table.c.name)))
    return found
