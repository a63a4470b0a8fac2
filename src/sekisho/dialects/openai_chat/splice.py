"""Passing a request through: the bytes of every value go on as they came.

What goes out is changed at its top level only; `tap` is the other direction.
"""

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.wire import kinds

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
_NEEDED = ("model", "messages")


def check_members(members: Members) -> None:
    """The kinds of the top-level members, by their first bytes; the provider checks the rest."""
    kinds.check(members, _KINDS, _NEEDED)
    if kinds.empty(members, "messages"):
        raise BadRequest("messages: empty. Send at least one message.", param="messages")
