"""Where Anthropic's API lives, and which of a client's headers go on to a provider that speaks it.

Written requests fit `anthropic-version: 2023-06-01`, which a provider's row must send: 2026-10-21 only takes
things away (sampling parameters, 2026-10). A spliced request keeps the version that its client speaks.
"""

from collections.abc import Mapping

from sekisho.core.operation import Operation
from sekisho.wire import json

PATHS: Mapping[str, Operation] = {
    "/messages": Operation.CHAT,
    "/messages/count_tokens": Operation.COUNT_TOKENS,
}
UPSTREAM_PATHS: Mapping[Operation, str] = {
    Operation.CHAT: "/messages",
    Operation.COUNT_TOKENS: "/messages/count_tokens",
}
FORWARD_HEADERS = frozenset((b"anthropic-beta", b"anthropic-version"))


def write_token_count(tokens: int) -> bytes:
    """The answer of `/messages/count_tokens`."""
    return json.encode({"input_tokens": tokens})
