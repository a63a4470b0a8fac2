"""Counting tokens: `/messages/count_tokens` takes the members of a message that make its prompt.

https://platform.claude.com/docs/en/api/messages-count-tokens (2026-11)
"""

import msgspec

from sekisho.core.error import Malformed
from sekisho.wire import json
from sekisho.wire.shape import BROKEN

_COUNTED = frozenset(
    (
        "cache_control",
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "output_format",
        "speed",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    )
)
_ROOM = json.raw(64_000)
"""Enough for any thinking budget beside it."""


class _Count(msgspec.Struct):
    input_tokens: int


_count = msgspec.json.Decoder(_Count)


def unwrap(body: bytes) -> bytes:
    """A count asks with the members of a message, but for `max_tokens`, which a message must have."""
    members = json.members(body)
    if "max_tokens" in members:
        return body
    return json.encode({**members, "max_tokens": _ROOM})


def wrap(body: bytes) -> bytes:
    """Without the members that say how to answer, which the count refuses."""
    return json.only(body, _COUNTED)


def read(body: bytes) -> int:
    """Raises Malformed."""
    try:
        return _count.decode(body).input_tokens
    except BROKEN as error:
        raise Malformed(f"not a count of tokens: {error}") from None


def write(tokens: int) -> bytes:
    return json.encode({"input_tokens": tokens})
