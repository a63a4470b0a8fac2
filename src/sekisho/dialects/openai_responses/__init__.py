"""OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses), read and written."""

from sekisho.core.contract import CacheMarks, Dialect, TokenCounting, no_match
from sekisho.dialects.openai_responses import (
    cache,
    count,
    errors,
    follow_up,
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
    stream_reader=stream.ResponsesStreamReader,
    stream_writer=stream_write.ResponsesStreamWriter,
    read_error=errors.read,
    write_error=errors.write,
    write_error_frame=errors.write_frame,
    check_members=splice.check_members,
    patch_request=splice.patch_request,
    tap=tap.ResponsesTap,
    unary_tap=tap.read_whole,
    cache_marks=CacheMarks(place=cache.place, strip=cache.strip),
    token_counting=TokenCounting(unwrap=count.unwrap, wrap=count.wrap, read=count.read, write=count.write),
    match_follow_up=follow_up.match_follow_up,
)
