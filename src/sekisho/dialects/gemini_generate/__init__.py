"""Google's Gemini API, `generateContent` (https://ai.google.dev/api/generate-content), read and written.

Vertex AI's models of the publisher `google` speak it, too.
"""

from sekisho.core.contract import CacheMarks, Dialect, TokenCounting
from sekisho.dialects.gemini_generate import (
    cache,
    count,
    errors,
    reply,
    request,
    request_write,
    routes,
    splice,
    tap,
)
from sekisho.dialects.gemini_generate.schema import NAME
from sekisho.dialects.gemini_generate.stream import Reader
from sekisho.dialects.gemini_generate.stream_write import Writer

DIALECT = Dialect(
    name=NAME,
    prefixes=routes.PREFIXES,
    paths=routes.PATHS,
    match_path=routes.match_path,
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
    tap=tap.Tap,
    unary_tap=tap.unary_tap,
    cache_marks=CacheMarks(place=cache.place, strip=cache.strip),
    token_counting=TokenCounting(unwrap=count.unwrap, wrap=count.wrap, read=count.read, write=count.write),
    query_key=b"key",
    thinking_breaks_off=True,
    has_terminator=False,
)
