"""OpenAI Chat Completions, which nearly every provider speaks with an accent of its own."""

from sekisho.core.contract import CacheMarks, Dialect, TokenCounting, no_match
from sekisho.dialects.openai_chat import (
    cache,
    errors,
    prefill,
    reply,
    request,
    request_write,
    retrieval,
    routes,
    shape,
    splice,
    stream,
    stream_write,
    tap,
    unify,
)
from sekisho.wire import openai_count as count
from sekisho.wire import openai_streaming

DIALECT = Dialect(
    name=shape.NAME,
    prefixes=routes.PREFIXES,
    paths=routes.PATHS,
    match_path=no_match,
    upstream_path=routes.upstream_path,
    models_path="/models",
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
    patch_request=openai_streaming.patch,
    tap=tap.tap,
    unary_tap=tap.read_whole,
    cache_marks=CacheMarks(place=cache.place, strip=cache.strip),
    token_counting=TokenCounting(unwrap=count.same, wrap=count.same, read=count.read, write=count.write),
    retrieval=retrieval.RETRIEVAL,
    prefill=prefill.prefill,
    unify_reasoning=unify.unify,
    thinking_breaks_off=True,
)
