"""Passing a request through: the bytes of every value go on as they came.

What goes out is changed at its top level only; `tap` is the other direction.
"""

import msgspec

from sekisho.core.contract import Members, TargetFacts
from sekisho.core.error import BadRequest
from sekisho.dialects.openai_chat.schema import WireStreamOptions
from sekisho.wire import json, kinds
from sekisho.wire.shape import Shape, given, missing_member

_KINDS = {
    "model": kinds.STRING,
    "messages": kinds.ARRAY,
    "tools": kinds.ARRAY,
    "stream": kinds.BOOLEAN,
    "stream_options": kinds.OBJECT,
    "max_tokens": kinds.NUMBER,
    "max_completion_tokens": kinds.NUMBER,
    "n": kinds.NUMBER,
    "temperature": kinds.NUMBER,
    "top_p": kinds.NUMBER,
    "response_format": kinds.OBJECT,
    "reasoning_effort": kinds.STRING,
    "service_tier": kinds.STRING,
    "user": kinds.STRING,
}

_SHORT = 64
"""Bytes. An empty array is never longer, and a prompt need not be copied to see that it is none."""

_stream_options = Shape(WireStreamOptions)


def check_members(members: Members) -> None:
    """The kinds of the top-level members, by their first bytes; the provider checks the rest."""
    kinds.check(members, _KINDS)
    for name in ("model", "messages"):
        if kinds.absent(members, name):
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
