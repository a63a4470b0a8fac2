"""Members that OpenRouter's document demands of an answer, where a provider sent none.

Answers below `/api/v1` are given them, as null or, of `caller`, as its default. What is there stays, and so
does what has a shape of its own.
"""

import msgspec

from sekisho.core.contract import Members
from sekisho.wire import json
from sekisho.wire.json import add_missing, items_of, members_of
from sekisho.wire.shape import BROKEN

_NULL = msgspec.Raw(b"null")
_OF_END = dict.fromkeys(("container", "stop_reason", "stop_details", "stop_sequence"), _NULL)
_OF_LAST_COUNTS = dict.fromkeys(
    (
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens_details",
        "server_tool_use",
    ),
    _NULL,
)
_OF_COUNTS = dict.fromkeys(
    (
        "cache_creation",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "inference_geo",
        "output_tokens_details",
        "server_tool_use",
        "service_tier",
    ),
    _NULL,
)
_OF_BLOCKS = {
    b'"text"': {"citations": _NULL},
    b'"tool_use"': {"caller": msgspec.Raw(b'{"type":"direct"}')},
}


def complete_message(found: Members) -> None:
    """A whole answer."""
    add_missing(found, _OF_END)
    _complete(found, "usage", _OF_COUNTS)
    try:
        blocks = items_of(found.get("content", b""))
    except BROKEN:
        return
    found["content"] = json.raw([_complete_block(block) for block in blocks])


def complete_event(kind: str, found: Members) -> None:
    """An event of a stream, `kind` being its type."""
    if kind == "message_start":
        message = _object(found.get("message"))
        if message is not None:
            complete_message(message)
            found["message"] = json.raw(message)
    elif kind == "content_block_start" and "content_block" in found:
        found["content_block"] = _complete_block(found["content_block"])
    elif kind == "message_delta":
        _complete(found, "delta", _OF_END)
        _complete(found, "usage", _OF_LAST_COUNTS)


def _complete_block(block: msgspec.Raw) -> msgspec.Raw:
    members = _object(block)
    demanded = None if members is None else _OF_BLOCKS.get(bytes(members.get("type", b"")))
    if members is None or demanded is None:
        return block
    add_missing(members, demanded)
    return json.raw(members)


def _complete(found: Members, name: str, demanded: Members) -> None:
    members = _object(found.get(name))
    if members is not None:
        add_missing(members, demanded)
        found[name] = json.raw(members)


def _object(raw: msgspec.Raw | None) -> Members | None:
    try:
        return None if raw is None else members_of(raw)
    except BROKEN:
        return None
