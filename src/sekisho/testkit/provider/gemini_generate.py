"""Gemini's generateContent, as the provider writes it.

Shapes as in ai.google.dev/api/generate-content and the types of python-genai 3.4 (2026-11). A stream has no
event that ends it: the last one carries the finish reason. Every event counts what there is so far.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import msgspec

from sekisho.core.message import Part, Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.format import (
    Asked,
    Counting,
    Credentials,
    Format,
    OfferedTool,
    Path,
    Refused,
    pieces,
)
from sekisho.testkit.provider.gemini_checks import check, unwrap
from sekisho.testkit.provider.gemini_shape import read
from sekisho.testkit.provider.google_errors import bad_request, google_body, no_key, wrong_key
from sekisho.testkit.provider.performance import Faults
from sekisho.testkit.provider.script import Script
from sekisho.testkit.provider.seals import seal

_encode = msgspec.json.Encoder().encode
_FINISH: Mapping[str, str] = {
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "PROHIBITED_CONTENT",
}


def authorize(request: Received, credentials: Credentials) -> None:
    """A key in the header or in the query, or a bearer token as on Vertex."""
    given = request.header("x-goog-api-key") or "".join(parse_qs(request.query).get("key", ()))
    token = (request.header("authorization") or "").removeprefix("Bearer ")
    if not given and not token:
        raise Refused(403, no_key())
    if credentials.api_key not in (None, given or token):
        raise Refused(400, wrong_key()) if given else Refused(401, google_body(401, None, ""))


def not_json() -> Refused:
    return Refused(400, bad_request("Invalid JSON payload received. Unexpected token."))


# --- the request ---


def ask(body: Any, path: Path) -> Asked:
    request = read(body, "GenerateContentRequest", strict=False)
    contents = request["contents"]
    config = request.get("generationConfig") or {}
    users = [text for content in contents if content.get("role") != "model" and (text := _text(content))]
    answers = [part["functionResponse"] for part in contents[-1]["parts"] if "functionResponse" in part]
    return Asked(
        model=path.model,
        stream=path.stream,
        include_usage=True,
        user_text=users[-1] if users else "",
        prompt=_text(request.get("systemInstruction")) + "".join(_text(content) for content in contents),
        tool_result=_result(answers[-1].get("response")) if answers else None,
        tools=tuple(
            OfferedTool(declared["name"], declared.get("parametersJsonSchema") or declared.get("parameters"))
            for tool in request.get("tools") or ()
            for declared in tool.get("functionDeclarations") or ()
        ),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        choices=int(config.get("candidateCount") or 1),
    )


def _text(content: Any) -> str:
    parts = (content or {}).get("parts") or ()
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def _result(response: Any) -> str:
    """A result is an object; a text in it is the result's text."""
    said = response or {}
    for name in ("output", "result", "content", "error"):
        if isinstance(said.get(name), str):
            return str(said[name])
    return msgspec.json.encode(said).decode()


# --- the answer ---


def booked(used: Usage) -> Usage:
    """Written cache tokens are not told apart from other input."""
    fresh = used.input + used.cache_write + used.cache_write_1h
    return Usage(input=fresh, cache_read=used.cache_read, output=used.output, reasoning=used.reasoning)


def usage(used: Usage) -> dict[str, Any]:
    counted: dict[str, Any] = {
        "promptTokenCount": used.prompt,
        "candidatesTokenCount": used.output - used.reasoning,
        "totalTokenCount": used.total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used.prompt}],
    }
    if used.cache_read:
        counted["cachedContentTokenCount"] = used.cache_read
        counted["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": used.cache_read}]
    if used.reasoning:
        counted["thoughtsTokenCount"] = used.reasoning
    return counted


def _stem(reply: Reply) -> dict[str, Any]:
    return {"modelVersion": reply.model, "responseId": reply.id}


def unary(reply: Reply, asked: Asked) -> bytes:  # noqa: ARG001 - one signature for all formats
    candidates = [
        {
            "content": {"parts": _parts(choice), "role": "model"},
            "finishReason": _FINISH.get(choice.finish.reason, "STOP"),
            "index": index,
        }
        for index, choice in enumerate(reply.choices)
    ]
    return _encode({"candidates": candidates, "usageMetadata": usage(reply.usage or Usage()), **_stem(reply)})


def _parts(choice: Choice) -> list[dict[str, Any]]:
    """The first call carries the signature; without a call, the last text that was thought about."""
    made = [_part(part) for part in choice.parts]
    parts = [part for part in made if part is not None]
    calls = [part for part in parts if "functionCall" in part]
    if calls:
        calls[0]["thoughtSignature"] = seal("gemini", calls[0]["functionCall"]["name"])
    elif any(part.get("thought") for part in parts):
        parts[-1]["thoughtSignature"] = seal("gemini", "text")
    return parts


def _part(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"text": text}
        case Reasoning(text=text):
            return {"text": text, "thought": True}
        case ToolCall(id=id_, name=name, arguments=arguments):
            return {
                "functionCall": {"id": id_, "name": name, "args": msgspec.Raw((arguments or "{}").encode())}
            }
        case _:
            return None


# --- the stream ---


def chunks(reply: Reply, script: Script) -> list[bytes]:
    """Texts in pieces, a function call whole; each candidate ends in an event with its finish reason."""
    used = reply.usage or Usage()
    so_far = {"promptTokenCount": used.prompt, "totalTokenCount": used.prompt}
    told: list[dict[str, Any]] = []
    for index, choice in enumerate(reply.choices):
        told.extend(
            {"candidates": [{"content": {"parts": [piece], "role": "model"}, "index": index}]}
            for part in _parts(choice)
            for piece in _pieces(part, script.chunk_size)
        )
        last = {
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": _FINISH.get(choice.finish.reason, "STOP"),
            "index": index,
        }
        told.append({"candidates": [last]})
    counts = [so_far] * (len(told) - 1) + [usage(used)]
    return [
        _encode({**event, "usageMetadata": counted, **_stem(reply)})
        for event, counted in zip(told, counts, strict=True)
    ]


def _pieces(part: dict[str, Any], size: int) -> list[dict[str, Any]]:
    if "text" not in part:
        return [part]
    *first, last = pieces(part["text"], size)
    plain = {name: value for name, value in part.items() if name != "thoughtSignature"}
    return [*({**plain, "text": piece} for piece in first), {**part, "text": last}]


def frames(reply: Reply, asked: Asked, script: Script) -> list[bytes]:  # noqa: ARG001 - as `unary`
    return [b"data: " + chunk + b"\r\n\r\n" for chunk in chunks(reply, script)]


def array_frames(reply: Reply, asked: Asked, script: Script) -> list[bytes]:  # noqa: ARG001 - as `unary`
    """The stream as one JSON array, which is what comes without `alt=sse`."""
    told = [
        (b",\r\n" if index else b"[") + chunk + b"\n" for index, chunk in enumerate(chunks(reply, script))
    ]
    return [*told, b"]\n"]


# --- errors ---


def error(script: Script, asked: Asked) -> Refused:
    """A prompt that is blocked is answered, without a candidate."""
    if (script.status, script.error) != (400, "filter"):
        return Refused(
            script.status, google_body(script.status, script.error, asked.model, script.retry_after)
        )
    body = _encode(
        {
            "promptFeedback": {"blockReason": "SAFETY"},
            "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1},
            "modelVersion": asked.model,
        }
    )
    if asked.stream:
        return Refused(200, b"data: " + body + b"\r\n\r\n", content_type="text/event-stream")
    return Refused(200, body)


def _failure() -> bytes:
    return _encode(msgspec.json.decode(google_body(503, None, "")))


def faults(reply: Reply, asked: Asked, script: Script) -> Faults:  # noqa: ARG001 - as `unary`
    malformed = b'data: {"candidates":[{"content":\r\n\r\n'
    return Faults(error=b"data: " + _failure() + b"\r\n\r\n", malformed=malformed, corrupt=malformed)


def array_faults(reply: Reply, asked: Asked, script: Script) -> Faults:  # noqa: ARG001 - as `unary`
    malformed = b',\r\n{"candidates":[{"content":\n'
    before = b",\r\n" if script.error_after_events else b"["
    return Faults(error=before + _failure() + b"\n]\n", malformed=malformed, corrupt=malformed, terminators=2)


def _listed(refused: Refused) -> Refused:
    return Refused(refused.status, b"[" + refused.body + b"\n]\n", refused.headers)


def _in_list(check_: Callable[..., None]) -> Callable[..., None]:
    def checked(*given: Any) -> None:
        try:
            check_(*given)
        except Refused as refused:
            raise _listed(refused) from None

    return checked


def _array_error(script: Script, asked: Asked) -> Refused:
    return _listed(error(script, replace(asked, stream=False)))


def _count(tokens: int) -> bytes:
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    return _encode({"totalTokens": tokens, "promptTokensDetails": details})


GEMINI_GENERATE = Format(
    dialect="gemini_generate",
    id_form="{run}{number:08d}scri",
    request_id_header="x-goog-request-id",
    said=(("server-timing", "gfet4t7; dur=1"), ("vary", "Origin, X-Origin, Referer")),
    authorize=authorize,
    check=check,
    not_json=not_json,
    ask=ask,
    unary=unary,
    frames=frames,
    faults=faults,
    error=error,
    counting=Counting(unwrap, _count),
    stream_type="text/event-stream",
    booked=booked,
)
GEMINI_ARRAY = replace(
    GEMINI_GENERATE,
    authorize=_in_list(authorize),
    check=_in_list(check),
    not_json=lambda: _listed(not_json()),
    frames=array_frames,
    faults=array_faults,
    error=_array_error,
    stream_type="application/json; charset=UTF-8",
)
"""Streams without `alt=sse`: one JSON array, errors in one as well."""
