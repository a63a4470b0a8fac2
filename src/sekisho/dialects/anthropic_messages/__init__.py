"""Anthropic's Messages API (https://platform.claude.com/docs/en/api/messages), read and written."""

from sekisho.core.contract import Dialect
from sekisho.dialects.anthropic_messages import errors, reply, request, request_write, routes, splice
from sekisho.dialects.anthropic_messages.schema import NAME
from sekisho.dialects.anthropic_messages.stream import Reader
from sekisho.dialects.anthropic_messages.stream_write import Writer

DIALECT = Dialect(
    name=NAME,
    paths=routes.PATHS,
    upstream_paths=routes.UPSTREAM_PATHS,
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
    write_token_count=routes.write_token_count,
)
