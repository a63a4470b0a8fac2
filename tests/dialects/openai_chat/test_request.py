"""Requests: what is refused and how it is named, and what the less usual members mean."""

from typing import Any

import msgspec
import pytest

from sekisho.core.error import BadRequest
from sekisho.core.message import (
    CacheMark,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Reasoning,
    Text,
    ToolResult,
)
from sekisho.core.request import ReasoningSettings, Request, ToolChoice
from sekisho.dialects.openai_chat import DIALECT

HELLO = {"role": "user", "content": "Hello"}


def read(**members: Any) -> Request:
    return DIALECT.read_request(msgspec.json.encode({"model": "m", "messages": [HELLO], **members}))


def call(**members: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", **members}]}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": 1}, "model"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [HELLO, {"content": "hi"}]}, "messages.1.role"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "function", "name": "f", "content": "1"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        (
            {"messages": [HELLO, HELLO, {"role": "user", "content": [{"text": "x"}]}]},
            "messages.2.content.0.type",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages.0.content.0.image_url.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages.0.content.0.file",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ({"messages": [call()]}, "messages.0.tool_calls.0.function"),
        ({"messages": [call(function={"arguments": ""})]}, "messages.0.tool_calls.0.function.name"),
        ({"messages": [{"role": "assistant", "function_call": {"name": "f"}}]}, "messages.0.function_call"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop.0"),
        ({"stream_options": []}, "stream_options"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(members: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**members)
    assert caught.value.param == param
    assert caught.value.message.startswith(param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model":"m","messages":' + b"[" * 200_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        DIALECT.read_request(body)


def test_the_message_says_what_was_expected() -> None:
    with pytest.raises(BadRequest, match=r"^messages\.0\.name: expected a string, got an integer\.$"):
        read(messages=[{"role": "user", "content": "x", "name": 7}])


def test_nulls_are_absent() -> None:
    assert read(tools=None, stop=None, metadata=None, stream=None, reasoning=None) == read()


def test_tool_messages_in_a_row_are_one_message_of_results() -> None:
    result = {"role": "tool", "tool_call_id": "a", "content": "1"}
    request = read(messages=[HELLO, result, {**result, "tool_call_id": "b"}, HELLO, result])
    kinds = [[type(part) for part in message.parts] for message in request.messages]
    assert kinds == [[Text], [ToolResult, ToolResult], [Text], [ToolResult]]


def test_sources_are_told_apart_by_their_url() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "image_url", "image_url": "https://example.com/a.png"},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"filename": "a.PDF", "file_data": "AA=="}},
    ]
    message = read(messages=[{"role": "user", "content": parts}]).messages[0]
    sources = [part.source for part in message.parts if isinstance(part, Image | Document)]
    assert sources == [
        Inline(media_type="image/png", data="AA=="),
        Link(url="https://example.com/a.png"),
        FileRef(id="file-1"),
        Inline(media_type="application/pdf", data="AA=="),
    ]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": "data:image/png,AA=="}}, "image_url.url"),
        ({"type": "image_url", "image_url": "data:image/png;base64,A=A="}, "image_url"),
        ({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,?"}}, "video_url.url"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}}, "file.file_data"),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": "no"}}, "file.file_data"),
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}, "input_audio.data"),
    ],
)
def test_content_that_is_not_base64_is_refused_by_its_field(part: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest, match="base64") as caught:
        read(messages=[{"role": "user", "content": [part]}])
    assert caught.value.param == f"messages.0.content.0.{param}"


def test_a_mark_on_a_message_is_one_on_its_last_part() -> None:
    marked = read(messages=[{**HELLO, "cache_control": {"type": "ephemeral", "ttl": "1h"}}])
    assert marked.messages[0].parts[0].cache == CacheMark(ttl="1h")


@pytest.mark.parametrize(
    ("members", "settings"),
    [
        ({"reasoning_effort": "minimal"}, ReasoningSettings(effort="minimal")),
        ({"reasoning_effort": "none"}, ReasoningSettings(effort="none", enabled=False)),
        ({"reasoning": {"max_tokens": 2000}}, ReasoningSettings(budget_tokens=2000)),
        ({"reasoning": {"enabled": True}}, ReasoningSettings(enabled=True)),
        ({"thinking": {"type": "disabled"}}, ReasoningSettings(enabled=False)),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
            ReasoningSettings(enabled=True, budget_tokens=9),
        ),
        ({"thinking": {"type": "adaptive"}}, ReasoningSettings(adaptive=True)),
    ],
)
def test_every_spelling_of_thinking_is_understood(members: Any, settings: ReasoningSettings) -> None:
    assert read(**members).reasoning == settings


def test_signed_thinking_that_a_client_sends_back_keeps_its_signature() -> None:
    detail = {"type": "reasoning.text", "text": "Hm.", "signature": "sig", "index": 0}
    message = {"role": "assistant", "content": "x", "reasoning": "Hm.", "reasoning_details": [detail]}
    thought, text = read(messages=[message]).messages[0].parts
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.signature, text) == ("Hm.", "sig", Text(text="x"))


def test_the_newer_name_of_the_limit_wins() -> None:
    assert read(max_tokens=5, max_completion_tokens=7).max_tokens == 7


def test_allowed_tools_keep_their_mode() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}
    assert read(tool_choice=choice).tool_choice == ToolChoice(mode="required")
