"""Amazon Bedrock's Converse API, read and written (https://docs.aws.amazon.com/bedrock/)."""

from sekisho.core.contract import CacheMarks, Dialect, TokenCounting
from sekisho.dialects.bedrock_converse import (
    cache,
    count,
    errors,
    reply,
    request,
    request_write,
    routes,
    splice,
)
from sekisho.dialects.bedrock_converse.schema import NAME
from sekisho.dialects.bedrock_converse.stream import Reader
from sekisho.dialects.bedrock_converse.stream_write import Writer
from sekisho.wire.claude_prefill import prefill

DIALECT = Dialect(
    name=NAME,
    prefixes=routes.PREFIXES,
    paths=routes.PATHS,
    match_path=routes.match_path,
    upstream_path=routes.upstream_path,
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
)
