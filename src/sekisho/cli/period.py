"""Stretches of time as people write them."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sekisho.cli.failure import Misused
from sekisho.core.calendar import is_zone, midnight

DAY = 86_400.0
USUAL_DAYS = 30.0
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_AGO = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
_UNITS = {"h": DAY / 24, "d": DAY, "w": 7 * DAY}


def read_period(
    since: str | None, until: str | None, days: float | None, zone: str, now: float
) -> tuple[float, float]:
    """Seconds since the epoch, from the first second to the one after the last; `since` may be a length like
    `7d`, too. Raises Misused."""
    if since is not None and days is not None:
        raise Misused("--since and --days say the same: write one of them")
    check_zone(zone)
    end = now if until is None else read_moment(until, zone, "--until", ends=True)
    if since is None:
        return max(0.0, end - (USUAL_DAYS if days is None else days) * DAY), end
    ago = _AGO.fullmatch(since)
    if ago is not None:
        return max(0.0, end - int(ago[1]) * _UNITS[ago[2]]), end
    begin = read_moment(since, zone, "--since")
    if begin >= end:
        raise Misused("the time that is asked for ends before it begins")
    return begin, end


def read_moment(text: str, zone: str, option: str, *, ends: bool = False) -> float:
    """Seconds since the epoch of a day or a time; `ends`: of a day's end. Raises Misused."""
    check_zone(zone)
    try:
        if _DATE.fullmatch(text):
            moment = midnight(date.fromisoformat(text) + timedelta(days=1 if ends else 0), zone)
        else:
            told = datetime.fromisoformat(text)
            moment = (told if told.tzinfo else told.replace(tzinfo=ZoneInfo(zone))).timestamp()
    except (ValueError, OverflowError):
        msg = f"{option}: {text[:40]!r} is no day and no time: write 2026-11-01 or 2026-11-01T12:00"
        raise Misused(msg) from None
    if moment < 0:
        msg = f"{option}: {text} is before 1970"
        raise Misused(msg)
    return moment


def check_zone(name: str) -> None:
    """Raises Misused where there is no such time zone."""
    if len(name) > 100 or not is_zone(name):
        msg = f"{name[:100]!r} is no time zone; write one like Asia/Tokyo"
        raise Misused(msg)


def read_day(text: str, option: str) -> date:
    """Raises Misused."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    msg = f"{option}: {text[:40]!r} is no day: write 2026-11-01"
    raise Misused(msg)
