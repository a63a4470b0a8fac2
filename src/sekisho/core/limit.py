"""What a holder may spend, ask or keep busy, and how much of it one call claims."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Literal

import msgspec

from sekisho.core.tariff import Tariff

Level = Literal["organisation", "team", "project", "person", "key"]
Measure = Literal["usd", "requests", "tokens", "concurrent"]
"""usd: nano-USD, counted by the calendar. requests, tokens: within any stretch of the period's length, so
that no burst at a border passes twice. concurrent: calls under way."""
Told = Literal["requests", "tokens"]
"""Callers are told what limits by these have left."""
SETTLED: Collection[Measure] = ("usd", "tokens")
"""What a call comes to by these is known only when it has ended."""
Period = Literal["minute", "hour", "day", "week", "month", "total"]
Each = Literal["user", "session"]
STRETCH: Mapping[Period, float] = {
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86_400.0,
}
"""Seconds in the periods that requests and tokens are limited by."""
MOST = 10**18
"""Nano-USD: no call counts for more than a billion USD."""
MOST_TOKENS = 10**12
"""No call counts for more tokens. None comes to a thousandth of it, whatever its provider says."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one holder. All limits that a call falls under must admit it."""

    id: str
    """Unique over all holders and time; counters are kept by it. Amount, time zone (from the next window on),
    alerts and what happens at the limit may change under the same id; else it is another limit."""
    level: Level
    holder: str
    """The id of the organisation, team, ..., whose calls count."""
    measure: Measure
    amount: int
    """Nano-USD, or a number. 0 admits nothing."""
    period: Period | None = None
    """None for concurrent calls alone; those of `STRETCH` for requests and tokens."""
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
    """Percent at which the holder is told, ascending; once each in a period."""
    since: float = 0.0
    """Seconds since the epoch. Calls from before do not count: a limit that is made in the middle of a month
    begins with its whole amount, and is rebuilt like that from the books."""
    tariffs: tuple[Tariff, ...] | None = None
    """None: what calls cost counts. Else these are credits, and what the organisation is charged counts, by
    its tariffs in order of their beginnings. Usd in total, and for all calls of the holder."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What one call takes of one counter until it is settled."""

    limit: Limit
    counter: str
    """See `counter_of`."""
    amount: int
    """At most: what is held. Settling replaces it by what the call came to."""


class Alike(tuple[Claim, ...]):  # noqa: SLOT001 - what is found out is kept in it
    """Claims that many calls have in common, by which they share this one object: what is found out about it
    may be kept for the next call."""

    @cached_property
    def plain(self) -> bool:
        """What a call comes to is the same for all that count usd, and for all that count tokens."""
        settled = [claim.limit for claim in self if claim.limit.measure in SETTLED]
        return all(each.model is None and each.provider is None and each.tariffs is None for each in settled)

    def by_counter(self, cost: int, tokens: int) -> dict[str, int]:
        """What a call came to, where they are plain: nano-USD, and a number."""
        came: dict[Measure, int] = {"usd": cost, "tokens": tokens}
        return {claim.counter: came[claim.limit.measure] for claim in self if claim.limit.measure in came}


def about(measure: Measure, claims: Sequence[Claim]) -> list[int]:
    """Positions of the claims whose limits count that."""
    return [at for at, claim in enumerate(claims) if claim.limit.measure == measure]


def within_reason(limit: Limit, actual: int) -> int:
    """What a call came to, as far as it counts: providers' numbers may be below 0, or absurd."""
    return min(max(actual, 0), MOST if limit.measure == "usd" else MOST_TOKENS)


def counter_of(limit: Limit, each: str | None) -> str:
    """Where calls of this user or session (as the limit says) are counted; without one, as those of nobody.

    Holds no name: counters may lie outside of the gateway, and names may be long.
    """
    if limit.each is None:
        return limit.id
    return f"{limit.id}:{blake2b((each or '').encode(), digest_size=16).hexdigest()}"
