"""What a holder or a key may use. A list that is set allows what it names and nothing else, also when it is
empty."""

from collections.abc import Collection, Mapping
from functools import reduce
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from sekisho.control.services.refusal import Refused
from sekisho.core import preference
from sekisho.core.error import BadRequest
from sekisho.core.message import Value
from sekisho.core.operation import Operation
from sekisho.core.preference import NONE, Preferences, country
from sekisho.core.principal import Network
from sekisho.pipeline import prefer
from sekisho.pipeline.wish import Place
from sekisho.wire import json

MOST = 1000
"""Entries of one list."""
LONGEST = 200
"""Characters of one entry."""

Names = tuple[str, ...]


class Allowance(Value, frozen=True, kw_only=True):
    """None: all."""

    models: Names | None = None
    """Public names."""
    providers: Names | None = None
    regions: Names | None = None
    denied_origins: Names = ()
    """Countries, as two capital letters."""
    operations: Names | None = None
    networks: Names | None = None
    """Addresses and ranges (`10.0.0.0/8`) that calls may come from."""
    prefer: Names = ()
    """What its calls ask of targets, as the header `x-sekisho-prefer` would: JSON, of the outermost level
    first."""


ALL = Allowance()


def checked(allowance: Allowance) -> Allowance:
    """The same with each entry once and in one spelling. Raises Refused naming the member."""
    return Allowance(
        models=_names(allowance.models, "models"),
        providers=_names(allowance.providers, "providers"),
        regions=_names(allowance.regions, "regions"),
        denied_origins=_countries(allowance.denied_origins),
        operations=_operations(allowance.operations),
        networks=_networks(allowance.networks),
        prefer=allowance.prefer,
    )


def narrowed(outer: Allowance, inner: Allowance) -> Allowance:
    """What both allow."""
    if outer == ALL or inner == ALL:
        return inner if outer == ALL else outer
    return Allowance(
        models=_both(outer.models, inner.models),
        providers=_both(outer.providers, inner.providers),
        regions=_both(outer.regions, inner.regions),
        denied_origins=tuple(sorted({*outer.denied_origins, *inner.denied_origins})),
        operations=_both(outer.operations, inner.operations),
        networks=_shared(outer.networks, inner.networks),
        prefer=outer.prefer + inner.prefer,
    )


def preferences(allowance: Allowance) -> Preferences:
    """What of it targets are chosen by; `NONE` where nothing is said."""
    found = [prefer.read(text.encode()) for text in allowance.prefer]
    if allowance.providers is not None or allowance.regions is not None or allowance.denied_origins:
        found.append(
            Preferences(
                only=allowance.providers, regions=allowance.regions, denied_origins=allowance.denied_origins
            )
        )
    return reduce(preference.narrowed, found, NONE)


def read_prefer(said: Mapping[str, Any] | None) -> Names:
    """The member `prefer` of what is asked for, checked. None takes it away. Raises Refused."""
    if said is None:
        return ()
    text = json.encode(said)
    try:
        prefer.read(text, place=Place("prefer"))
    except BadRequest as error:
        raise Refused(error.message, error.param) from None
    return (text.decode(),)


def shown_prefer(allowance: Allowance) -> Any:
    """As it was said; a list where several levels have a say."""
    found = [json.decode(text.encode()) for text in allowance.prefer]
    return found if len(found) > 1 else next(iter(found), None)


def networks(allowance: Allowance) -> tuple[Network, ...] | None:
    return None if allowance.networks is None else tuple(map(ip_network, allowance.networks))


def _both(outer: Names | None, inner: Names | None) -> Names | None:
    if outer is None or inner is None:
        return inner if outer is None else outer
    return tuple(sorted({*outer} & {*inner}))


def _shared(outer: Names | None, inner: Names | None) -> Names | None:
    """Of two ranges that have addresses in common, one lies in the other."""
    if outer is None or inner is None:
        return inner if outer is None else outer
    pairs = [(ip_network(one), ip_network(other)) for one in outer for other in inner]
    return tuple(
        sorted({str(one if _within(one, other) else other) for one, other in pairs if one.overlaps(other)})
    )


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


# --- checks -----------------------------------------------------------------------------------------


def _names(entries: Collection[str] | None, member: str) -> Names | None:
    if entries is None:
        return None
    if len(entries) > MOST:
        msg = f"{member} has {len(entries)} entries; {MOST} are allowed"
        raise Refused(msg, member)
    found = {entry.strip() for entry in entries}
    for entry in found:
        if not entry:
            msg = f"one of the {member} has no name"
            raise Refused(msg, member)
        if len(entry) > LONGEST or not entry.isprintable():
            msg = f"one of the {member} is not a name of up to {LONGEST} printable characters"
            raise Refused(msg, member)
    return tuple(sorted(found))


def _countries(entries: Collection[str]) -> Names:
    try:
        return _names([country(entry) for entry in entries], "denied_origins") or ()
    except ValueError as error:
        raise Refused(str(error), "denied_origins") from None


def _operations(entries: Collection[str] | None) -> Names | None:
    found = _names(entries, "operations")
    for entry in found or ():
        if entry not in {operation.value for operation in Operation}:
            msg = f"{entry!r} is no operation; there are {', '.join(Operation)}"
            raise Refused(msg, "operations")
    return found


def _networks(entries: Collection[str] | None) -> Names | None:
    found = _names(entries, "networks")
    return None if found is None else tuple(sorted({_network(entry) for entry in found}))


def _network(entry: str) -> str:
    try:
        return str(ip_network(entry))
    except ValueError as error:
        msg = f"{entry!r} is no address or range: {error}; write 192.0.2.7 or 10.0.0.0/8"
        raise Refused(msg, "networks") from None
