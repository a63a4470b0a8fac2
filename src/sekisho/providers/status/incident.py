"""Incidents as every status page tells them, and what many of them count to."""

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from sekisho.core.message import Value

Severity = Literal["none", "minor", "major", "critical"]
SEVERE: frozenset[Severity] = frozenset({"major", "critical"})
DAY = 86_400.0
DAYS = 90
"""That incidents are counted over."""
TITLE = 200
"""Characters of a title that are kept."""


class Incident(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Times are seconds since the epoch."""

    id: str
    title: str
    began: float
    updated: float
    ended: float | None = None
    """None: it is open."""
    severity: Severity = "none"
    api: bool = False
    """It is about the API, and not only about what people use in a browser."""


class Reading(Value, frozen=True, kw_only=True):
    """What a page said at one time."""

    incidents: tuple[Incident, ...]
    reach: float | None = None
    """From when on the page lists all incidents; None: it lists only those that are open."""


class Count(Value, frozen=True, kw_only=True):
    incidents: int
    api: int
    """Of them about the API."""
    severe: int
    """Of those major or critical."""


class BadFeed(ValueError):
    """What a page said cannot be used. Says why."""


def count(incidents: Iterable[Incident], now: float) -> Count:
    """Those that were open at some time of the last 90 days."""
    since = now - DAYS * DAY
    seen = [each for each in incidents if each.ended is None or max(each.began, each.ended) >= since]
    api = [each for each in seen if each.api]
    return Count(incidents=len(seen), api=len(api), severe=sum(each.severity in SEVERE for each in api))


def moment(text: str, what: str) -> float:
    """Seconds since the epoch of a time in ISO 8601. Raises BadFeed naming `what`."""
    try:
        told = dt.datetime.fromisoformat(text)
        return (told if told.tzinfo else told.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadFeed(f"{what}: {text[:40]!r} is no time") from None


def title(text: str) -> str:
    """What people may be shown of a title that somebody else wrote."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:TITLE]
