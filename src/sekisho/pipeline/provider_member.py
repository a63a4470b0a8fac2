"""OpenRouter's `provider` object in a request's body: what the request asks of the targets."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from sekisho.core.error import NotServed
from sekisho.core.preference import NONE, Preferences, PriceCap, Quantization, Selector
from sekisho.pipeline.wish import Names, Percentiles, Place, Positive, cutoffs
from sekisho.routing.constraints import OVER_CAP
from sekisho.routing.plan import Plan
from sekisho.routing.provider_words import folded

NAME = "provider"
Sort = Literal["price", "throughput", "latency", "exacto"]
Words = Mapping[str, tuple[str, ...]]
"""See `routing.provider_words`."""
_HERE = Place(NAME)
_SORTED: Mapping[Sort, Selector] = {"price": "cheapest", "throughput": "throughput", "latency": "fastest"}


class _Cap(msgspec.Struct, forbid_unknown_fields=True):
    """USD: for a million tokens, for a call, for an image."""

    prompt: Decimal | None = None
    completion: Decimal | None = None
    request: Decimal | None = None
    image: Decimal | None = None
    audio: Decimal | None = None


class _SortBy(msgspec.Struct, forbid_unknown_fields=True):
    by: Sort | None = None
    partition: Literal["model", "none"] | None = None


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    order: Names | None = None
    only: Names | None = None
    ignore: Names | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    enforce_distillable_text: bool | None = None
    quantizations: tuple[Quantization, ...] | None = None
    sort: Sort | _SortBy | None = None
    preferred_min_throughput: Positive | Percentiles | None = None
    preferred_max_latency: Positive | Percentiles | None = None
    max_price: _Cap | None = None


_decoder = msgspec.json.Decoder(_Asked | None)


def read(value: msgspec.Raw, words: Words, known: Mapping[str, object]) -> tuple[Preferences, bool]:
    """(what is asked of the targets, whether the targets of several models compete). `known` are the
    configured providers by name, `words` what else they are called.

    Raises BadRequest naming the member, NotServed for what no target could be told by here.
    """
    asked: _Asked | None = _HERE.decode(_decoder, value)
    if asked is None:
        return NONE, False
    if asked.enforce_distillable_text:
        raise _not_served(
            "enforce_distillable_text", "no model's catalogue entry says whether it allows that"
        )
    only = None if asked.only is None else _names(asked.only, "only", words, known)
    ignored = _names(asked.ignore, "ignore", words, known)
    out = frozenset(ignored) if only is None else frozenset((*ignored, *(set(known) - set(only))))
    order = _names(asked.order, "order", words, known, out)
    fallbacks = asked.allow_fallbacks is not False
    if order and not fallbacks:  # those that were named, and nobody else
        only = order if only is None else tuple(name for name in order if name in only)
        fallbacks = True
    select, mixed = _sort(asked.sort)
    prefer = Preferences(
        only=only,
        ignore=ignored,
        order=order,
        fallbacks=fallbacks,
        require_parameters=bool(asked.require_parameters),
        may_train=asked.data_collection != "deny",
        zero_retention=bool(asked.zdr),
        quantizations=asked.quantizations,
        price_cap=None if asked.max_price is None else _cap(asked.max_price),
        select=select,
        min_throughput=cutoffs(asked.preferred_min_throughput),
        max_first_token=cutoffs(asked.preferred_max_latency),
    )
    return (NONE if prefer == NONE else _HERE.consistent(prefer)), mixed


def blamed(plan: Plan) -> str:
    """The member that leaves a plan without targets: `max_price` where nothing else rules any of them out."""
    return f"{NAME}.max_price" if all(reason in OVER_CAP for _, reason in plan.rejected) else NAME


def _names(
    asked: Names | None,
    member: str,
    words: Words,
    known: Mapping[str, object],
    out: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """The providers that are meant: of a word for several, those that are not `out`, if there are any."""
    found: dict[str, None] = {}
    for at, word in enumerate(asked or ()):
        names = words.get(folded(word))
        if names is None:
            raise _HERE.no_provider(word, f"{member}.{at}", known)
        found.update(dict.fromkeys([name for name in names if name not in out] or names))
    return tuple(found)


def _sort(asked: Sort | _SortBy | None) -> tuple[Selector | None, bool]:
    by, mixed = asked, False
    if isinstance(asked, _SortBy):
        by, mixed = asked.by, asked.partition == "none"
    if by is None or isinstance(by, _SortBy):
        return None, mixed
    if by not in _SORTED:
        raise _not_served("sort", f"`{by}` sorts by the quality of tool calls, which is not measured here")
    return _SORTED[by], mixed


def _cap(cap: _Cap) -> PriceCap | None:
    """Images are billed by their tokens wherever a price is known here, so that a cap for them is kept."""
    if cap.audio is not None:
        raise _not_served("max_price.audio", "audio is priced by the token here; cap `prompt` instead")
    _HERE.per_request(cap.image, "max_price.image")
    found = PriceCap(
        input=_HERE.rate(cap.prompt, "max_price.prompt"),
        output=_HERE.rate(cap.completion, "max_price.completion"),
        request=_HERE.per_request(cap.request, "max_price.request"),
    )
    return None if found == PriceCap() else found


def _not_served(member: str, reason: str) -> NotServed:
    return NotServed(f"`{NAME}.{member}` is not served here: {reason}", param=f"{NAME}.{member}")
