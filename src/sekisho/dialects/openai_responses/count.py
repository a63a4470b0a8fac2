"""Counting tokens: `/responses/input_tokens` takes the members of a request that make its prompt.

https://platform.openai.com/docs/api-reference/responses/input-tokens (2026-11)
"""

from sekisho.wire import json
from sekisho.wire.openai_count import read, same, write

__all__ = ["read", "unwrap", "wrap", "write"]

_COUNTED = frozenset(
    (
        "conversation",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "personality",
        "previous_response_id",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "truncation",
    )
)

unwrap = same
"""A count asks with the members of a response."""


def wrap(body: bytes) -> bytes:
    """Without the members that say how to answer, which the count refuses."""
    return json.only(body, _COUNTED)
