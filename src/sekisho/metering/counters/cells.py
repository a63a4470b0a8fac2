"""One counter each: what is used and what is held. Pure: the time is handed in, and may jump.

A clock that is put forward ends periods early, which nobody can tell from time that has passed. One that is
put back never makes room: what was counted stays counted, at most for one period more.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import ClassVar, Protocol

from sekisho.core.calendar import window
from sekisho.core.limit import STRETCH, Limit, Measure
from sekisho.metering.counters.crossing import alert_from

PARTS = 120
"""A sliding period remembers so many calls exactly, and then counts all of a 120th of it together: these
leave up to a part late and never early, so that 120/121 of any amount can be used."""
SOON = 1.0
"""Seconds after which asking again makes sense where only calls under way are in the way."""


class Cell(Protocol):
    """`turn` first, unless `since <= now < until`: everything else is right for the time it was given."""

    settles: ClassVar[bool]
    """False: what `hold` takes is used at once and for good."""
    limit: Limit
    """As it is now: see `follow`."""
    alert: float
    """From so much used on its holder may have to be told."""
    used: int
    held: int
    open: int
    """Holds that may still be settled: whoever makes them counts them. The cell must stay for them."""
    since: float
    until: float
    """Between these moments nothing is over by itself."""
    whole: float
    """When the whole amount is there again if nothing else is held, once something was: `inf` where time does
    not bring that."""

    def follow(self, limit: Limit, /) -> None:
        """The limit has changed."""
        ...

    def turn(self, now: float, /) -> None:
        """Let go of what is over. Seconds since the epoch, as everywhere here."""
        ...

    def hold(self, amount: int, now: float, /) -> float:
        """Returns the place where it is held, for what follows."""
        ...

    def withdraw(self, place: float, amount: int, /) -> None:
        """What was held there at this moment was never held."""
        ...

    def settle(self, place: float, held: int, used: int, now: float, /) -> None:
        """What was held there is held no longer, and so much is used there: nothing if the place is over."""
        ...

    def book(self, place: float, used: int, now: float, /) -> None:
        """So much is used there, of which nothing was held."""
        ...

    def place_at(self, then: float, /) -> float:
        """Where a call of that time counts."""
        ...

    def wait(self, room: int, now: float, /) -> float | None:
        """Seconds until no more than `room` is used, if nothing else comes. None: no wait brings that."""
        ...

    def ends(self, now: float, /) -> float:
        """When the present period is over."""
        ...


class LimitedCell:
    """What cells of all kinds have."""

    __slots__ = ("alert", "held", "limit", "open", "used")

    def __init__(self, limit: Limit, _now: float):
        self.used = self.held = self.open = 0
        self.follow(limit)

    def follow(self, limit: Limit) -> None:
        self.limit = limit
        self.alert = alert_from(limit)


def cell_of(limit: Limit, now: float) -> Cell:
    """A fresh cell for one counter of the limit."""
    return _KINDS[limit.measure](limit, now)


class CalendarCell(LimitedCell):
    """usd. A place is the number of a window."""

    __slots__ = ("_before", "_number", "since", "until", "whole")
    settles: ClassVar[bool] = True

    def __init__(self, limit: Limit, now: float):
        super().__init__(limit, now)
        self._number = 0
        self.since, self.until = self._window(now)
        self.whole = self.until
        self._before = (inf, 0)
        """Beginning of the window before this one, and what was used in it."""

    def turn(self, now: float) -> None:
        if self.since <= now < self.until:
            return
        start, end = self._window(now)
        if now >= self.until:
            self._before = (self.since, self.used)
            self._number += 1
            self.used = self.held = 0
        elif start == self._before[0]:  # the clock was put back, and all of it counts in the one window
            self.used += self._before[1]
            self._before = (inf, 0)
        self.since = start
        self.until = self.whole = end

    def hold(self, amount: int, _now: float) -> float:
        self.held += amount
        return self._number

    def withdraw(self, _place: float, amount: int) -> None:
        self.held -= amount

    def book(self, place: float, used: int, now: float) -> None:
        self.settle(place, 0, used, now)

    def settle(self, place: float, held: int, used: int, _now: float) -> None:
        if place == self._number:
            self.held -= held
            self.used += used
        elif place == self._number - 1:
            self._before = (self._before[0], self._before[1] + used)

    def place_at(self, then: float) -> float:
        return self._number if then >= self.since else self._number - 1

    def wait(self, room: int, now: float) -> float | None:
        if self.used <= room:
            return SOON
        return None if self.until == inf else self.until - now

    def ends(self, _now: float) -> float:
        return self.until

    def _window(self, now: float) -> tuple[float, float]:
        return window(self.limit.period or "total", self.limit.time_zone, now)


class SlidingCell(LimitedCell):
    """tokens. A place is a moment: what is there leaves one period after it."""

    __slots__ = ("_entries", "_last", "_newest", "_part", "_period", "since", "until", "whole")
    settles: ClassVar[bool] = True

    def __init__(self, limit: Limit, now: float):
        super().__init__(limit, now)
        self._period = STRETCH[limit.period or "minute"]
        self._part = self._period / PARTS
        self._entries: dict[float, list[int]] = {}
        """Place -> used and held there. Ascending."""
        self._look()

    def turn(self, now: float) -> None:
        if self._newest > now + self._part:
            self._put_back(now)
        while self._entries and (oldest := next(iter(self._entries))) <= now - self._period:
            used, held = self._entries.pop(oldest)
            self.used -= used
            self.held -= held
        self._look()

    def hold(self, amount: int, now: float) -> float:
        if self._newest < now:
            self._begin(now)
        self.held += amount
        self._last[1] += amount
        return self._newest

    def withdraw(self, _place: float, amount: int) -> None:
        self.held -= amount
        self._last[1] -= amount
        self._leave()

    def settle(self, place: float, held: int, used: int, now: float) -> None:
        entry = self._entries.get(place)
        if entry is not None and entry[1] >= held:
            self.held -= held
            entry[1] -= held
        # Otherwise it has left, or is to leave from where a clock that was put back moved it to.
        if used:
            self.book(place, used, now)

    def book(self, place: float, used: int, now: float) -> None:
        if place <= now - self._period:
            return
        self.used += used
        entry = self._entries.get(place)
        if entry is not None:
            entry[0] += used
        else:
            exact = len(self._entries) < PARTS
            self._insert(min(place if exact else self._end_of_part(place), now), used, 0)

    def place_at(self, then: float) -> float:
        return then

    def wait(self, room: int, now: float) -> float | None:
        if self.used <= room:
            return SOON
        left = self.used
        for place, (used, _) in self._entries.items():
            left -= used
            if left <= room:
                return place + self._period - now
        return None

    def ends(self, now: float) -> float:
        return now + self._period

    def _begin(self, now: float) -> None:
        """Make the place where something counts that comes now."""
        exact = len(self._entries) < PARTS
        self._entries[now if exact else self._end_of_part(now)] = [0, 0]
        self._look()

    def _leave(self) -> None:
        """Take the last place away if nothing is there."""
        if not any(self._last):
            del self._entries[self._newest]
            self._look()

    def _end_of_part(self, then: float) -> float:
        return (then // self._part + 1) * self._part

    def _insert(self, place: float, used: int, held: int) -> None:
        entry = self._entries.setdefault(place, [0, 0])
        entry[0] += used
        entry[1] += held
        if place < self._newest:
            self._entries = dict(sorted(self._entries.items()))
        self._look()

    def _put_back(self, now: float) -> None:
        """The clock was: what lies ahead of it counts as of now."""
        ahead = [place for place in self._entries if place > now]
        entries = [self._entries.pop(place) for place in ahead]
        self._look()
        self._insert(now, sum(entry[0] for entry in entries), sum(entry[1] for entry in entries))

    def _look(self) -> None:
        """What follows from the entries that there are."""
        entries = self._entries
        self._newest = next(reversed(entries), -inf)
        """The last place; it may lie up to one part ahead."""
        self._last = entries[self._newest] if entries else [0, 0]
        """What is used and held there."""
        self.since = self._newest - self._part
        self.until = next(iter(entries), inf) + self._period
        self.whole = self._newest + self._period


class RequestsCell(SlidingCell):
    """requests: used once they are admitted."""

    __slots__ = ()
    settles: ClassVar[bool] = False

    def hold(self, amount: int, now: float) -> float:
        if self._newest < now:
            self._begin(now)
        self.used += amount
        self._last[0] += amount
        return self._newest

    def withdraw(self, _place: float, amount: int) -> None:
        self.used -= amount
        self._last[0] -= amount
        self._leave()

    def settle(self, place: float, held: int, used: int, now: float) -> None:
        """What was taken stays used."""


class ConcurrentCell(LimitedCell):
    """Calls under way. It has one place, and nothing is ever used."""

    __slots__ = ("since", "until", "whole")
    settles: ClassVar[bool] = True

    def __init__(self, limit: Limit, now: float):
        super().__init__(limit, now)
        self.since, self.until = -inf, inf
        self.whole = inf

    def turn(self, _now: float) -> None:
        """Nothing here is over by itself."""

    def hold(self, amount: int, _now: float) -> float:
        self.held += amount
        return 0

    def withdraw(self, _place: float, amount: int) -> None:
        self.held -= amount

    def settle(self, _place: float, held: int, _used: int, _now: float) -> None:
        self.held -= held

    def book(self, _place: float, _used: int, _now: float) -> None:
        """A call that has ended takes no place."""

    def place_at(self, _then: float) -> float:
        return 0

    def wait(self, room: int, _now: float) -> float | None:
        return SOON if room >= 0 else None

    def ends(self, _now: float) -> float:
        return inf


_KINDS: Mapping[Measure, Callable[[Limit, float], Cell]] = {
    "usd": CalendarCell,
    "requests": RequestsCell,
    "tokens": SlidingCell,
    "concurrent": ConcurrentCell,
}
