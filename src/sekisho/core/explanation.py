"""Why a call went where it went: what the books keep beside what it came to.

Small and bounded, since every record may hold it, and without content: no prompt, no key, no signature. What
is absent says that there was nothing to tell: one target, the price of nothing, no knob lost.
"""

from typing import Literal

import msgspec

from sekisho.core.money import Rates
from sekisho.core.preference import Selector
from sekisho.core.tier import Tier

Standing = Literal["fit", "shaky", "incident", "slow", "out"]
"""How a candidate stood when the call was planned: see `routing.plan`."""
MOST = 32
"""Candidates of one plan that are kept, and rejected ones."""


class Candidate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    endpoint: str
    """Its id: `provider/author/slug=upstream`."""
    score: float | None = None
    """The least was tried first among those of equal standing; None: there was nothing to go by (no price, no
    measure), or nobody to compare it with."""
    standing: Standing = "fit"


class Rejection(msgspec.Struct, frozen=True, array_like=True, gc=False):
    endpoint: str
    reason: str


class PlanRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a call could choose from."""

    select: Selector
    candidates: tuple[Candidate, ...] = ()
    """In the order of trying."""
    rejected: tuple[Rejection, ...] = ()
    more: int = 0
    """Candidates and rejections beyond those that are kept."""


class AutoRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a scorer made of a call, and where that led it."""

    tier: Tier
    score: float
    """How likely a strong model is needed, from 0 to 1."""
    signs: tuple[str, ...] = ()
    """What spoke for the tier, in the scorer's words."""
    model: str | None = None
    """The name that the call was led to; None: it had named its model, and was only scored."""
    instead_of: str | None = None
    """The one that it would have been led to, if the key might use that."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    plan: PlanRecord | None = None
    """None: one target, nothing to choose."""
    auto: AutoRecord | None = None
    """Given where the task chose the model, or was scored."""
    dropped: tuple[str, ...] = ()
    """What the answering target could not express, as the client was told."""
    prompt_cache: str | None = None
    """The route's policy for marks of the prompt cache, where it is not `pass`."""
    rates: Rates | None = None
    """That the cost was worked out with."""
    coalesced: str | None = None
    """Id of the identical call whose answer it got: that one has the attempts and the cost."""
    degraded: str | None = None
    """The route that it was sent to, for the limits of the caller had no room for it on the one asked for."""
    uncounted: bool = False
    """It was admitted though the counters of its limits could not be asked, as these limits say."""
    compression: str | None = None
    """What the prompt lost so that it fits: `12 of 40 messages left out, 1 texts cut`."""
    healing: str | None = None
    """What became of the JSON that the client asked for: `valid`, `repaired`, `not_repaired`."""
    preset: str | None = None
    """That was applied: `slug@version`."""
    hedged_ms: int | None = None
    """For so long a target had not answered when a second one was asked beside it."""
    asked_tokens: int | None = None
    """Of a call that failed at its providers, so that nothing was counted: its prompt, by its length."""
    asked_cost: int | None = None
    """Nano-USD that this prompt alone would have cost. With `asked_tokens`, what an outage weighed."""
