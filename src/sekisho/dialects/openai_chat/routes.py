"""Where Chat Completions is served. Client paths are below the API's root (`/v1`, `/api/v1`)."""

from collections.abc import Mapping

from sekisho.core.operation import Operation

PATHS: Mapping[str, Operation] = {"/chat/completions": Operation.CHAT}
UPSTREAM_PATHS: Mapping[Operation, str] = {Operation.CHAT: "/chat/completions"}
FORWARD_HEADERS: frozenset[bytes] = frozenset({b"openai-beta"})
"""Organization and project name the client's account, not ours; they stay here."""
