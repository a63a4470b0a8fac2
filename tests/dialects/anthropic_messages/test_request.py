"""Reading requests: what is refused, and in which words."""

from typing import Any

import msgspec
import pytest

from sekisho.core.error import BadRequest
from sekisho.core.message import Opaque, Text, ToolCall, ToolResult
from sekisho.core.request import FunctionTool, OutputFormat, ProviderTool, Request, ToolChoice
from sekisho.dialects.anthropic_messages.request import read


def request(**members: Any) -> bytes:
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **members}
    return msgspec.json.encode({name: value for name, value in asked.items() if value is not ...})


def said(*blocks: object, role: str = "user") -> list[object]:
    return [{"role": role, "content": list(blocks)}]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (request(max_tokens=...), "max_tokens"),
        (request(model=...), "model"),
        (request(messages=...), "messages"),
        (request(messages=[]), "messages"),
        (request(messages="Hi"), "messages"),
        (request(max_tokens="9"), "max_tokens"),
        (request(max_tokens=True), "max_tokens"),
        (request(messages=[{"role": "user", "content": 1}]), "messages.0.content"),
        (request(messages=[{"role": "tool", "content": "x"}]), "messages.0.role"),
        (request(messages=[{"content": "x"}]), "messages.0.role"),
        (request(messages=said({"text": "x"})), "messages.0.content.0.type"),
        (request(messages=said({"type": 7})), "messages.0.content.0.type"),
        (request(messages=said("x")), "messages.0.content.0"),
        (request(messages=said({"type": "text"})), "messages.0.content.0.text"),
        (
            request(
                messages=said(
                    {"type": "text", "text": "", "cache_control": {"type": "ephemeral", "ttl": "2h"}}
                )
            ),
            "messages.0.content.0.cache_control.ttl",
        ),
        (
            request(messages=said({"type": "image", "source": {"type": "ftp"}})),
            "messages.0.content.0.source.type",
        ),
        (
            request(
                messages=said(
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}
                )
            ),
            "messages.0.content.0.source.data",
        ),
        (
            request(
                messages=said({"type": "tool_use", "id": "a", "name": "b", "input": [1]}, role="assistant")
            ),
            "messages.0.content.0.input",
        ),
        (
            request(
                messages=said({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]})
            ),
            "messages.0.content.0.content.0.text",
        ),
        (request(system=[{"type": "text", "text": 1}]), "system.0.text"),
        (request(tools=[{"name": "f"}]), "tools.0.input_schema"),
        (request(tools=[{"input_schema": {}}]), "tools.0.name"),
        (request(tools=[{"type": 1}]), "tools.0.type"),
        (request(tool_choice={"type": "tool"}), "tool_choice.name"),
        (request(tool_choice={"type": "required"}), "tool_choice.type"),
        (request(thinking={"type": "enabled"}), "thinking.budget_tokens"),
        (request(stop_sequences=["a", 1]), "stop_sequences.1"),
        (request(output_config={"format": {"type": "json_schema"}}), "output_config.format.schema"),
    ],
)
def test_a_refusal_names_the_field_in_anthropics_words(body: bytes, path: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(body)
    assert refused.value.param == path
    assert refused.value.message.startswith(f"{path}: ")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b'{"model":"\xff"}', b"\xff\xfe"])
def test_what_is_no_json_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read(body)


def test_what_is_not_known_is_kept_as_it_came() -> None:
    found = read(
        b'{"model":"m","max_tokens":9,"speed": "fast","thinking":{"type":"adaptive","display":"omitted"},'
        b'"messages":[{"role":"user","content":'
        b'[{"type":"x_block","y":[1, 2]},{"type":"text","text":"a","z": 1}]}]}'
    )
    assert found.vendor == {
        "anthropic_messages": {
            "speed": msgspec.Raw(b'"fast"'),
            "thinking": msgspec.Raw(b'{"display":"omitted"}'),
        }
    }
    opaque, text = found.messages[0].parts
    assert isinstance(opaque, Opaque)
    assert (opaque.type, bytes(opaque.raw)) == ("x_block", b'{"type":"x_block","y":[1, 2]}')
    assert text == Text(text="a", vendor={"anthropic_messages": {"z": msgspec.Raw(b"1")}})


def test_tool_results_come_before_what_the_user_says() -> None:
    parts = (
        read(
            request(
                messages=said(
                    {"type": "text", "text": "first"},
                    {"type": "tool_result", "tool_use_id": "a", "content": "1", "is_error": True},
                    {"type": "tool_result", "tool_use_id": "b"},
                )
            )
        )
        .messages[0]
        .parts
    )
    assert parts == (
        ToolResult(call_id="a", parts=(Text(text="1"),), is_error=True),
        ToolResult(call_id="b", parts=()),
        Text(text="first"),
    )


def test_tool_input_keeps_its_bytes() -> None:
    body = (
        b'{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":'
        b'[{"type":"tool_use","id":"a","name":"f","input":{"b": 1.50,\n"a":"\\u6771"}}]}]}'
    )
    (call,) = read(body).messages[0].parts
    assert call == ToolCall(id="a", name="f", arguments='{"b": 1.50,\n"a":"\\u6771"}')


def test_tools_and_choice() -> None:
    found = read(
        request(
            tools=[
                {"type": "custom", "name": "f", "input_schema": {"type": "object"}, "strict": False},
                {"type": "web_search_20250305", "name": "web_search"},
            ],
            tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        )
    )
    assert found.tools == (
        FunctionTool(name="f", schema=msgspec.Raw(b'{"type":"object"}'), strict=False),
        ProviderTool(
            dialect="anthropic_messages",
            type="web_search_20250305",
            raw=msgspec.Raw(b'{"type":"web_search_20250305","name":"web_search"}'),
        ),
    )
    assert found.tool_choice == ToolChoice(mode="named", name="f")
    assert found.parallel_tool_calls is False


def test_both_ways_to_ask_for_json_mean_the_same() -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    expected = OutputFormat(kind="json_schema", schema=msgspec.Raw(b'{"type":"object"}'))
    assert read(request(output_config={"format": wanted})).output == expected
    assert read(request(output_format=wanted)).output == expected


def test_null_is_the_same_as_leaving_out() -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("system", "tools", "tool_choice", "thinking", "output_config", "metadata", "stream", "container")
    )
    assert read(request(**nothing)) == read(request())


def test_a_system_message_at_the_start_joins_the_instructions() -> None:
    asked = [{"role": "system", "content": "B"}, {"role": "user", "content": "Hi"}]
    found: Request = read(request(system="A", messages=asked))
    assert [message.role for message in found.messages] == ["system", "user"]
    assert found.messages[0].parts == (Text(text="A"), Text(text="B"))
