"""What a holder may spend, ask or keep busy, and how much of it one call claims."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["organisation", "team", "project", "person", "key"]
Measure = Literal["usd", "requests", "tokens", "concurrent"]
"""usd: nano-USD, counted by the calendar. requests, tokens: within any stretch of the period's length, so
that no burst at a border passes twice. concurrent: calls under way."""
Period = Literal["minute", "hour", "day", "week", "month", "total"]
Each = Literal["user", "session"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one holder. All limits that a call falls under must admit it."""

    id: str
    """Unique over all holders and time; counters are kept by it."""
    level: Level
    holder: str
    """The id of the organisation, team, ..., whose calls count."""
    measure: Measure
    amount: int
    """Nano-USD, or a number. 0 admits nothing."""
    period: Period | None = None
    """None for concurrent calls alone."""
    time_zone: str = "UTC"
    """Where the calendar's days begin (IANA). Weeks begin on Monday."""
    each: Each | None = None
    """The holder's every end user, or session, has the amount for itself; None: all calls share it."""
    model: str | None = None
    """Only calls that this model answers count."""
    provider: str | None = None
    tag: str | None = None
    when_lost: Literal["refuse", "admit"] = "refuse"
    """What happens while counters cannot be reached."""
    when_reached: Literal["refuse", "degrade"] = "refuse"
    """degrade: the call goes to the route's cheaper model instead, where it names one."""
    alerts: tuple[int, ...] = (50, 80, 100)
    """Percent at which the holder is told, once each in a period."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one call takes of one counter until it is settled."""

    limit: Limit
    counter: str
    """The limit's id, and the user's or session's where each has its own."""
    amount: int
    """At most: what is held. Settling replaces it by what the call came to."""
