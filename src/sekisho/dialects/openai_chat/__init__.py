"""OpenAI Chat Completions, which nearly every provider speaks with an accent of its own."""

from sekisho.core.contract import Dialect
from sekisho.dialects.openai_chat import (
    errors,
    reply,
    request,
    request_write,
    routes,
    shape,
    splice,
    stream,
    stream_write,
    tap,
)
from sekisho.wire import json


def _write_token_count(tokens: int) -> bytes:
    """OpenAI has no such call for chat; this is the shape of its newer API."""
    return json.encode({"object": "response.input_tokens", "input_tokens": tokens})


DIALECT = Dialect(
    name=shape.NAME,
    paths=routes.PATHS,
    upstream_paths=routes.UPSTREAM_PATHS,
    forward_headers=routes.FORWARD_HEADERS,
    read_request=request.read,
    write_request=request_write.write,
    read_reply=reply.read,
    write_reply=reply.write,
    stream_reader=stream.ChatStreamReader,
    stream_writer=stream_write.ChatStreamWriter,
    read_error=errors.read,
    write_error=errors.write,
    write_error_frame=errors.write_frame,
    check_members=splice.check_members,
    patch_request=splice.patch_request,
    tap=tap.ChatTap,
    unary_tap=tap.read_whole,
    write_token_count=_write_token_count,
)
