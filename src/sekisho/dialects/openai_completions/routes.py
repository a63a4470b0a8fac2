"""Where legacy Completions are served, below `/v1` here and below the provider's base URL there."""

from collections.abc import Mapping

from sekisho.core.operation import Operation

PREFIXES = ("/v1", "/api/v1")
PATHS: Mapping[str, Operation] = {"/completions": Operation.CHAT}
FORWARD_HEADERS: frozenset[bytes] = frozenset({b"openai-beta"})


def upstream_path(operation: Operation, _model: str, _stream: bool) -> str | None:  # noqa: FBT001 - the contract's
    """OpenAI counts no tokens for completions."""
    return "/completions" if operation is Operation.CHAT else None
