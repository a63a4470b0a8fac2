"""`CountTokens`: the members of a Converse request that make its prompt, wrapped.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html (2026-11)
"""

import msgspec

from sekisho.core.error import BadRequest, Malformed
from sekisho.wire import json
from sekisho.wire.shape import BROKEN, Shape, Wire, given

_COUNTED = frozenset(("messages", "system", "toolConfig", "additionalModelRequestFields"))


class _Input(Wire):
    converse: msgspec.Raw = msgspec.Raw(b"null")


class _Request(Wire):
    input: _Input


class _Count(Wire, rename="camel"):
    input_tokens: int


_request = Shape(_Request)
_count = msgspec.json.Decoder(_Count)


def unwrap(body: bytes) -> bytes:
    """Raises BadRequest."""
    converse = given(_request.read(body, "").input.converse)
    if converse is None:
        raise BadRequest(
            "input.converse: missing. Only the prompts of Converse requests are counted.",
            param="input.converse",
        )
    return bytes(converse)


def wrap(body: bytes) -> bytes:
    """Without the members that say how to answer, which the count refuses."""
    return json.encode({"input": {"converse": msgspec.Raw(json.only(body, _COUNTED))}})


def read(body: bytes) -> int:
    """Raises Malformed."""
    try:
        return _count.decode(body).input_tokens
    except BROKEN as error:
        raise Malformed(f"not a count of tokens: {error}") from None


def write(tokens: int) -> bytes:
    return json.encode({"inputTokens": tokens})
