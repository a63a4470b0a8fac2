"""Arguments and schemas of tools, for APIs that insist on JSON objects."""

import msgspec

from sekisho.core.contract import Members
from sekisho.wire.json import members_of
from sekisho.wire.shape import BROKEN

INVALID_JSON = "INVALID_JSON"
"""Anthropic's advice for arguments that are not a JSON object (a call that was cut off): send them back as
the text under this one member (fine-grained tool streaming, 2026-11)."""

_NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')
_text = msgspec.json.Decoder(str)


def members(text: str) -> Members | None:
    """The members of an object that a text is; None: it is none."""
    try:
        return members_of(text)
    except (*BROKEN, UnicodeEncodeError):
        return None


def read_arguments(raw: msgspec.Raw, under: str = INVALID_JSON) -> str:
    """A call's arguments as text, of the object that the API has. Raises what `BROKEN` names."""
    data = bytes(raw)
    if under.encode() in data:
        found = members_of(data)
        if found.keys() == {under} and bytes(found[under]).startswith(b'"'):
            return _text.decode(found[under])
    return data.decode()


def write_arguments(arguments: str, under: str = INVALID_JSON) -> object:
    """The object of a call's arguments: the JSON text as it is, for the cache's sake. Of no arguments an
    empty one; what is no object goes as a text `under` one member."""
    text = arguments.strip()
    if not text:
        return {}
    if members(text) is None:
        return {under: arguments}
    return msgspec.Raw(text.encode())


def object_schema(schema: msgspec.Raw | None) -> object:
    """A schema of arguments for APIs that refuse one that does not say that it is an object's."""
    if schema is None or not bytes(schema).startswith(b"{"):
        return _NO_ARGUMENTS
    found = members_of(schema)
    return schema if "type" in found else {"type": "object", **found}
