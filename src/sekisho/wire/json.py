"""JSON one level deep: read members without touching their values, and put them back byte for byte."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest

_members = msgspec.json.Decoder(Members)
_any = msgspec.json.Decoder()
members_of = _members.decode
"""The members of an object. Raises what `wire.shape.BROKEN` names."""
items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
"""The items of a list. Raises what `wire.shape.BROKEN` names."""
encode = msgspec.json.Encoder().encode
_BEFORE_VALUE = (b",", b"[", b"{")
_blank = re.compile(rb"[ \t\r\n]*+")


def members(body: bytes) -> Members:
    """The top-level members of a request body. Raises BadRequest unless it is a JSON object."""
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the request body is not a JSON object: {error}") from None


def only(body: bytes, names: frozenset[str]) -> bytes:
    """A request body without the members that are not in `names`; the very same where there are none."""
    found = members(body)
    kept = {name: value for name, value in found.items() if name in names}
    return body if len(kept) == len(found) else encode(kept)


def holds_each_once(body: bytes, members: Members) -> bool:
    """Whether `body`, whose members these are, is an object of exactly them: none of them twice.

    False also where a name is spelled with needless escapes. Linear, and parses no value.
    """
    at, before = 0, b"{"
    for name, value in members.items():
        for token in (before, encode(name), b":", bytes(value)):
            at = _after_blank(body, at)
            if not body.startswith(token, at):
                return False
            at += len(token)
        before = b","
    return body[_after_blank(body, at) :].rstrip() == b"}"


def holds_more_than(body: bytes, most: int) -> bool:
    """Whether a JSON text holds more values than that; one that hides them holds at most a few times as many.

    Costs some milliseconds for 32 MB of honest text: strings are told from the rest only if they must be.
    """
    if len(body) <= most or sum(map(body.count, _BEFORE_VALUE)) <= most:
        return False
    strings = (body.count(b'"') - body.count(b'\\"')) // 2
    if strings > 2 * most:  # names and values
        return True
    outside = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    return sum(map(b"".join(outside).count, _BEFORE_VALUE)) > most


def _after_blank(body: bytes, at: int) -> int:
    found = _blank.match(body, at)
    return at if found is None else found.end()


def decode(body: bytes | msgspec.Raw) -> Any:
    """Any JSON value. Raises msgspec.DecodeError, also where it is nested deeper than anybody means."""
    try:
        return _any.decode(body)
    except RecursionError as error:
        raise msgspec.DecodeError(str(error)) from None


def add_missing(found: Members, demanded: Mapping[str, msgspec.Raw]) -> None:
    """Adds the members of `demanded` that are not in `found`."""
    for name, value in demanded.items():
        found.setdefault(name, value)


def raw(value: Any) -> msgspec.Raw:
    """`value` as a member that `encode` writes verbatim."""
    return msgspec.Raw(encode(value))
