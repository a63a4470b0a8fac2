"""Where Anthropic's API lives, and which of a client's headers go on to a provider that speaks it.

Written requests fit `anthropic-version: 2023-06-01`, which a provider's row must send: 2026-10-21 only takes
things away (sampling parameters, 2026-10). A spliced request keeps the version that its client speaks.
"""

from collections.abc import Mapping

from sekisho.core.operation import Operation

PREFIXES = ("/v1", "/api/v1")
PATHS: Mapping[str, Operation] = {
    "/messages": Operation.CHAT,
    "/messages/count_tokens": Operation.COUNT_TOKENS,
}
FORWARD_HEADERS = frozenset((b"anthropic-beta", b"anthropic-version"))


def upstream_path(operation: Operation, _model: str, _stream: bool) -> str | None:  # noqa: FBT001 - the contract's
    """The paths that clients use, below the provider's own `/v1`."""
    return "/messages" if operation is Operation.CHAT else "/messages/count_tokens"
