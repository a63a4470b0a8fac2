"""What a call, a key or a route asks of the targets before one is chosen.

Constraints say which targets are allowed at all; preferences say in which order the allowed ones are tried.
The words are those of OpenRouter's `provider` object where it has them.
"""

import re
from typing import Literal, get_args

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
    "budget",
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
    "budget",
]


class PriceCap(Value, frozen=True, kw_only=True):
    """The most that a target may cost: nano-USD per million tokens. None: no cap."""

    input: int | None = None
    output: int | None = None
    request: int | None = None
    """Nano-USD for the call itself, beside its tokens."""


Quantization = Literal[
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
]
UNKNOWN_QUANTIZATION: Quantization = "unknown"
QUANTIZATIONS = tuple(name for name in get_args(Quantization) if name != UNKNOWN_QUANTIZATION)


class Cutoffs(Value, frozen=True, kw_only=True):
    """One bound for each percentile of the latest calls, the best first: `p90` is what nine of ten calls must
    keep. None: no bound."""

    p50: float | None = None
    p75: float | None = None
    p90: float | None = None
    p99: float | None = None

    def bounds(self) -> list[tuple[float, float]]:
        """(share of the calls, bound)"""
        each = ((0.5, self.p50), (0.75, self.p75), (0.9, self.p90), (0.99, self.p99))
        return [(share, bound) for share, bound in each if bound is not None]


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
    """Countries whose providers and models may not be used, as `country` spells them."""
    open_weights: bool = False
    """Only models whose weights are known to be published."""
    licences: tuple[str, ...] | None = None
    """Those under which a model may be, as the catalogue spells them (`MIT`); one that is not known is not
    allowed then."""
    price_cap: PriceCap | None = None
    quantizations: tuple[str, ...] | None = None
    """Those in which a model may be served; where none is known, `unknown` must be among them."""
    select: Selector | None = None
    """Instead of the route's."""
    min_throughput: float | Cutoffs | None = None
    """Tokens a second, a number being of the median: slower targets, as measured here, are tried last."""
    max_first_token: float | Cutoffs | None = None
    """Seconds, likewise: later targets are tried last."""


NONE = Preferences()
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def country(text: str) -> str:
    """A country in the spelling in which origins are compared. Raises ValueError: a denial that is written
    in a way that matches nothing would deny nothing."""
    spelled = text.strip().upper()
    if not _COUNTRY.fullmatch(spelled):
        msg = f"{text!r} is no country: write two letters (ISO 3166), like CN"
        raise ValueError(msg)
    return spelled


def contradiction(prefer: Preferences) -> tuple[str, str] | None:
    """(member, reason) where the members leave no provider, whichever there are, or one undoes another."""
    for member, names in (
        ("only", prefer.only),
        ("regions", prefer.regions),
        ("licences", prefer.licences),
        ("quantizations", prefer.quantizations),
    ):
        if names == ():
            return member, "is empty, so that nothing may be used; leave it out, or name some"
    if prefer.only is not None and not set(prefer.only) - set(prefer.ignore):
        return "only", "names no provider that `ignore` does not rule out"
    for name in prefer.order:
        if name in prefer.ignore:
            return "order", f"names {name}, which `ignore` rules out"
        if prefer.only is not None and name not in prefer.only:
            return "order", f"names {name}, which `only` leaves out"
    return None


def narrowed(outer: Preferences, inner: Preferences) -> Preferences:
    """What holds where both are asked for: constraints of both together, of preferences those of `inner`.

    The outer ones are those of who decides more (the route before the request).
    """
    if outer is NONE or inner is NONE:
        return inner if outer is NONE else outer
    return Preferences(
        only=_both(outer.only, inner.only),
        ignore=_either(outer.ignore, inner.ignore),
        order=inner.order or outer.order,
        fallbacks=outer.fallbacks and inner.fallbacks,
        require_parameters=outer.require_parameters or inner.require_parameters,
        may_train=outer.may_train and inner.may_train,
        zero_retention=outer.zero_retention or inner.zero_retention,
        regions=_both(outer.regions, inner.regions),
        denied_origins=_either(outer.denied_origins, inner.denied_origins),
        open_weights=outer.open_weights or inner.open_weights,
        licences=_both(outer.licences, inner.licences),
        price_cap=_lower(outer.price_cap, inner.price_cap),
        quantizations=_both(outer.quantizations, inner.quantizations),
        select=inner.select or outer.select,
        min_throughput=_nearer(outer.min_throughput, inner.min_throughput),
        max_first_token=_nearer(outer.max_first_token, inner.max_first_token),
    )


def _both(outer: tuple[str, ...] | None, inner: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if outer is None or inner is None:
        return inner if outer is None else outer
    return tuple(name for name in inner if name in outer)


def _either(outer: tuple[str, ...], inner: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*outer, *inner)))


def _nearer(outer: float | Cutoffs | None, inner: float | Cutoffs | None) -> float | Cutoffs | None:
    return outer if inner is None else inner


def _lower(outer: PriceCap | None, inner: PriceCap | None) -> PriceCap | None:
    if outer is None or inner is None:
        return inner if outer is None else outer
    return PriceCap(
        input=_least(outer.input, inner.input),
        output=_least(outer.output, inner.output),
        request=_least(outer.request, inner.request),
    )


def _least(one: int | None, other: int | None) -> int | None:
    return min((rate for rate in (one, other) if rate is not None), default=None)
