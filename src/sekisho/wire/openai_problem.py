"""What a provider complains about, out of whatever body it sent.

The shapes that OpenAI-compatible servers use for errors: OpenAI's `{"error": {...}}`, also in a list
(Gemini) or as a text (Ollama, TGI, xAI); flat `{"message", "type", "code"}` (vLLM, Mistral); FastAPI's
`{"detail": ...}`; Cloudflare's `{"errors": [...]}`; MiniMax's `{"base_resp": {...}}` under status 200.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from sekisho.wire import json
from sekisho.wire.shape import BROKEN

LONGEST = 2_000
"""Characters of a provider's message that are kept."""


@dataclass(frozen=True, slots=True)
class Problem:
    message: str = ""
    words: tuple[str, ...] = ()
    """Codes and types, in lower case: what to decide by."""
    code: str | None = None
    """The most telling of them, as the provider spells it."""
    param: str | None = None
    status: int | None = None
    """A status that stands in the body."""


NOTHING = Problem()


def read(body: bytes | msgspec.Raw) -> Problem:
    """Total: any body gives a problem, an unreadable one an empty problem."""
    try:
        found = json.decode(body)
    except BROKEN:
        return NOTHING
    return _of(found)


def _of(found: Any) -> Problem:
    if isinstance(found, list):
        return _of(found[0]) if found else NOTHING
    if isinstance(found, str):
        return Problem(message=found.strip()[:LONGEST])
    if not isinstance(found, dict):
        return NOTHING
    inner = found.get("error") or found.get("errors")
    if isinstance(inner, list):
        inner = inner[0] if inner else None
    if isinstance(inner, dict):
        return _of_object(inner)
    if isinstance(inner, str) and inner:
        return _of_object({**found, "message": inner, "type": found.get("error_type") or found.get("type")})
    base = found.get("base_resp")
    if isinstance(base, dict):
        return _of_object({"message": base.get("status_msg"), "code": base.get("status_code")})
    return _of_object(found)


def _of_object(error: dict[str, Any]) -> Problem:
    metadata = error.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    code, kind = error.get("code"), error.get("type")
    words = [code, kind, error.get("status"), metadata.get("error_type"), metadata.get("provider_code")]
    named = [str(word) for word in words if isinstance(word, str | int) and not isinstance(word, bool)]
    numbers = [word for word in words if isinstance(word, int) and 400 <= word < 600]
    if isinstance(code, str) and code.isdigit() and 400 <= int(code[:4]) < 600:
        numbers.append(int(code[:4]))
    param = error.get("param")
    telling = [word for word in named if not word.isdigit()]
    return Problem(
        message=_message(error, metadata).strip()[:LONGEST],
        words=tuple(word.lower() for word in named),
        code=next(iter(telling or named), None),
        param=param if isinstance(param, str) else None,
        status=numbers[0] if numbers else None,
    )


def _message(error: dict[str, Any], metadata: dict[str, Any]) -> str:
    raw = metadata.get("raw")
    if isinstance(raw, str) and raw:  # OpenRouter: what the provider behind it said
        return _of_text(raw)
    for name in ("message", "detail", "msg"):
        value = error.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, dict):
            return _message(value, {}) or json.encode(value).decode()
        if isinstance(value, list):  # FastAPI: [{"loc": [...], "msg": "..."}]
            return "; ".join(_complaint(item) for item in value)
    return ""


def _of_text(raw: str) -> str:
    return read(raw.encode()).message or raw


def _complaint(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    where = item.get("loc")
    place = ".".join(str(step) for step in where) if isinstance(where, list) else ""
    return f"{place}: {item.get('msg', '')}" if place else str(item.get("msg", ""))
