"""JSON one level deep: read members without touching their values, and put them back byte for byte."""

from typing import Any

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest

_members = msgspec.json.Decoder(Members)
_any = msgspec.json.Decoder()
encode = msgspec.json.Encoder().encode


def members(body: bytes) -> Members:
    """The top-level members of a request body. Raises BadRequest unless it is a JSON object."""
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the request body is not a JSON object: {error}") from None


def decode(body: bytes | msgspec.Raw) -> Any:
    """Any JSON value. Raises msgspec.DecodeError, also where it is nested deeper than anybody means."""
    try:
        return _any.decode(body)
    except RecursionError as error:
        raise msgspec.DecodeError(str(error)) from None


def raw(value: Any) -> msgspec.Raw:
    """`value` as a member that `encode` writes verbatim."""
    return msgspec.Raw(encode(value))
