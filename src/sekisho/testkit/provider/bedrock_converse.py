"""Bedrock's Converse, as the provider writes it.

Shapes as in the service model of bedrock-runtime (botocore 1.44, 2026-11). An answer has no id in its body:
it is known by its request's.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from sekisho.core.message import Part, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider import eventstream
from sekisho.testkit.provider.aws_errors import aws_error, in_stream, scripted_error
from sekisho.testkit.provider.bedrock_checks import check, unwrap
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
from sekisho.testkit.provider.performance import Faults
from sekisho.testkit.provider.script import Script
from sekisho.testkit.provider.seals import seal, sign
from sekisho.testkit.provider.sigv4 import Unsigned, verify

_encode = msgspec.json.Encoder().encode
_STOP: Mapping[str, str] = {
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "refusal": "content_filtered",
}


def authorize(request: Received, credentials: Credentials) -> None:
    """A bearer token, or a signature of the request."""
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    if scheme == "Bearer":
        if credentials.api_key not in (None, token):
            said = "Authentication failed: Please make sure your API Key is valid."
            raise aws_error(403, "AccessDeniedException", said)
        return
    try:
        verify(request, credentials, "bedrock", datetime.now(UTC))
    except Unsigned as unsigned:
        raise aws_error(403, unsigned.kind, unsigned.message) from None


def not_json() -> Refused:
    return aws_error(400, "SerializationException", "Unexpected token in the request body")


# --- the request ---


def ask(body: Any, path: Path) -> Asked:
    messages = body["messages"]
    users = [
        text for message in messages if message["role"] == "user" and (text := _text(message["content"]))
    ]
    results = [block["toolResult"] for block in messages[-1]["content"] if block.get("toolResult")]
    wanted = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    return Asked(
        model=path.model,
        stream=path.stream,
        include_usage=True,
        user_text=users[-1] if users else "",
        prompt=_text(body.get("system")) + "".join(_text(message["content"]) for message in messages),
        tool_result=_result(results[-1]["content"]) if results else None,
        tools=tuple(
            OfferedTool(tool["toolSpec"]["name"], tool["toolSpec"]["inputSchema"]["json"])
            for tool in (body.get("toolConfig") or {}).get("tools") or ()
            if tool.get("toolSpec")
        ),
        schema=msgspec.json.decode(wanted["jsonSchema"]["schema"]) if wanted else None,
    )


def _text(content: Any) -> str:
    return "".join(block.get("text") or "" for block in content or ())


def _result(content: list[Any]) -> str:
    return "".join(
        block["text"] if "text" in block else msgspec.json.encode(block.get("json")).decode()
        for block in content
    )


# --- the answer ---


def usage(used: Usage) -> dict[str, Any]:
    written = used.cache_write + used.cache_write_1h
    counted: dict[str, Any] = {
        "inputTokens": used.input,
        "outputTokens": used.output,
        "totalTokens": used.total,
        "cacheReadInputTokens": used.cache_read,
        "cacheWriteInputTokens": written,
    }
    if written:
        lifetimes = (("5m", used.cache_write), ("1h", used.cache_write_1h))
        counted["cacheDetails"] = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in lifetimes if tokens]
    return counted


def booked(used: Usage) -> Usage:
    """What was thought is not told apart from other output."""
    return msgspec.structs.replace(used, reasoning=0, input_audio=0, output_audio=0)


def _stop(choice: Choice) -> str:
    return _STOP.get(choice.finish.reason, "end_turn")


def unary(reply: Reply, asked: Asked) -> bytes:  # noqa: ARG001 - one signature for all formats
    choice = reply.choices[0]
    return _encode(
        {
            "output": {"message": {"role": "assistant", "content": [_block(part) for part in choice.parts]}},
            "stopReason": _stop(choice),
            "usage": usage(reply.usage or Usage()),
            "metrics": {"latencyMs": 1},
        }
    )


def _block(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"text": text}
        case Reasoning(text=text, signature=signature):
            thought = {"text": text, "signature": _signature(text, signature)}
            return {"reasoningContent": {"reasoningText": thought}}
        case RedactedReasoning(data=data):
            return {"reasoningContent": {"redactedContent": _redacted(data)}}
        case ToolCall(id=id_, name=name, arguments=arguments):
            given = msgspec.Raw((arguments or "{}").encode())
            return {"toolUse": {"toolUseId": f"tooluse_{id_}", "name": name, "input": given}}
        case _:
            raise ValueError(f"the scripted provider writes no {type(part).__name__}")


def _signature(text: str, said: str | None) -> str:
    return sign("anthropic", text) if said is None else said


def _redacted(data: str) -> str:
    """A blob, whose base64 is in the ordinary alphabet."""
    return base64.b64encode(base64.urlsafe_b64decode(seal("anthropic", data))).decode()


# --- the stream ---


def _event(kind: str, members: Mapping[str, Any]) -> bytes:
    """Every event has a padding, so that its length does not tell the text's."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    padding = "abcdefghijklmnopqrstuvwxyz"[: 4 + len(kind) % 9]
    return eventstream.message(headers, _encode({**members, "p": padding}))


def frames(reply: Reply, asked: Asked, script: Script) -> list[bytes]:  # noqa: ARG001 - as `unary`
    """Only a tool's block is announced before its content."""
    choice = reply.choices[0]
    told = [_event("messageStart", {"role": "assistant"})]
    for index, part in enumerate(choice.parts):
        at = {"contentBlockIndex": index}
        if isinstance(part, ToolCall):
            opened = {"toolUseId": f"tooluse_{part.id}", "name": part.name}
            told.append(_event("contentBlockStart", {"start": {"toolUse": opened}, **at}))
        told.extend(
            _event("contentBlockDelta", {"delta": delta, **at}) for delta in _deltas(part, script.chunk_size)
        )
        told.append(_event("contentBlockStop", at))
    told.append(_event("messageStop", {"stopReason": _stop(choice)}))
    told.append(_event("metadata", {"usage": usage(reply.usage or Usage()), "metrics": {"latencyMs": 1}}))
    return told


def _deltas(part: Part, size: int) -> list[dict[str, Any]]:
    match part:
        case Text(text=text) | Refusal(text=text):
            return [{"text": piece} for piece in pieces(text, size)]
        case Reasoning(text=text, signature=signature):
            thought = [{"reasoningContent": {"text": piece}} for piece in pieces(text, size)]
            return [*thought, {"reasoningContent": {"signature": _signature(text, signature)}}]
        case RedactedReasoning(data=data):
            return [{"reasoningContent": {"redactedContent": _redacted(data)}}]
        case ToolCall(arguments=arguments):
            return [{"toolUse": {"input": piece}} for piece in pieces(arguments, size)]
        case _:
            return []


# --- errors ---


def error(script: Script, asked: Asked) -> Refused:
    return scripted_error(script.status, script.error, asked.model)


def faults(reply: Reply, asked: Asked, script: Script) -> Faults:  # noqa: ARG001 - as `unary`
    kind, said = in_stream(script.error)
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    delta = {"delta": {"text": "corrupt"}, "contentBlockIndex": 0}
    broken = {
        ":event-type": "contentBlockDelta",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return Faults(
        error=eventstream.message(headers, _encode({"message": said})),
        malformed=eventstream.message(broken, b'{"delta":{"text":'),
        corrupt=eventstream.corrupted(_event("contentBlockDelta", delta)),
        terminators=2,
    )


BEDROCK_CONVERSE = Format(
    dialect="bedrock_converse",
    id_form="{run}-0000-4000-8000-{number:012d}",
    request_id_header="x-amzn-requestid",
    id_in_header=True,
    authorize=authorize,
    check=check,
    not_json=not_json,
    ask=ask,
    unary=unary,
    frames=frames,
    faults=faults,
    error=error,
    counting=Counting(unwrap, lambda tokens: _encode({"inputTokens": tokens})),
    stream_type="application/vnd.amazon.eventstream",
    booked=booked,
)
