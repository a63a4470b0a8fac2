"""Limits, claims and amounts as the scripts take them: see `cells.lua` and `admit.lua`."""

from collections.abc import Mapping
from math import inf
from typing import Any

import msgspec

from sekisho.core.calendar import window
from sekisho.core.limit import MOST, STRETCH, Claim, Limit, Measure, within_reason
from sekisho.core.money import NANO

MICRO = 1_000_000
NEVER = 9_000_000_000_000_000
"""Microseconds: the end of a total."""
CALENDAR, REQUESTS, TOKENS, BUSY = 1, 2, 3, 4
EXACT = 2**53 - 1
"""What a double holds exactly."""
MOST_SHAPES = 20_000
KINDS: Mapping[Measure, int] = {
    "usd": CALENDAR,
    "requests": REQUESTS,
    "tokens": TOKENS,
    "concurrent": BUSY,
}
pack = msgspec.msgpack.Encoder().encode


class Shape:
    """What does not change of a limit from call to call."""

    __slots__ = ("_split", "_window", "final", "kind", "limit", "most", "period")

    def __init__(self, limit: Limit):
        self.limit = limit
        self.kind = KINDS[limit.measure]
        self._split = self.kind == CALENDAR
        self.final = self.kind == REQUESTS
        """Used once it is admitted."""
        self.most = min(limit.amount, MOST if self._split else EXACT - 1)
        """The amount, as far as scripts can count."""
        sliding = not self._split and limit.measure != "concurrent"
        self.period = round(STRETCH[limit.period or "minute"] * MICRO) if sliding else 0
        self._window = (0, 0)

    def claim(self, amount: int, now: int) -> tuple[Any, ...]:
        """At `now`, microseconds."""
        begin, end = self.stretch(now)
        if not self._split:
            return (self.kind, 0, min(amount, EXACT), 0, self.most, begin, end)
        # One more than is ever admitted stands for all that is.
        claimed, most = divmod(min(amount, MOST + 1), NANO), divmod(self.most, NANO)
        return (self.kind, *claimed, *most, begin, end)

    def actual(self, amount: int) -> tuple[int, int]:
        """What one call came to, within bounds: high and low, whatever the kind."""
        return divmod(within_reason(self.limit, amount), NANO)

    def joined(self, high: int, low: int) -> int:
        """The number that it was."""
        return high * NANO + low if self._split else low

    def stretch(self, now: int) -> tuple[int, int]:
        """The calendar's window that `now` is in; else the period and nothing. Microseconds."""
        if not self._split:
            return self.period, 0
        kept = self._window
        if not kept[0] <= now < kept[1]:
            start, end = window(self.limit.period or "total", self.limit.time_zone, now / MICRO)
            kept = self._window = (round(start * MICRO), NEVER if end == inf else round(end * MICRO))
        return kept

    def until(self, now: int) -> int:
        """When the period that `now` is in is over."""
        return self.stretch(now)[1] if self._split else now + self.period


class Shapes:
    """Those of the limits of late."""

    def __init__(self) -> None:
        self._shapes: dict[int, Shape] = {}

    def of(self, limit: Limit) -> Shape:
        """By the object: limits are equal by a dozen members, which takes too long to compare."""
        shape = self._shapes.get(id(limit))
        if shape is None or shape.limit is not limit:
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes.clear()
            shape = self._shapes[id(limit)] = Shape(limit)
        return shape

    def pack(self, claims: tuple[Claim, ...], now: int) -> bytes:
        """For the script, at `now`."""
        return pack([self.of(claim.limit).claim(claim.amount, now) for claim in claims])
