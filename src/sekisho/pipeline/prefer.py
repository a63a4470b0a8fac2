"""The header `x-sekisho-prefer`: what one request asks of the targets."""

from collections.abc import Collection
from decimal import Decimal

import msgspec

from sekisho.core.contract import Named
from sekisho.core.preference import NONE, Preferences, PriceCap, Quantization, Selector, country
from sekisho.pipeline.wish import Names, Percentiles, Place, Positive, cutoffs

HEADER_NAME = "x-sekisho-prefer"
HEADER = HEADER_NAME.encode()
_HERE = Place(HEADER_NAME, "the header ")


class _Cap(msgspec.Struct, forbid_unknown_fields=True):
    """USD per million tokens, and per call, as in the document."""

    input: Decimal | None = None
    output: Decimal | None = None
    request: Decimal | None = None


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    only: Names | None = None
    ignore: Names = ()
    order: Names = ()
    fallbacks: bool = True
    require_parameters: bool = False
    may_train: bool = True
    zero_retention: bool = False
    regions: Names | None = None
    denied_origins: Names = ()
    open_weights: bool = False
    licences: Names | None = None
    price_cap: _Cap | None = None
    quantizations: tuple[Quantization, ...] | None = None
    select: Selector | None = None
    min_throughput: Positive | Percentiles | None = None
    max_first_token: Positive | Percentiles | None = None


_decoder = msgspec.json.Decoder(_Asked)


def asked(named: Named, providers: Collection[str]) -> Preferences:
    """What the request's header asks for; `NONE` without one. `providers` are those that there are.

    Raises BadRequest, naming the member.
    """
    value = named.get(HEADER)
    return NONE if value is None else read(value, providers)


def read(value: bytes, providers: Collection[str] | None = None, place: Place = _HERE) -> Preferences:
    """The same words somewhere else, which errors name. Without `providers` any name is taken. Raises
    BadRequest."""
    said: _Asked = place.decode(_decoder, value)
    for member in ("only", "ignore", "order"):
        for at, name in enumerate(getattr(said, member) or ()):
            if providers is not None and name not in providers:
                raise place.no_provider(name, f"{member}.{at}", providers)
    members = {name: getattr(said, name) for name in said.__struct_fields__}
    cap = said.price_cap
    if cap is not None:
        members["price_cap"] = PriceCap(
            input=place.rate(cap.input, "price_cap.input"),
            output=place.rate(cap.output, "price_cap.output"),
            request=place.per_request(cap.request, "price_cap.request"),
        )
    members["denied_origins"] = tuple(_country(*each, place) for each in enumerate(said.denied_origins))
    for member in ("min_throughput", "max_first_token"):
        members[member] = cutoffs(members[member])
    return place.consistent(Preferences(**members))


def _country(at: int, text: str, place: Place) -> str:
    try:
        return country(text)
    except ValueError as error:
        raise place.wrong(str(error), f"denied_origins.{at}") from None
