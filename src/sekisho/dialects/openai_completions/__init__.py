"""OpenAI's legacy Completions: one text in, one text out. Base models and local servers still live by it."""

from sekisho.core.contract import CacheMarks, Dialect, TokenCounting, no_match
from sekisho.dialects.openai_completions import (
    errors,
    reply,
    request,
    request_write,
    routes,
    schema,
    splice,
    stream,
    stream_write,
)
from sekisho.wire import openai_count as count
from sekisho.wire import openai_streaming

DIALECT = Dialect(
    name=schema.NAME,
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
    stream_reader=stream.CompletionStreamReader,
    stream_writer=stream_write.CompletionStreamWriter,
    read_error=errors.read,
    write_error=errors.write,
    write_error_frame=errors.write_frame,
    check_members=splice.check_members,
    patch_request=openai_streaming.patch,
    tap=splice.tap,
    unary_tap=splice.read_whole,
    cache_marks=CacheMarks(place=splice.place_no_mark, strip=splice.strip_no_mark),
    token_counting=TokenCounting(unwrap=count.same, wrap=count.same, read=count.read, write=count.write),
    thinking_breaks_off=True,
)
