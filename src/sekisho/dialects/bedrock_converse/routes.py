"""Where Bedrock's runtime API lives. The model stands in the path, percent-encoded by the SDKs: an id, the id
of an inference profile, an ARN, or here `author/slug`
(https://docs.aws.amazon.com/bedrock/latest/APIReference/, 2026-11).
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote

from sekisho.core.contract import Entry
from sekisho.core.operation import Operation

PREFIXES = ("",)
PATHS: Mapping[str, Operation] = {}
FORWARD_HEADERS: frozenset[bytes] = frozenset()
"""Everything that Converse is told stands in its body."""

_MODEL = "/model/"
_ENTRIES = (
    ("/converse", Operation.CHAT, False),
    ("/converse-stream", Operation.CHAT, True),
    ("/count-tokens", Operation.COUNT_TOKENS, False),
)


def match_path(path: str, _query: bytes) -> Entry | None:
    """`/model/{modelId}/converse` and its like; the slash of `author/slug` may stand unescaped."""
    if not path.startswith(_MODEL):
        return None
    for end, operation, stream in _ENTRIES:
        if path.endswith(end) and len(path) > len(_MODEL) + len(end):
            model = unquote(path[len(_MODEL) : -len(end)])
            return Entry(operation, model, stream, "eventstream")
    return None


def upstream_path(operation: Operation, model: str, stream: bool) -> str | None:  # noqa: FBT001 - the contract's
    """Escaped as boto3 escapes it: a signature covers the path."""
    if operation is Operation.COUNT_TOKENS:
        end = "count-tokens"
    else:
        end = "converse-stream" if stream else "converse"
    return f"{_MODEL}{quote(model, safe='-._~')}/{end}"
