"""Anthropic's Messages API (https://platform.claude.com/docs/en/api/messages), read and written."""

from sekisho.core.contract import CacheMarks, Dialect, TokenCounting, no_match
from sekisho.dialects.anthropic_messages import (
    cache,
    count,
    errors,
    limits,
    reply,
    request,
    request_write,
    routes,
    splice,
)
from sekisho.dialects.anthropic_messages.schema import NAME
from sekisho.dialects.anthropic_messages.stream import Reader
from sekisho.dialects.anthropic_messages.stream_write import Writer
from sekisho.wire.claude_prefill import prefill

DIALECT = Dialect(
    name=NAME,
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
    stream_reader=Reader,
    stream_writer=Writer,
    read_error=errors.read,
    write_error=errors.write,
    write_error_frame=errors.write_frame,
    check_members=splice.check_members,
    patch_request=splice.patch_request,
    tap=splice.Tap,
    unary_tap=splice.unary_tap,
    cache_marks=CacheMarks(place=cache.place, strip=cache.strip),
    token_counting=TokenCounting(unwrap=count.unwrap, wrap=count.wrap, read=count.read, write=count.write),
    prefill=prefill,
    limit_lines=limits.lines,
)
