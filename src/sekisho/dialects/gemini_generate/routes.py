"""Where Google's API lives: the path names the model, what to do with it, and how to answer.

Below `/v1beta` for the Gemini API; Vertex AI's paths, which name a project and a place before the model, are
taken as well. The part between `models/` and the last colon is the model's name, slashes included; a name
that holds a slash may stand without `models/`, as the Vercel AI SDK sends it.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from sekisho.core.contract import Entry
from sekisho.core.operation import Operation

PREFIXES = ("/v1beta", "/v1", "/v1alpha", "/v1beta1")
PATHS: Mapping[str, Operation] = {}
FORWARD_HEADERS: frozenset[bytes] = frozenset()
"""Google's own headers name the client's project and its SDK; they stay here."""

_PATH = re.compile(
    r"(?:/projects/[^/]++/locations/[^/]++)?(?:/publishers/google)?(?:/(?P<kind>models|tunedModels))?/(?P<rest>.+:\w+)",
    re.DOTALL,
)
_COLLECTIONS = ("models/", "tunedModels/", "publishers/", "endpoints/")
_SSE = (b"alt=sse", b"$alt=sse", b"%24alt=sse")


def match_path(path: str, query: bytes) -> Entry | None:
    """See `core.contract.Dialect.match_path`."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    model, _, method = unquote(found["rest"]).rpartition(":")
    if model.endswith("/") or not model:
        return None
    if found["kind"] == "tunedModels":
        model = f"tunedModels/{model}"
    match method:
        case "generateContent":
            return Entry(Operation.CHAT, model, stream=False)
        case "streamGenerateContent":
            sse = any(pair in _SSE for pair in query.split(b"&"))
            return Entry(Operation.CHAT, model, stream=True, framing="sse" if sse else "json_array")
        case "countTokens":
            return Entry(Operation.COUNT_TOKENS, model, stream=False)
    return None


def upstream_path(operation: Operation, model: str, stream: bool) -> str | None:  # noqa: FBT001 - the contract's
    """Below the provider's base URL, `.../v1beta`, or `.../publishers/google` on Vertex AI. Streams are asked
    for as server-sent events, in whichever framing the client gets them."""
    collection, _, rest = resource(model).partition("/")
    # A name that climbs (`../`) must not lead elsewhere: its slashes go escaped.
    climbs = any(step in ("", ".", "..") for step in rest.split("/"))
    name = f"{collection}/{quote(rest, safe='' if climbs else '/')}"
    if operation is Operation.COUNT_TOKENS:
        return f"/{name}:countTokens"
    return f"/{name}:streamGenerateContent?alt=sse" if stream else f"/{name}:generateContent"


def resource(model: str) -> str:
    """The name of a model with its collection: `models/gemini-3-pro`."""
    return model if model.startswith(_COLLECTIONS) else f"models/{model}"
