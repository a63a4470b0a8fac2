"""One counter each: what is left and what is used. Pure: the time is handed in, and may jump.

A clock that is put forward ends periods early, which nobody can tell from time that has passed. One that is
put back never makes room: what was counted stays counted, at most for one period more.

Every call does the same once for each of its limits, so that counters do the plain part of it themselves:
they take off `Sums.room` what they hold, and put what a call came to in its place while the cell's `place` is
still the one that it was held in.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import ClassVar, Literal

from sekisho.core.calendar import window
from sekisho.core.limit import STRETCH, Limit, Measure
from sekisho.metering.counters.crossing import alert_above

PARTS = 120
"""A sliding period remembers so many calls exactly, and then counts all of a 120th of it together: these
leave up to a part late and never early, so that 120/121 of any amount can be used."""
SOON = 1.0
"""Seconds after which asking again makes sense where only calls under way are in the way."""


class Sums:
    """What changes with every call. Of one class for all kinds of cells: where objects of several classes
    take turns, Python needs half as long again to read and write their members."""

    __slots__ = ("alert", "room", "used")
    room: int
    """The amount without what is used and held."""
    used: int
    alert: float
    """From so much used on its holder may have to be told."""

    def __init__(self, amount: int):
        self.room = amount
        self.used = 0
        self.alert = inf


class Cell(ABC):
    """`turn` first, unless `since <= now < until`: everything else is right for the time it was given."""

    __slots__ = ("limit", "open", "place", "since", "sums", "until", "whole")
    use: ClassVar[Literal["settled", "admitted", "never"]] = "settled"
    """When what is held gets used: as its call is settled, as it is admitted (for good), or never."""
    limit: Limit
    """As it is now: see `follow`."""
    sums: Sums
    open: int
    """By so many it may still be used without being looked for. It must stay for them."""
    place: int
    """Where is held what comes now. A number never comes again for another place."""
    since: float
    until: float
    """Between these moments nothing is over by itself, and the place stays the same."""
    whole: float
    """When the whole amount is there again if nothing else is held, once something was: `inf` where time does
    not bring that."""

    def __init__(self, limit: Limit, _now: float):
        self.limit = limit
        self.sums = Sums(limit.amount)
        self.open = self.place = 0
        self.aim()

    @property
    def used(self) -> int:
        return self.sums.used

    @property
    def held(self) -> int:
        """By calls under way."""
        return self.limit.amount - self.sums.room - self.sums.used

    def follow(self, limit: Limit) -> None:
        """The limit has changed."""
        self.sums.room += limit.amount - self.limit.amount
        self.limit = limit
        self.aim()

    def aim(self) -> None:
        """Set the alert: whenever less is used than was, and when the holder was told."""
        self.sums.alert = alert_above(self.limit, self.sums.used)

    @abstractmethod
    def turn(self, now: float) -> None:
        """Let go of what is over. Seconds since the epoch, as everywhere here."""

    @abstractmethod
    def settle(self, place: int, held: int, used: int, then: float, now: float) -> None:
        """What was held there, at that time, is held no longer, and so much is used there: nothing if the
        place is over."""

    @abstractmethod
    def book(self, then: float, used: int, now: float) -> None:
        """So much is used by a call of that time, for which nothing is held."""

    @abstractmethod
    def wait(self, room: int, now: float) -> float | None:
        """Seconds until no more than `room` is used, if nothing else comes. None: no wait brings that."""

    @abstractmethod
    def ends(self, now: float) -> float:
        """When the present period is over."""

    def _add(self, held: int, used: int) -> None:
        self.sums.room -= held + used
        self.sums.used += used


def cell_of(limit: Limit, now: float) -> Cell:
    """A fresh cell for one counter of the limit."""
    return _KINDS[limit.measure](limit, now)


class CalendarCell(Cell):
    """usd. A place is a window."""

    __slots__ = ("_before",)

    def __init__(self, limit: Limit, now: float):
        super().__init__(limit, now)
        self.since, self.until = self._window(now)
        self.whole = self.until
        self._before = (inf, 0)
        """Beginning of the window before this one, and what was used in it."""

    def turn(self, now: float) -> None:
        if self.since <= now < self.until:
            return
        start, end = self._window(now)
        if now >= self.until:
            self._before = (self.since, self.sums.used)
            self.place += 1
            self.sums.used, self.sums.room = 0, self.limit.amount
            self.aim()
        elif start == self._before[0]:  # the clock was put back, and all of it counts in the one window
            self._add(0, self._before[1])
            self._before = (inf, 0)
        self.since = start
        self.until = self.whole = end

    def settle(self, place: int, held: int, used: int, _then: float, _now: float) -> None:
        if place == self.place:
            self._add(-held, used)
        elif place == self.place - 1:
            self._before = (self._before[0], self._before[1] + used)

    def book(self, then: float, used: int, now: float) -> None:
        self.settle(self.place if then >= self.since else self.place - 1, 0, used, then, now)

    def wait(self, room: int, now: float) -> float | None:
        if self.sums.used <= room:
            return SOON
        return None if self.until == inf else self.until - now

    def ends(self, _now: float) -> float:
        return self.until

    def _window(self, now: float) -> tuple[float, float]:
        return window(self.limit.period or "total", self.limit.time_zone, now)


@dataclass(slots=True)
class Entry:
    """What calls of one place count for, until one period after its moment."""

    moment: float
    used: int
    held: int


class SlidingCell(Cell):
    """tokens. A place is a moment, or a part of the period up to its end."""

    __slots__ = ("_moment", "_part", "_past", "_past_held", "_past_used", "_period", "_places")

    def __init__(self, limit: Limit, now: float):
        super().__init__(limit, now)
        self._period = STRETCH[limit.period or "minute"]
        self._part = self._period / PARTS
        self._past: dict[int, Entry] = {}
        """Places before the present one. Ascending by moment."""
        self._past_used = self._past_held = 0
        """In all of them: the present place has the rest."""
        self._moment = -inf
        """Of the present place; it may lie up to one part ahead."""
        self._places = count(1)
        self.turn(now)

    def turn(self, now: float) -> None:
        if self._moment > now + self._part:
            self._put_back(now)
        over, used = now - self._period, self.sums.used
        while self._past:
            place, entry = next(iter(self._past.items()))
            if entry.moment > over:
                break
            del self._past[place]
            self._count_past(-entry.used, -entry.held)
            self._add(-entry.held, -entry.used)
        if self._moment < now:
            self._leave(over)
            self.place = next(self._places)
            self._moment = self._moment_of(now)
        if self.sums.used < used:
            self.aim()
        self._look()

    def settle(self, place: int, held: int, used: int, then: float, now: float) -> None:
        if place == self.place:
            self._add(-held, used)
            return
        entry = self._past.get(place)
        if entry is None:  # it is over, or nothing was in it
            self.book(then, used, now)
            return
        entry.held -= held
        entry.used += used
        self._count_past(used, -held)
        self._add(-held, used)

    def book(self, then: float, used: int, now: float) -> None:
        if not used or then <= now - self._period:
            return
        moment = min(self._moment_of(then), now)
        entry = next((each for each in self._past.values() if each.moment == moment), None)
        if entry is None:
            entry = self._past[next(self._places)] = Entry(moment, 0, 0)
            self._past = dict(sorted(self._past.items(), key=_by_moment))
        entry.used += used
        self._count_past(used, 0)
        self._add(0, used)
        self._look()

    def wait(self, room: int, now: float) -> float | None:
        if self.sums.used <= room:
            return SOON
        left = self.sums.used
        for entry in self._past.values():
            left -= entry.used
            if left <= room:
                return entry.moment + self._period - now
        return self._moment + self._period - now

    def ends(self, now: float) -> float:
        return now + self._period

    def _moment_of(self, then: float) -> float:
        """Until when what comes then is counted together."""
        exact = len(self._past) < PARTS
        return then if exact else (then // self._part + 1) * self._part

    def _leave(self, over: float) -> None:
        """The present place is one of the past, or over as well."""
        used, held = self.sums.used - self._past_used, self.held - self._past_held
        if self._moment <= over:
            self._add(-held, -used)
        elif used or held:
            self._past[self.place] = Entry(self._moment, used, held)
            self._count_past(used, held)

    def _put_back(self, now: float) -> None:
        """The clock was: what lies ahead of it counts as of now."""
        self._moment = now
        for entry in self._past.values():
            entry.moment = min(entry.moment, now)

    def _count_past(self, used: int, held: int) -> None:
        self._past_used += used
        self._past_held += held

    def _look(self) -> None:
        """When something is over, or another place comes."""
        first = next(iter(self._past.values()), None)
        self.since = self._moment - self._part
        self.until = self._moment if first is None else min(self._moment, first.moment + self._period)
        self.whole = self._moment + self._period


class RequestsCell(SlidingCell):
    """requests."""

    __slots__ = ()
    use = "admitted"


class ConcurrentCell(Cell):
    """Calls under way. It has one place, and nothing is ever used."""

    __slots__ = ()
    use = "never"

    def __init__(self, limit: Limit, now: float):
        super().__init__(limit, now)
        self.since, self.until = -inf, inf
        self.whole = inf

    def turn(self, _now: float) -> None:
        """Nothing here is over by itself."""

    def settle(self, _place: int, held: int, _used: int, _then: float, _now: float) -> None:
        self._add(-held, 0)

    def book(self, _then: float, _used: int, _now: float) -> None:
        """A call that has ended takes no place."""

    def wait(self, room: int, _now: float) -> float | None:
        return SOON if room >= 0 else None

    def ends(self, _now: float) -> float:
        return inf


def _by_moment(item: tuple[int, Entry]) -> float:
    return item[1].moment


_KINDS: Mapping[Measure, Callable[[Limit, float], Cell]] = {
    "usd": CalendarCell,
    "requests": RequestsCell,
    "tokens": SlidingCell,
    "concurrent": ConcurrentCell,
}
