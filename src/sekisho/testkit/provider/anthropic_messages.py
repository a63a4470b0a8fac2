"""Anthropic's messages, as the provider writes them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from sekisho.core.message import Part, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.anthropic_checks import check, check_prompt
from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.errors import anthropic_body, anthropic_error, retry_after
from sekisho.testkit.provider.format import (
    Asked,
    Counting,
    Credentials,
    Format,
    OfferedTool,
    Path,
    Refused,
    Rules,
    pieces,
)
from sekisho.testkit.provider.performance import Faults
from sekisho.testkit.provider.script import Script
from sekisho.testkit.provider.seals import seal, sign

_encode = msgspec.json.Encoder().encode
_STOP: Mapping[str, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}


def authorize(request: Received, credentials: Credentials) -> None:
    bearer = (request.header("authorization") or "").removeprefix("Bearer ")
    given = request.header("x-api-key") or bearer
    if not given:
        raise Refused(401, anthropic_error("authentication_error", "x-api-key header is required"))
    if credentials.api_key not in (None, given):
        raise Refused(401, anthropic_body(401, None, ""))
    if request.header("anthropic-version") is None:
        raise Refused(400, anthropic_error("invalid_request_error", "anthropic-version: header is required"))


def not_json() -> Refused:
    message = "The request body is not valid JSON: expected value: line 1 column 1 (char 0)"
    return Refused(400, anthropic_error("invalid_request_error", message))


def ask(body: Any, path: Path) -> Asked:  # noqa: ARG001 - one signature for all formats
    messages = body["messages"]
    users = [
        text for message in messages if message["role"] == "user" and (text := _text(message["content"]))
    ]
    output = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        include_usage=True,
        user_text=users[-1] if users else "",
        prompt=_text(body.get("system")) + "".join(_text(message["content"]) for message in messages),
        tool_result=_tool_result(messages[-1]),
        tools=tuple(
            OfferedTool(tool["name"], tool["input_schema"])
            for tool in body.get("tools") or ()
            if "input_schema" in tool
        ),
        schema=output.get("schema"),
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content or () if block.get("type") == "text")


def _tool_result(message: Any) -> str | None:
    content = message["content"]
    if message["role"] != "user" or isinstance(content, str):
        return None
    results = [block for block in content if block.get("type") == "tool_result"]
    return _text(results[-1].get("content")) if results else None


def usage(used: Usage) -> dict[str, Any]:
    counted: dict[str, Any] = {
        "input_tokens": used.input,
        "cache_creation_input_tokens": used.cache_write + used.cache_write_1h,
        "cache_read_input_tokens": used.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.cache_write,
            "ephemeral_1h_input_tokens": used.cache_write_1h,
        },
        "output_tokens": used.output,
        "service_tier": "standard",
    }
    if used.reasoning:
        counted["output_tokens_details"] = {"thinking_tokens": used.reasoning}
    return counted


def _final_usage(used: Usage) -> dict[str, Any]:
    counted = usage(used)
    del counted["cache_creation"], counted["service_tier"]  # `message_delta` repeats totals only
    return counted


def unary(reply: Reply, asked: Asked) -> bytes:  # noqa: ARG001 - as `ask`
    choice = reply.choices[0]
    return _encode(
        {
            **_message(reply),
            "content": [_block(part) for part in choice.parts],
            **_stop(choice),
            "usage": usage(reply.usage or Usage()),
        }
    )


def _message(reply: Reply) -> dict[str, Any]:
    return {"model": reply.model, "id": reply.id, "type": "message", "role": "assistant"}


def _stop(choice: Choice) -> dict[str, Any]:
    stop: dict[str, Any] = {
        "stop_reason": _STOP[choice.finish.reason],
        "stop_sequence": choice.finish.stop_sequence,
    }
    if stop["stop_reason"] == "refusal":
        stop["stop_details"] = {"type": "refusal", "category": "general_harms", "explanation": None}
    return stop


def _block(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"type": "text", "text": text}
        case Reasoning(text=text, signature=signature):
            return {"type": "thinking", "thinking": text, "signature": _signature(text, signature)}
        case RedactedReasoning(data=data):
            return {"type": "redacted_thinking", "data": seal("anthropic", data)}
        case ToolCall(id=id_, name=name, arguments=arguments):
            return {"type": "tool_use", "id": f"toolu_{id_}", "name": name, "input": msgspec.Raw(arguments)}
        case _:
            raise ValueError(f"the scripted provider writes no {type(part).__name__}")


def _signature(text: str, said: str | None) -> str:
    return sign("anthropic", text) if said is None else said


def _frame(kind: str, **members: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind, **members}))


def frames(reply: Reply, asked: Asked, script: Script) -> list[bytes]:  # noqa: ARG001 - as `ask`
    choice = reply.choices[0]
    used = reply.usage or Usage()
    counted = usage(used)
    counted["output_tokens"] = min(used.output, 1)
    counted.pop("output_tokens_details", None)
    start = {**_message(reply), "content": [], "stop_reason": None, "stop_sequence": None, "usage": counted}
    made = [_frame("message_start", message=start)]
    for index, part in enumerate(choice.parts):
        made.append(_frame("content_block_start", index=index, content_block=_opened(part)))
        if index == 0:
            made.append(_frame("ping"))
        made.extend(
            _frame("content_block_delta", index=index, delta=delta)
            for delta in _deltas(part, script.chunk_size)
        )
        made.append(_frame("content_block_stop", index=index))
    made.append(_frame("message_delta", delta=_stop(choice), usage=_final_usage(used)))
    made.append(_frame("message_stop"))
    return made


def _opened(part: Part) -> dict[str, Any]:
    match part:
        case RedactedReasoning():
            return _block(part)
        case ToolCall(id=id_, name=name):
            return {"type": "tool_use", "id": f"toolu_{id_}", "name": name, "input": {}}
        case Reasoning():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case _:
            return {"type": "text", "text": ""}


def _deltas(part: Part, size: int) -> list[dict[str, Any]]:
    match part:
        case Text(text=text) | Refusal(text=text):
            return [{"type": "text_delta", "text": piece} for piece in pieces(text, size)]
        case Reasoning(text=text, signature=signature):
            thought = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(text, size)]
            return [*thought, {"type": "signature_delta", "signature": _signature(text, signature)}]
        case ToolCall(arguments=arguments):
            inputs = ["", *pieces(arguments, size)]
            return [{"type": "input_json_delta", "partial_json": piece} for piece in inputs]
        case _:
            return []


def error(script: Script, asked: Asked) -> Refused:
    body = anthropic_body(script.status, script.error, asked.model)
    return Refused(script.status, body, retry_after(script.retry_after))


def faults(reply: Reply, asked: Asked, script: Script) -> Faults:  # noqa: ARG001 - as `ask`
    return Faults(error=_frame("error", error={"type": "overloaded_error", "message": "Overloaded"}))


def _counted(body: Any, rules: Rules) -> Any:
    check_prompt(body, rules)
    return body


ANTHROPIC_MESSAGES = Format(
    dialect="anthropic_messages",
    id_form="msg_{run}{number:08d}",
    request_id_header="request-id",
    said=(("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),),
    authorize=authorize,
    check=check,
    not_json=not_json,
    ask=ask,
    unary=unary,
    frames=frames,
    error=error,
    faults=faults,
    counting=Counting(_counted, lambda tokens: _encode({"input_tokens": tokens})),
)
