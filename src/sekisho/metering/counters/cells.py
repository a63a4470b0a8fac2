"""One counter each: what is used and what is held. Pure: the time is handed in, and may jump.

A clock that is put forward ends periods early, which nobody can tell from time that has passed. One that is
put back never makes room: what was counted stays counted, at most for one period more.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import ClassVar, Protocol

from sekisho.core.calendar import window
from sekisho.core.limit import STRETCH, Limit, Measure

PARTS = 120
"""A sliding period remembers so many calls exactly, and then counts all of a 120th of it together: these
leave up to a part late and never early, so that 120/121 of any amount can be used."""
SOON = 1.0
"""Seconds after which asking again makes sense where only calls under way are in the way."""


class Cell(Protocol):
    """`turn` first: everything else is right for the time it was given."""

    settles: ClassVar[bool]
    """False: what `hold` takes is used at once and for good."""
    limit: Limit
    """As it is now: who finds it changed sets it."""
    used: int
    held: int
    open: int
    """Holds that may still be settled: whoever makes them counts them. The cell must stay for them."""

    def turn(self, now: float, /) -> None:
        """Let go of what is over. Seconds since the epoch, as everywhere here."""
        ...

    def hold(self, amount: int, /) -> float:
        """Returns the place where it is held, for what follows."""
        ...

    def drop(self, place: float, amount: int, /) -> None:
        """It is held no longer."""
        ...

    def book(self, place: float, amount: int, /) -> None:
        """It is used, at that place: nothing if the place is over."""
        ...

    def place_at(self, then: float, /) -> float:
        """Where a call of that time counts."""
        ...

    def reset(self, now: float, /) -> float | None:
        """See `Standing.reset`."""
        ...

    def wait(self, room: int, now: float, /) -> float | None:
        """Seconds until no more than `room` is used, if nothing else comes. None: no wait brings that."""
        ...

    def until(self, now: float, /) -> float:
        """When the present period is over."""
        ...


def cell_of(limit: Limit, now: float) -> Cell:
    """A fresh cell for one counter of the limit."""
    return _KINDS[limit.measure](limit, now)


class CalendarCell:
    """usd. A place is the number of a window."""

    __slots__ = ("_before", "_end", "_number", "_start", "held", "limit", "open", "used")
    settles: ClassVar[bool] = True

    def __init__(self, limit: Limit, now: float):
        self.used = self.held = self.open = 0
        self.limit = limit
        self._number = 0
        self._start, self._end = self._window(now)
        self._before = (inf, 0)
        """Beginning of the window before this one, and what was used in it."""

    def turn(self, now: float) -> None:
        if self._start <= now < self._end:
            return
        start, end = self._window(now)
        if now >= self._end:
            self._before = (self._start, self.used)
            self._number += 1
            self.used = self.held = 0
        elif start == self._before[0]:  # the clock was put back, and all of it counts in the one window
            self.used += self._before[1]
            self._before = (inf, 0)
        self._start, self._end = start, end

    def hold(self, amount: int) -> float:
        self.held += amount
        return self._number

    def drop(self, place: float, amount: int) -> None:
        if place == self._number:
            self.held -= amount

    def book(self, place: float, amount: int) -> None:
        if place == self._number:
            self.used += amount
        elif place == self._number - 1:
            self._before = (self._before[0], self._before[1] + amount)

    def place_at(self, then: float) -> float:
        return self._number if then >= self._start else self._number - 1

    def reset(self, now: float) -> float | None:
        return None if self._end == inf else self._end - now

    def wait(self, room: int, now: float) -> float | None:
        return SOON if self.used <= room else self.reset(now)

    def until(self, _now: float) -> float:
        return self._end

    def _window(self, now: float) -> tuple[float, float]:
        return window(self.limit.period or "total", self.limit.time_zone, now)


class SlidingCell:
    """tokens. A place is a moment: what is there leaves one period after it."""

    __slots__ = ("_entries", "_newest", "_now", "_part", "_period", "held", "limit", "open", "used")
    settles: ClassVar[bool] = True

    def __init__(self, limit: Limit, now: float):
        self.used = self.held = self.open = 0
        self.limit = limit
        self._period = STRETCH[limit.period or "minute"]
        self._part = self._period / PARTS
        self._now = now
        self._entries: dict[float, list[int]] = {}
        """Place -> used and held there. Ascending."""
        self._newest = -inf
        """The last place; it may lie up to one part ahead."""

    def turn(self, now: float) -> None:
        self._now = now
        if self._newest > now + self._part:
            self._put_back()
        over = now - self._period
        while self._entries and (oldest := next(iter(self._entries))) <= over:
            used, held = self._entries.pop(oldest)
            self.used -= used
            self.held -= held

    def hold(self, amount: int) -> float:
        self.held += amount
        place = self._place()
        self._entries[place][1] += amount
        return place

    def drop(self, place: float, amount: int) -> None:
        entry = self._entries.get(place)
        if entry is not None and entry[1] >= amount:
            self.held -= amount
            entry[1] -= amount
        # Otherwise it has left, or is to leave from where a clock that was put back moved it to.

    def book(self, place: float, amount: int) -> None:
        if not amount or place <= self._now - self._period:
            return
        self.used += amount
        entry = self._entries.get(place)
        if entry is not None:
            entry[0] += amount
        else:
            exact = len(self._entries) < PARTS
            self._insert(min(place if exact else self._end_of_part(place), self._now), amount, 0)

    def place_at(self, then: float) -> float:
        return then

    def reset(self, now: float) -> float | None:
        if not self._entries:
            return 0.0
        return self._newest + self._period - now

    def wait(self, room: int, now: float) -> float | None:
        if self.used <= room:
            return SOON
        left = self.used
        for place, (used, _) in self._entries.items():
            left -= used
            if left <= room:
                return place + self._period - now
        return None

    def until(self, now: float) -> float:
        return now + self._period

    def _place(self) -> float:
        """Where something counts that comes now: there is an entry."""
        if self._newest < self._now:
            exact = len(self._entries) < PARTS
            self._newest = self._now if exact else self._end_of_part(self._now)
            self._entries[self._newest] = [0, 0]
        return self._newest

    def _end_of_part(self, then: float) -> float:
        return (then // self._part + 1) * self._part

    def _insert(self, place: float, used: int, held: int) -> None:
        entry = self._entries.setdefault(place, [0, 0])
        entry[0] += used
        entry[1] += held
        if place < self._newest:
            self._entries = dict(sorted(self._entries.items()))
        self._newest = max(self._newest, place)

    def _put_back(self) -> None:
        """The clock was: what lies ahead of it counts as of now."""
        ahead = [place for place in self._entries if place > self._now]
        entries = [self._entries.pop(place) for place in ahead]
        self._newest = next(reversed(self._entries), -inf)
        self._insert(self._now, sum(entry[0] for entry in entries), sum(entry[1] for entry in entries))


class RequestsCell(SlidingCell):
    """requests: used once they are admitted."""

    __slots__ = ()
    settles: ClassVar[bool] = False

    def hold(self, amount: int) -> float:
        self.used += amount
        place = self._place()
        self._entries[place][0] += amount
        return place


class ConcurrentCell:
    """Calls under way. It has one place, and nothing is ever used."""

    __slots__ = ("held", "limit", "open", "used")
    settles: ClassVar[bool] = True

    def __init__(self, limit: Limit, _now: float):
        self.limit = limit
        self.used = self.held = self.open = 0

    def turn(self, _now: float) -> None:
        """Nothing here is over by itself."""

    def hold(self, amount: int) -> float:
        self.held += amount
        return 0

    def drop(self, _place: float, amount: int) -> None:
        self.held -= amount

    def book(self, _place: float, _amount: int) -> None:
        """A call that has ended takes no place."""

    def place_at(self, _then: float) -> float:
        return 0

    def reset(self, _now: float) -> float | None:
        return None

    def wait(self, room: int, _now: float) -> float | None:
        return SOON if room >= 0 else None

    def until(self, _now: float) -> float:
        return inf


_KINDS: Mapping[Measure, Callable[[Limit, float], Cell]] = {
    "usd": CalendarCell,
    "requests": RequestsCell,
    "tokens": SlidingCell,
    "concurrent": ConcurrentCell,
}
