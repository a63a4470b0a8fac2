"""What a call, a key or a route asks of the targets before one is chosen.

Constraints say which targets are allowed at all; preferences say in which order the allowed ones are tried.
The words are those of OpenRouter's `provider` object where it has them.
"""

from typing import Literal

from sekisho.core.message import Value

SELECTORS = (
    "ordered",
    "weighted",
    "balanced",
    "cheapest",
    "fastest",
    "throughput",
    "least_busy",
    "sticky",
    "quality_per_cost",
)
"""What `select` may say. `balanced`: by the inverse square of the price, recent outages last."""

Selector = Literal[
    "ordered",
    "weighted",
    "balanced",
    "cheapest",
    "fastest",
    "throughput",
    "least_busy",
    "sticky",
    "quality_per_cost",
]


class PriceCap(Value, frozen=True, kw_only=True):
    """The most that a target may cost: nano-USD per million tokens. None: no cap."""

    input: int | None = None
    output: int | None = None


class Preferences(Value, frozen=True, kw_only=True):
    """Nothing set: every target of the route, in the order of its selector."""

    only: tuple[str, ...] | None = None
    """Providers that may be used; none else."""
    ignore: tuple[str, ...] = ()
    """Providers that may not."""
    order: tuple[str, ...] = ()
    """Providers to try first, in this order."""
    fallbacks: bool = True
    """False: the first target alone."""
    require_parameters: bool = False
    """Only targets that are known to take every parameter of the request."""
    may_train: bool = True
    """False: only providers that are known not to train on what they are sent."""
    zero_retention: bool = False
    """Only providers that are known to keep nothing."""
    regions: tuple[str, ...] | None = None
    """Where it may be processed; a provider that does not say where is not allowed then."""
    denied_origins: tuple[str, ...] = ()
    """Countries whose providers and models may not be used."""
    price_cap: PriceCap | None = None
    select: Selector | None = None
    """Instead of the route's."""
    min_throughput: float | None = None
    """Tokens a second: slower targets, as measured here, are tried last."""
    max_first_token: float | None = None
    """Seconds: later targets, as measured here, are tried last."""


NONE = Preferences()
