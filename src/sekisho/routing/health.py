"""Whether an endpoint is to be called: a circuit breaker as one pure transition.

    closed      called as usual
    open        not called until its time has passed
    half open   one call at a time, the probe, decides: closed again, or open for longer

It opens after some failures in a row, or when most calls of the last half minute failed. A provider's
`Retry-After` keeps calls away without counting as a failure. A probe that never reports back is forgotten
after a while, so that nothing stays half open for ever. What a call says that began before it opened is old
news: a long stream that ends well does not close it, nor do many calls that end together open it twice.
"""

import math
from typing import Literal

import msgspec

Word = Literal["none", "given", "broken"]
"""Of background probes. given: they closed the breaker, and no call has confirmed it yet. broken: calls
failed all the same, so that probes close nothing any more until one is answered."""
Outcome = Literal["answered", "failed", "throttled", "unusable"]
"""answered: also with a refusal of the request itself. unusable: no wait will mend it (a key that is refused,
a model that is gone)."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When to open, and for how long. Seconds."""

    failures: int = 3
    """In a row."""
    share: float = 0.5
    """Of the recent calls, at least `least` of them, that may fail."""
    least: float = 8.0
    half_life: float = 15.0
    """How fast an old call counts less."""
    rest: float = 5.0
    """Open for so long at first, then twice as long each time, at most `longest`."""
    longest: float = 60.0
    unusable: float = 30.0
    throttled: float = 2.0
    """After a 429 that names no time."""
    patience: float = 3600.0
    """The longest `Retry-After` that is believed."""
    probe: float = 30.0
    """After which a probe without an answer is given up."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Of one endpoint. Times are monotonic seconds."""

    failures: int = 0
    """In a row."""
    good: float = 0.0
    bad: float = 0.0
    """Recent calls, those of long ago counting less."""
    counted: float = 0.0
    """When good and bad were last weighed."""
    until: float = 0.0
    """Not to be called before; 0: closed."""
    asked: float = 0.0
    """Until when the provider itself asked to be left alone."""
    opened: float = -math.inf
    """When it last opened."""
    broken: int = 0
    """How often it opened without a call that was answered in between; 0: closed, or only throttled."""
    probe: float = -math.inf
    """When the probe under way began."""
    outage: float = -math.inf
    """When it last failed."""
    answered: float = -math.inf
    """When a call was last answered."""
    unlisted: bool = False
    """The provider could not list its models when it was last asked."""
    word: Word = "none"
    heard: bool = False
    """It opened because another process said so."""
    doubt: float = 0.0
    """Until when other processes are not believed that it is out of order; see `routing.news`."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a background probe came to."""

    answered: bool
    by_model: bool
    """A model was asked for a token, rather than the provider for its models."""
    since: float
    """When the probe before it was over."""
    rest: float
    """Seconds until the next one is over, at the latest."""


FIT = Health()
DEFAULT = Policy()


def state(health: Health, now: float) -> Literal["closed", "throttled", "open", "half_open"]:
    """For people and metrics."""
    if now < health.until:
        return "open" if health.broken else "throttled"
    return "half_open" if health.broken else "closed"


def admits(health: Health, now: float, policy: Policy = DEFAULT) -> bool:
    """Whether a call may be sent now."""
    if now < health.until:
        return False
    return not health.broken or now - health.probe > policy.probe


def is_plain(health: Health) -> bool:
    """Whether nothing speaks against it, so that it matters little how many more calls it answers: the share
    of those that failed is nothing at all."""
    return health.bad < 0.01 and not (health.failures or health.broken or health.until or health.heard)


def began(health: Health, now: float) -> Health:
    """A call is being sent: while half open, it is the probe."""
    if not health.broken:
        return health
    return msgspec.structs.replace(health, probe=now)


def ended(
    health: Health,
    outcome: Outcome,
    now: float,
    *,
    began: float = math.inf,
    retry_after: float | None = None,
    policy: Policy = DEFAULT,
) -> Health:
    """A call that began then has ended; `retry_after` is the provider's, in seconds."""
    fade = 0.5 ** ((now - health.counted) / policy.half_life) if health.counted else 0.0
    good, bad = health.good * fade, health.bad * fade
    if outcome == "throttled":
        return _throttled(health, now, retry_after, policy, probe=_probe_left(health, began))
    if began < health.opened:
        good, bad = (good + 1, bad) if outcome == "answered" else (good, bad + 1)
        return msgspec.structs.replace(health, good=good, bad=bad, counted=now)
    if outcome == "answered":
        asked = health.asked if health.asked > now else 0.0
        return Health(
            good=good + 1,
            bad=bad,
            counted=now,
            until=asked,
            asked=asked,
            outage=health.outage,
            answered=now,
            doubt=now + policy.longest if health.heard else health.doubt,
        )
    failures, bad = health.failures + 1, bad + 1
    many = bad + good >= policy.least and bad > policy.share * (bad + good)
    opens = outcome == "unusable" or failures >= policy.failures or many or health.broken > 0
    until, broken, opened = health.until, health.broken, health.opened
    if opens and (now >= until or not broken):  # a last resort that fails while it is open is no news either
        broken += 1
        opened = now
        first = policy.unusable if outcome == "unusable" else policy.rest
        rest = min(policy.longest, first * 2 ** min(broken - 1, 16))
        until = max(until, now + max(rest, min(retry_after or 0.0, policy.patience)))
    return Health(
        failures=failures,
        good=good,
        bad=bad,
        counted=now,
        until=until,
        asked=health.asked,
        opened=opened,
        broken=broken,
        probe=_probe_left(health, began),
        outage=now,
        answered=health.answered,
        unlisted=health.unlisted,
        word="none" if health.word == "none" else "broken",
    )


def probed(health: Health, finding: Finding, now: float, policy: Policy = DEFAULT) -> Health:
    """A background probe has ended.

    One that fails opens, until the next one is over: so no call pays for finding out. But while calls are
    answered they know better. One that is answered closes if it proves anything: a model that was asked does,
    a list of models only where it could not be had before. What it closes, the first failure of a call opens
    again, and then calls alone close it.
    """
    replace = msgspec.structs.replace
    if not finding.answered:
        unlisted = health.unlisted or not finding.by_model
        if health.answered >= finding.since:
            return health
        return replace(
            health,
            until=max(health.until, now + finding.rest),
            opened=health.opened if health.broken else now,
            broken=max(1, health.broken),
            unlisted=unlisted,
        )
    proves = finding.by_model or health.unlisted
    if not health.broken or not proves or health.word == "broken":
        return replace(health, unlisted=False) if health.unlisted and not finding.by_model else health
    asked = health.asked if health.asked > now else 0.0
    return replace(
        health,
        failures=policy.failures - 1,
        bad=0.0,
        until=asked,
        asked=asked,
        broken=0,
        probe=-math.inf,
        unlisted=health.unlisted and finding.by_model,
        word="given",
    )


def _probe_left(health: Health, began: float) -> float:
    """What is under way still when a call ends that began then: a probe that was sent after it."""
    return health.probe if began < health.probe else -math.inf


def _throttled(
    health: Health, now: float, retry_after: float | None, policy: Policy, *, probe: float
) -> Health:
    if retry_after is None:
        pause, asked = policy.throttled, health.asked
    else:
        pause = min(max(retry_after, 0.0), policy.patience)
        asked = max(health.asked, now + pause)
    until = max(health.until, now + pause)
    return msgspec.structs.replace(health, until=until, asked=asked, probe=probe)
