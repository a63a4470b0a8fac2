"""Where Chat Completions is served, below `/v1` here and below the provider's base URL there."""

from collections.abc import Mapping

from sekisho.core.operation import Operation

PREFIXES = ("/v1", "/api/v1")
PATHS: Mapping[str, Operation] = {
    "/chat/completions": Operation.CHAT,
    "/embeddings": Operation.EMBEDDINGS,
    "/rerank": Operation.RERANK,
}
_UPSTREAM = {operation: path for path, operation in PATHS.items()}
FORWARD_HEADERS: frozenset[bytes] = frozenset({b"openai-beta"})
"""Organization and project name the client's account, not ours; they stay here."""


def upstream_path(operation: Operation, _model: str, _stream: bool) -> str | None:  # noqa: FBT001 - the contract's
    """OpenAI counts no tokens for chat."""
    return _UPSTREAM.get(operation)
