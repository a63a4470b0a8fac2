"""The header `x-sekisho-prefer`: what one request asks of the targets."""

from collections.abc import Collection
from decimal import Decimal
from typing import Annotated

import msgspec

from sekisho.core.contract import Named
from sekisho.core.error import BadRequest
from sekisho.core.money import nano_from_usd
from sekisho.core.preference import NONE, Preferences, PriceCap, Selector, contradiction, country
from sekisho.routing.names import nearest_of

HEADER_NAME = "x-sekisho-prefer"
HEADER = HEADER_NAME.encode()
LIMIT = 4096
"""Bytes."""
_Name = Annotated[str, msgspec.Meta(max_length=64)]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=100)]
_Positive = Annotated[float, msgspec.Meta(gt=0, le=1e6)]


class _Cap(msgspec.Struct, forbid_unknown_fields=True):
    """USD per million tokens, as in the document."""

    input: Decimal | None = None
    output: Decimal | None = None


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    only: _Names | None = None
    ignore: _Names = ()
    order: _Names = ()
    fallbacks: bool = True
    require_parameters: bool = False
    may_train: bool = True
    zero_retention: bool = False
    regions: _Names | None = None
    denied_origins: _Names = ()
    price_cap: _Cap | None = None
    select: Selector | None = None
    min_throughput: _Positive | None = None
    max_first_token: _Positive | None = None


_decoder = msgspec.json.Decoder(_Asked)


def asked(named: Named, providers: Collection[str]) -> Preferences:
    """What the request's header asks for; `NONE` without one. `providers` are those that there are.

    Raises BadRequest, naming the member.
    """
    value = named.get(HEADER)
    return NONE if value is None else _read(value, providers)


def _read(value: bytes, providers: Collection[str]) -> Preferences:
    if len(value) > LIMIT:
        raise _wrong(f"is longer than {LIMIT} bytes")
    try:
        read = _decoder.decode(value)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        member = path.rstrip("`").replace("[", ".").replace("]", "").strip(".")
        raise _wrong(message[:200], member) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(f"is not a JSON object: {error}") from None
    members = {name: getattr(read, name) for name in read.__struct_fields__}
    cap = read.price_cap
    if cap is not None:
        members["price_cap"] = PriceCap(
            input=_rate(cap.input, "price_cap.input"), output=_rate(cap.output, "price_cap.output")
        )
    members["denied_origins"] = tuple(_country(*each) for each in enumerate(read.denied_origins))
    prefer = Preferences(**members)
    _check(prefer, providers)
    return prefer


def _check(prefer: Preferences, providers: Collection[str]) -> None:
    for member in ("only", "ignore", "order"):
        for at, name in enumerate(getattr(prefer, member) or ()):
            if name not in providers:
                near = nearest_of(name, providers, limit=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise _wrong(f"there is no provider `{name}` here{hint}", f"{member}.{at}")
    found = contradiction(prefer)
    if found is not None:
        raise _wrong(found[1], found[0])


def _country(at: int, text: str) -> str:
    try:
        return country(text)
    except ValueError as error:
        raise _wrong(str(error), f"denied_origins.{at}") from None


def _rate(usd: Decimal | None, member: str) -> int | None:
    if usd is None:
        return None
    if not usd.is_finite() or not 0 <= usd <= 10_000:
        raise _wrong("must be between 0 and 10000 USD per million tokens", member)
    try:
        return nano_from_usd(usd)
    except ValueError:
        raise _wrong("has more than nine digits after the point", member) from None


def _wrong(reason: str, member: str = "") -> BadRequest:
    where = f"{HEADER_NAME}.{member}" if member else HEADER_NAME
    return BadRequest(f"the header `{where}`: {reason}", param=where)
