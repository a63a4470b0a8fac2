"""Where the minutes, hours, days, weeks and months begin by which money and calls are counted.

The one place that knows: budgets of providers and limits of holders ask it.
"""

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sekisho.core.limit import Period

Window = tuple[float, float]
"""First second of a period, and of the one after it, since the epoch."""

_SECONDS = {"minute": 60, "hour": 3600}
_DAY = timedelta(days=1)


def window(period: Period, zone: str, now: float) -> Window:
    """The period that `now` (seconds since the epoch) is in: `start <= now < end`.

    Days begin at midnight in `zone` (IANA), or with the first moment of a day that has none; so those on
    which clocks are changed have 23 or 25 hours. Weeks begin on Monday. `total` has neither beginning nor
    end: 0 and infinity. Raises ValueError for a zone that is not known: see `is_zone`.
    """
    if period == "total":
        return 0.0, math.inf
    tz = _zone(zone)
    local = datetime.fromtimestamp(now, tz)
    if seconds := _SECONDS.get(period):
        offset = int((local.utcoffset() or timedelta()).total_seconds())
        start = float((math.floor(now) + offset) // seconds * seconds - offset)
        return start, start + seconds
    first, after = _DATES[period]
    day = first(local.date())
    return _around(now, day, first, after, tz)


def midnight(day: date, zone: str) -> float:
    """When a day begins, in seconds since the epoch. Raises ValueError for a zone that is not known."""
    return _midnight(day, _zone(zone))


def offsets(zone: str, since: float, until: float) -> list[tuple[float, float, int]]:
    """The stretches between two moments in which clocks are not changed: begin, end, and seconds that clocks
    are ahead of UTC. So the date of a moment in one is that of `moment + ahead` in UTC. Raises ValueError for
    a zone that is not known."""
    tz = _zone(zone)
    found = []
    begin, ahead = since, _ahead(since, tz)
    at = since
    while at < until:
        following = min(at + _DAY.total_seconds(), until)
        if _ahead(following, tz) != ahead:
            change = _change(at, following, tz)
            found.append((begin, change, ahead))
            begin, ahead = change, _ahead(following, tz)
        at = following
    return [*found, (begin, until, ahead)]


def is_zone(name: str) -> bool:
    """Whether this is the name of a time zone: `UTC`, `Asia/Tokyo`."""
    try:
        _zone(name)
    except ValueError:
        return False
    return True


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # a folder of zones is an OSError: `America`
        raise ValueError(f"{name} is no time zone") from None


def _ahead(moment: float, tz: ZoneInfo) -> int:
    return int((datetime.fromtimestamp(moment, tz).utcoffset() or timedelta()).total_seconds())


def _change(before: float, after: float, tz: ZoneInfo) -> float:
    """The whole second at which clocks are changed between these, where they are once."""
    ahead, low, high = _ahead(before, tz), math.floor(before), math.ceil(after)
    while high - low > 1:
        middle = (low + high) // 2
        if _ahead(middle, tz) == ahead:
            low = middle
        else:
            high = middle
    return float(high)


def _around(
    now: float, day: date, first: Callable[[date], date], after: Callable[[date], date], tz: ZoneInfo
) -> Window:
    """The period that begins on `day`, or its neighbour. Where clocks were put back over midnight, a day has
    moments that the calendar puts before its beginning (St John's, to 2011)."""
    start, end = _midnight(day, tz), _midnight(after(day), tz)
    if now >= end:
        return end, _midnight(after(after(day)), tz)
    if now < start:
        return _midnight(first(day - _DAY), tz), start
    return start, end


def _midnight(day: date, tz: ZoneInfo) -> float:
    # Of a midnight that comes twice the first (fold=0) counts. One that clocks skip is read by the clock
    # before the change, which is the moment of the change itself.
    return datetime(day.year, day.month, day.day, tzinfo=tz).timestamp()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _first(day: date) -> date:
    return day.replace(day=1)


_DATES: dict[str, tuple[Callable[[date], date], Callable[[date], date]]] = {
    "day": (lambda day: day, lambda day: day + _DAY),
    "week": (_monday, lambda day: _monday(day) + 7 * _DAY),
    "month": (_first, lambda day: _first(_first(day) + 31 * _DAY)),
}
"""Period -> the date it begins on; the date that the next one begins on."""
