"""Counting tokens: OpenAI has no such call for chat, so that nothing is ever sent; the answer has the shape
of its newer API (https://platform.openai.com/docs/api-reference/responses/input-tokens, 2026-11)."""

import msgspec

from sekisho.core.error import Malformed
from sekisho.wire import json
from sekisho.wire.shape import BROKEN


class _Counted(msgspec.Struct):
    input_tokens: int


_counted = msgspec.json.Decoder(_Counted)


def same(body: bytes) -> bytes:
    """The body of a call is the body of its count."""
    return body


def read(body: bytes) -> int:
    """Raises Malformed."""
    try:
        return _counted.decode(body).input_tokens
    except BROKEN as error:
        raise Malformed(f"not a count of tokens: {error}") from None


def write(tokens: int) -> bytes:
    return json.encode({"object": "response.input_tokens", "input_tokens": tokens})
