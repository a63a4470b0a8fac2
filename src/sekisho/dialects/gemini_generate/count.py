"""Counting tokens: `:countTokens` takes bare `contents`, or a whole request with instructions and tools under
`generateContentRequest`, which names its model (https://ai.google.dev/api/tokens, 2026-11)."""

import msgspec

from sekisho.core.error import BadRequest, Malformed
from sekisho.dialects.gemini_generate import errors
from sekisho.wire import json
from sekisho.wire.shape import BROKEN

_WHOLE = ("generateContentRequest", "generate_content_request")


class _Counted(msgspec.Struct, rename="camel"):
    total_tokens: int | None = None
    error: msgspec.Raw = msgspec.Raw()


_counted = msgspec.json.Decoder(_Counted)


def unwrap(body: bytes) -> bytes:
    """The request whose prompt is meant."""
    members = json.members(body)
    for name in _WHOLE:
        if name in members:
            whole = bytes(members[name])
            if not whole.startswith(b"{"):
                raise BadRequest(f"{name}: expected an object.", param=name)
            return whole
    return body


def wrap(body: bytes) -> bytes:
    """A request that names its model goes whole; one that does not came as bare members."""
    members = json.members(body)
    if "model" not in members:
        return body
    return json.encode({_WHOLE[0]: msgspec.Raw(body)})


def read(body: bytes) -> int:
    """Raises Malformed, or the UpstreamError that a 200 body carries."""
    try:
        found = _counted.decode(body)
    except BROKEN as error:
        raise Malformed(f"not a count of tokens: {error}") from None
    if bytes(found.error) not in (b"", b"null"):
        raise errors.in_answer(body)
    if found.total_tokens is None:
        raise Malformed("not a count of tokens: totalTokens is missing")
    return found.total_tokens


def write(tokens: int) -> bytes:
    return json.encode({"totalTokens": tokens})
