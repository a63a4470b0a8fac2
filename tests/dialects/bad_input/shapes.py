"""The smallest bodies of each dialect that can go wrong in one place."""

from typing import Any

import pytest

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect
from sekisho.testkit import eventframes
from sekisho.wire.json import encode

CONVERSING = tuple(dialect for dialect in DIALECTS.values() if dialect.name != "openai_completions")
SSE = tuple(dialect for dialect in DIALECTS.values() if dialect.name != "bedrock_converse")

each = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
conversing = pytest.mark.parametrize("dialect", CONVERSING, ids=lambda dialect: dialect.name)
over_sse = pytest.mark.parametrize("dialect", SSE, ids=lambda dialect: dialect.name)


def asking(dialect: Dialect, *content: Any) -> bytes:
    """A request in which the user says `content`, in the dialect's own parts."""
    match dialect.name:
        case "openai_chat":
            body: Any = {"model": "m", "messages": [{"role": "user", "content": content}]}
        case "openai_responses":
            body = {"model": "m", "input": [{"role": "user", "content": content}]}
        case "anthropic_messages":
            body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
        case "gemini_generate":
            body = {"contents": [{"role": "user", "parts": content}]}
        case "bedrock_converse":
            body = {"messages": [{"role": "user", "content": content}]}
        case _:
            body = {"model": "m", "prompt": "x"}
    return encode(body)


def text(dialect: Dialect, said: str) -> Any:
    """A part that is a text."""
    kinds = {"openai_chat": "text", "openai_responses": "input_text", "anthropic_messages": "text"}
    kind = kinds.get(dialect.name)
    return {"text": said} if kind is None else {"type": kind, "text": said}


def image(dialect: Dialect, media_type: str, data: str) -> Any:
    """A part that is an image, its content within."""
    url = f"data:{media_type};base64,{data}"
    match dialect.name:
        case "openai_chat":
            return {"type": "image_url", "image_url": {"url": url}}
        case "openai_responses":
            return {"type": "input_image", "image_url": url}
        case "anthropic_messages":
            return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
        case "gemini_generate":
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case _:
            return {"image": {"format": media_type.partition("/")[2], "source": {"bytes": data}}}


def orphan(dialect: Dialect) -> bytes:
    """A request with a tool's result that no call asked for."""
    match dialect.name:
        case "openai_chat":
            messages: Any = [{"role": "tool", "tool_call_id": "call_9", "content": "21"}]
            return encode({"model": "m", "messages": messages})
        case "openai_responses":
            result = {"type": "function_call_output", "call_id": "call_9", "output": "21"}
            return encode({"model": "m", "input": [result]})
        case "anthropic_messages":
            return asking(dialect, {"type": "tool_result", "tool_use_id": "call_9", "content": "21"})
        case "gemini_generate":
            return asking(dialect, {"functionResponse": {"name": "f", "id": "call_9", "response": {"a": 21}}})
        case _:
            return asking(dialect, {"toolResult": {"toolUseId": "call_9", "content": [{"text": "21"}]}})


EMPTY: dict[str, tuple[Any, ...]] = {
    "openai_chat": ({"id": "x", "model": "m", "choices": []}, {"id": "x", "model": "m"}),
    "openai_completions": ({"id": "x", "model": "m", "choices": []}, {"id": "x", "model": "m"}),
    "openai_responses": (
        {"id": "x", "object": "response", "model": "m", "status": "completed", "output": []},
        {"id": "x", "object": "response", "model": "m", "status": "completed"},
    ),
    "anthropic_messages": (
        {"id": "x", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None},
        {"id": "x", "type": "message", "role": "assistant", "model": "m"},
    ),
    "gemini_generate": ({"candidates": []}, {"candidates": [{}]}, {}),
    "bedrock_converse": (
        {"output": {}, "stopReason": "end_turn"},
        {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn"},
        {},
    ),
}
"""Answers of status 200 in which nothing is said, the more plausible first."""

EMPTY_STREAMS: dict[str, tuple[bytes, ...]] = {
    "openai_chat": (b"data: [DONE]\n\n", b'data: {"id":"x","model":"m","choices":[]}\n\ndata: [DONE]\n\n'),
    "openai_completions": (
        b"data: [DONE]\n\n",
        b'data: {"id":"x","model":"m","choices":[]}\n\ndata: [DONE]\n\n',
    ),
    "openai_responses": (
        b'data: {"type":"response.completed","response":{"id":"x","status":"completed","output":[]}}\n\n',
    ),
    "anthropic_messages": (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"x","model":"m"}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ),
    "gemini_generate": (b'data: {"candidates":[]}\n\n', b"data: {}\n\n"),
    "bedrock_converse": (
        eventframes.from_lines(b'{"event":"messageStart","payload":{"role":"assistant"}}'),
        eventframes.from_lines(
            b'{"event":"messageStart","payload":{"role":"assistant"}}\n'
            b'{"event":"messageStop","payload":{"stopReason":"end_turn"}}\n{"event":"metadata","payload":{}}'
        ),
    ),
}


def saying(dialect: Dialect) -> bytes:
    """A reply or a piece of one, with MARK where its text is."""
    said: dict[str, Any] = {
        "openai_chat": {"choices": [{"message": {"role": "assistant", "content": "MARK"}}]},
        "openai_completions": {"choices": [{"text": "MARK", "finish_reason": "stop"}]},
        "openai_responses": {
            "object": "response",
            "status": "completed",
            "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "MARK"}]}
            ],
        },
        "anthropic_messages": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "MARK"}],
        },
        "gemini_generate": {
            "candidates": [{"content": {"parts": [{"text": "MARK"}]}, "finishReason": "STOP"}]
        },
        "bedrock_converse": {"output": {"message": {"role": "assistant", "content": [{"text": "MARK"}]}}},
    }
    return encode({"id": "x", "model": "m", **said[dialect.name]})
