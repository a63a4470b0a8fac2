"""What processes tell each other of an endpoint's, or a key's, health. Pure, like the health itself.

A process believes another: what is out of order or throttled there is left alone here, and what is mended
there is called again here. But who was told that something is out of order, and then was answered by it, does
not believe that again for a while: the other process may be cut off from a provider that is well.
"""

import math

import msgspec

from sekisho.routing.health import DEFAULT, Health, Policy, began

STALE = 5.0
"""Seconds after which it is no news any more that something was mended, or is being probed."""


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Durations are seconds from now: no two processes share a clock."""

    broken: int = 0
    """How often it opened without an answer in between; 0: it is closed."""
    rest: float = 0.0
    """Not to be called for so long."""
    asked: float = 0.0
    """The provider itself asked to be left alone for so long."""
    probed: bool = False
    """Its probe is under way, which only one process need send."""
    mended: bool = False
    """It was out of order until now."""


def news(before: Health, after: Health, now: float) -> News | None:
    """What others should know of a change; None: nothing."""
    mended = before.broken > 0 and not after.broken
    probed = after.probe > before.probe
    if not (mended or probed or after.broken > before.broken or after.until > before.until):
        return None
    return News(
        broken=after.broken,
        rest=max(0.0, after.until - now),
        asked=max(0.0, after.asked - now),
        probed=probed,
        mended=mended,
    )


def later(earlier: News, told: News) -> News:
    """Both in one, where the earlier one has not been told yet."""
    if earlier.mended and not told.broken:
        return msgspec.structs.replace(told, mended=True)
    return told


def aged(told: News, seconds: float) -> News | None:
    """What is left of it after so long; None: nothing."""
    rest = max(0.0, told.rest - seconds)
    passing = (told.mended or told.probed) and seconds < STALE
    if not rest and not passing:
        return None
    return msgspec.structs.replace(told, rest=rest, asked=max(0.0, told.asked - seconds))


def heard(health: Health, told: News, now: float, policy: Policy = DEFAULT) -> Health:
    """Another process told so. Whatever it says, nothing is left alone for longer than the policy allows."""
    until = now + _bounded(told.rest, policy)
    asked = max(health.asked, min(until, now + _bounded(told.asked, policy))) if told.asked else health.asked
    if told.mended:
        until = max(until, asked) if max(until, asked) > now else 0.0
        return msgspec.structs.replace(
            health,
            failures=0,
            broken=0,
            until=until,
            asked=asked,
            opened=-math.inf,
            probe=-math.inf,
            heard=False,
        )
    if not told.broken:
        return msgspec.structs.replace(health, until=max(health.until, until), asked=asked)
    if told.probed:
        return began(health, now)
    if until <= health.until or (now < health.doubt and not health.failures):
        return health
    return msgspec.structs.replace(
        health,
        broken=max(health.broken, told.broken),
        until=until,
        asked=asked,
        opened=now,
        probe=-math.inf,
        outage=now,
        heard=health.heard or not health.broken,
    )


def _bounded(seconds: float, policy: Policy) -> float:
    return min(max(seconds, 0.0), policy.patience)
