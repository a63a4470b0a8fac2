"""Passing a request through: the bytes of every value go on as they came.

What goes out is changed at its top level only; `tap` is the other direction.
"""

import msgspec

from sekisho.core.contract import Members, TargetFacts
from sekisho.core.error import BadRequest
from sekisho.dialects.openai_chat.schema import WireStreamOptions
from sekisho.wire import json
from sekisho.wire.shape import Shape, given, missing_member

_OBJECT, _ARRAY, _STRING, _BOOL, _NUMBER = b"{", b"[", b'"', b"tf", b"-0123456789"
_WORDS = {
    _OBJECT: "an object",
    _ARRAY: "an array",
    _STRING: "a string",
    _BOOL: "a boolean",
    _NUMBER: "a number",
}
_FIRST_BYTE = {
    "model": _STRING,
    "messages": _ARRAY,
    "tools": _ARRAY,
    "stream": _BOOL,
    "stream_options": _OBJECT,
    "max_tokens": _NUMBER,
    "max_completion_tokens": _NUMBER,
    "n": _NUMBER,
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "response_format": _OBJECT,
    "reasoning_effort": _STRING,
    "service_tier": _STRING,
    "user": _STRING,
}

_SHORT = 64
"""Bytes. An empty array is never longer, and a prompt need not be copied to see that it is none."""

_EMPTY_AT_MOST = 64
"""Bytes. A longer list is not looked through for being empty."""
_stream_options = Shape(WireStreamOptions)


def check_members(members: Members) -> None:
    """The kinds of the top-level members, by their first bytes; the provider checks the rest."""
    for name, raw in members.items():
        wanted = _FIRST_BYTE.get(name)
        if wanted is None:
            continue
        first = memoryview(raw)[0]
        if first not in wanted and first != 0x6E:  # null
            raise BadRequest(f"{name}: expected {_WORDS[wanted]}.", param=name)
    for name in ("model", "messages"):
        if name not in members or memoryview(members[name])[0] == 0x6E:
            raise missing_member(name)
    messages = memoryview(members["messages"])
    if len(messages) < _SHORT and messages[1:].tobytes().strip() == b"]":
        raise BadRequest("messages: empty. Send at least one message.", param="messages")


def patch_request(members: Members, target: TargetFacts) -> bool:
    """Sets the upstream model and, for streams, asks for usage. True if the client itself asked for it."""
    model = json.raw(target.model)
    if members.get("model") != model:
        members["model"] = model
    if bytes(members.get("stream", b"")) != b"true":
        return False
    raw = given(members.get("stream_options", msgspec.Raw()))
    options = _stream_options.read(raw, "stream_options") if raw is not None else WireStreamOptions()
    if options.include_usage:
        return True
    if target.count_stream_usage:
        rest = _stream_options.rest(raw) if raw is not None else {}
        members["stream_options"] = json.raw({**rest, "include_usage": True})
    return False
