"""What counters answer."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from sekisho.core.limit import Claim, Limit
from sekisho.core.message import Value


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """All limits have room for the call."""

    claims: Sequence[Claim]
    left: Sequence[int]
    """What each of them has left for others. This and the next two say nothing where counters could not be
    asked."""
    whole: Sequence[float]
    """When the whole amount is there again if no other call comes. `inf`: no time brings it back (a total),
    or only the end of calls does (concurrent). Seconds since the epoch, as the last."""
    now: float
    requests: Sequence[int]
    """Positions of the claims whose limits count them, and below of those that count tokens: what is left of
    these, callers are told."""
    tokens: Sequence[int]


UNCOUNTED = Admitted((), (), (), 0.0, (), ())
"""Where the counters could not be asked, and all limits admit calls then. This very object."""


class Refusal(Value, frozen=True, kw_only=True):
    """Nothing was admitted, and nothing of the call counts."""

    limit: Limit
    """The first of the call's that had no room."""
    counter: str
    reason: Literal["reached", "lost", "crowded"]
    """lost: the counters could not be asked, and `Limit.when_lost` says refuse. crowded: each user or session
    has the amount for itself, and there are more of them than are told apart."""
    claimed: int = 0
    used: int = 0
    held: int = 0
    """By calls under way, for what they may come to."""
    reset: float | None = None
    """Seconds after which the same call may be admitted. None: that no wait brings about."""


class Crossed(Value, frozen=True, kw_only=True):
    """What calls came to has reached a share of a limit. Told once in a period, by one process of all; of
    another amount, once more."""

    limit: Limit
    counter: str
    percent: int
    until: float
    """Seconds since the epoch: when the same may be told again."""


Admission = Admitted | Refusal
