"""Writing requests that came in another dialect."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import TargetFacts, Written
from sekisho.core.message import (
    Audio,
    CacheMark,
    Document,
    Image,
    Inline,
    Link,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from sekisho.core.request import (
    CustomTool,
    FunctionTool,
    OutputFormat,
    ProviderTool,
    Request,
    Sampling,
    ToolChoice,
)
from sekisho.dialects.anthropic_messages.request_write import write

OLD = TargetFacts(model="claude-sonnet-4-5")
NEW = TargetFacts(model="claude-opus-5-5")


def message(role: Role, *parts: Part | str) -> Message:
    return Message(
        role=role, parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    )


def request(*messages: Message, **more: Any) -> Request:
    return Request(model="any", messages=messages or (message("user", "Hi"),), **more)


def body(written: Written) -> Any:
    return msgspec.json.decode(written.body)


def named(written: Written) -> dict[str, bool]:
    return {loss.field: loss.content for loss in written.losses}


@pytest.mark.parametrize(
    ("asked", "known", "sent"), [(7, 100, 7), (None, 100, 100), (None, None, 4096), (0, None, 0)]
)
def test_max_tokens_is_the_clients_or_the_models_or_4096(
    asked: int | None, known: int | None, sent: int
) -> None:
    written = write(request(max_tokens=asked), TargetFacts(model="x", max_output=known))
    assert body(written)["max_tokens"] == sent


def test_instructions_at_the_start_become_the_system_prompt() -> None:
    one = write(request(message("developer", "Be brief."), message("user", "Hi")), OLD)
    assert body(one)["system"] == "Be brief."
    two = write(request(message("system", "A"), message("developer", "B"), message("user", "Hi")), OLD)
    assert body(two)["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert body(two)["messages"] == [{"role": "user", "content": "Hi"}]


def test_later_instructions_move_behind_the_turn_they_stand_in() -> None:
    talk = (
        message("user", "1"),
        message("assistant", "2"),
        message("system", "A"),
        message("user", "3"),
        message("developer", "B"),
    )
    written = write(request(*talk), NEW)
    assert body(written)["messages"][2:] == [
        {"role": "user", "content": "3"},
        {"role": "system", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]},
    ]
    assert written.losses == ()


@pytest.mark.parametrize("target", [OLD, TargetFacts(model="us.anthropic.claude-opus-4-8-v1:0")])
def test_models_without_system_turns_get_a_marked_user_turn(target: TargetFacts) -> None:
    written = write(request(message("user", "1"), message("system", "A"), message("assistant", "2")), target)
    assert body(written)["messages"][1] == {"role": "user", "content": "<system>\nA\n</system>"}
    assert named(written) == {"messages.1.role": False}


def test_an_instruction_without_a_user_turn_before_it_is_marked_too() -> None:
    written = write(request(message("user", "1"), message("assistant", "2"), message("system", "A")), NEW)
    assert body(written)["messages"][2] == {"role": "user", "content": "<system>\nA\n</system>"}


def test_results_of_parallel_calls_stand_in_one_message() -> None:
    calls = (ToolCall(id="a", name="f", arguments=""), ToolCall(id="b", name="f", arguments='{"x": 1}'))
    results = [message("user", ToolResult(call_id=call.id, parts=(Text(text=call.id),))) for call in calls]
    written = write(
        request(message("user", "Go"), message("assistant", "", *calls), *results, message("user", "Now?")),
        NEW,
    )
    assert body(written)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {"x": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "a"},
                {"type": "tool_result", "tool_use_id": "b", "content": "b"},
            ],
        },
        {"role": "user", "content": "Now?"},
    ]


@pytest.mark.parametrize("broken", ['{"a": 1', "[1]", "7", "null", '"x"', "{} {}"])
def test_arguments_that_are_no_object_travel_as_text(broken: str) -> None:
    call = ToolCall(id="a", name="f", arguments=broken)
    written = write(request(message("user", "Go"), message("assistant", call)), NEW)
    assert body(written)["messages"][1]["content"][0]["input"] == {"INVALID_JSON": broken}


def test_unsigned_thinking_and_empty_turns_are_left_out() -> None:
    talk = (message("user", "1"), message("assistant", Reasoning(text="hm")), message("assistant", ""))
    written = write(request(*talk, message("user", "2")), NEW)
    assert [turn["content"] for turn in body(written)["messages"]] == ["1", "2"]
    assert named(written) == {"messages.1.parts.0": False}


def test_a_refusal_in_the_history_is_said_as_text() -> None:
    written = write(request(message("user", "1"), message("assistant", Refusal(text="No."))), NEW)
    assert body(written)["messages"][1]["content"] == [{"type": "text", "text": "No."}]


@pytest.mark.parametrize(
    "part",
    [
        Audio(source=Inline(media_type="audio/wav", data="")),
        Document(source=Inline(media_type="text/csv", data="")),
        Image(source=Inline(media_type="image/tiff", data="AA==")),
        ToolResult(call_id="a", parts=(Image(source=Inline(media_type="image/bmp", data="AA==")),)),
        Opaque(dialect="openai_chat", type="x", raw=msgspec.Raw(b"{}")),
        ToolCall(id="a", name="f", arguments="x", custom=True),
        ToolResult(call_id="a", parts=(Audio(source=Link(url="x")),)),
    ],
)
def test_content_that_cannot_be_said_is_never_lost_in_silence(part: Part) -> None:
    written = write(request(message("user", "Hi", part)), NEW)
    (loss,) = written.losses
    assert loss.content
    assert loss.field.startswith("messages.0.parts.1")


def test_what_has_no_place_beside_a_call_or_a_schema_is_named() -> None:
    call = ToolCall(id="a", name="f", arguments="{}", signature="s")
    schema = msgspec.Raw(b'{"type":"object"}')
    output = OutputFormat(kind="json_schema", name="n", description="d", schema=schema)
    written = write(request(message("user", "Hi"), message("assistant", call), output=output), NEW)
    assert named(written) == {
        "output.name": False,
        "output.description": False,
        "messages.1.parts.0.signature": False,
    }


def test_tools_that_cannot_be_said_are_never_lost_in_silence() -> None:
    tools = (
        CustomTool(name="c"),
        ProviderTool(dialect="openai_chat", type="web_search", raw=msgspec.Raw(b"{}")),
        FunctionTool(name="f"),
    )
    written = write(request(tools=tools), NEW)
    assert named(written) == {"tools.0": True, "tools.1": True}
    assert body(written)["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        (b'{"properties": {}}', b'{"type":"object","properties":{}}'),
        (b"true", b'{"type":"object","properties":{}}'),
        (b'{"type": "object" }', b'{"type": "object" }'),
    ],
)
def test_a_tools_schema_says_that_it_is_an_objects(schema: bytes, sent: bytes) -> None:
    written = write(request(tools=(FunctionTool(name="f", schema=msgspec.Raw(schema)),)), NEW)
    assert b'"input_schema":' + sent in written.body


def test_knobs_that_anthropic_lacks_are_named() -> None:
    sampling = Sampling(seed=1, presence_penalty=0.1, frequency_penalty=0.1, logprobs=True, verbosity="low")
    written = write(request(sampling=sampling, service_tier="flex", stop=("\n", "END")), NEW)
    assert set(named(written)) == {
        "sampling.seed",
        "sampling.presence_penalty",
        "sampling.frequency_penalty",
        "sampling.logprobs",
        "sampling.verbosity",
        "service_tier",
        "stop",
    }
    assert not any(named(written).values())
    assert body(written)["stop_sequences"] == ["END"]


def test_what_changes_the_answers_shape_is_content() -> None:
    written = write(request(choices=2, output=OutputFormat(kind="json_object")), NEW)
    assert named(written) == {"choices": True, "output": True}


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        (
            "claude-3-5-haiku-latest",
            {"temperature": 1.7, "top_p": 0.5, "top_k": 3},
            {"temperature": 1.0, "top_p": 0.5, "top_k": 3},
        ),
        ("claude-haiku-4-5", {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5}),
        ("claude-opus-4-6", {"temperature": 0.5}, {"temperature": 0.5}),
        ("claude-opus-4-7", {"temperature": 1.0, "top_p": 0.5, "top_k": 3}, {}),
        ("claude-sonnet-5", {"temperature": 0.5}, {}),
        ("deepseek-chat", {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
    ],
)
def test_sampling_follows_the_models_rules(model: str, asked: dict[str, Any], sent: dict[str, Any]) -> None:
    written = write(request(sampling=Sampling(**asked)), TargetFacts(model=model))
    found = {
        name: value for name, value in body(written).items() if name in ("temperature", "top_p", "top_k")
    }
    assert found == sent
    changed = {f"sampling.{name}" for name, value in asked.items() if sent.get(name) != value}
    assert set(named(written)) == changed


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="required"), None, {"type": "any"}),
        (
            ToolChoice(mode="named", name="f"),
            False,
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        (ToolChoice(mode="none"), None, {"type": "none"}),
    ],
)
def test_tool_choice(choice: ToolChoice | None, parallel: bool | None, sent: object) -> None:
    asked = request(tools=(FunctionTool(name="f"),), tool_choice=choice, parallel_tool_calls=parallel)
    written = write(asked, NEW)
    assert body(written).get("tool_choice") == sent
    assert written.losses == ()
    without = write(msgspec.structs.replace(asked, tools=(), tool_choice=None), NEW)
    assert "tool_choice" not in body(without) or parallel is False


def test_marks_and_names() -> None:
    text = Text(text="Hi", cache=CacheMark(ttl="1h"))
    image = Image(source=Link(url="https://example.com/a.png"), detail="high")
    asked = Message(role="user", name="ada", parts=(text, image))
    written = write(request(asked, user="u-1"), NEW)
    assert body(written)["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert body(written)["metadata"] == {"user_id": "u-1"}
    assert named(written) == {"messages.0.name": False, "messages.0.parts.1.detail": False}


def test_a_growing_conversation_keeps_its_bytes() -> None:
    short = request(message("system", "S"), message("user", "1"), message("system", "A"))
    long = request(*short.messages, message("assistant", "2"), message("user", "3"))
    before, after = write(short, NEW).body, write(long, NEW).body
    assert after.startswith(before.removesuffix(b"]}"))
