"""A body read into the hub, and the hub's request written as a body."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import TargetFacts, Written
from sekisho.core.error import BadRequest
from sekisho.core.message import (
    CacheMark,
    Image,
    Link,
    Message,
    Opaque,
    Reasoning,
    RedactedReasoning,
    Text,
    ToolCall,
    ToolResult,
)
from sekisho.core.request import (
    CustomTool,
    FunctionTool,
    OutputFormat,
    ReasoningSettings,
    Request,
    Sampling,
    ToolChoice,
)
from sekisho.dialects.openai_chat import DIALECT as CHAT
from sekisho.dialects.openai_responses import DIALECT, namespaces

ASKED = Message(role="user", parts=(Text(text="Hi"),))


def read(**found: Any) -> Request:
    return DIALECT.read_request(msgspec.json.encode({"model": "m", "input": "Hi", **found}))


def write(request: Request, *extensions: str) -> tuple[dict[str, Any], Written]:
    written = DIALECT.write_request(request, TargetFacts(model="up", extensions=frozenset(extensions)))
    return msgspec.json.decode(written.body), written


def ask(*messages: Message, **more: Any) -> Request:
    return Request(model="m", messages=messages or (ASKED,), **more)


# --- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input.0.role"),
        ({"input": [{"role": "user"}]}, "input.0.content"),
        ({"input": [{"content": "x"}]}, "input.0.type"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input.0.content.0.type"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input.0.content.0.text"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input.0.content.0"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input.0.call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": ""}]}, "input.0.name"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input.0.output"),
        ({"tools": [{"type": "function"}]}, "tools.0.name"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"text": {"format": {"name": "x"}}}, "text.format.type"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"max_output_tokens": "many"}, "max_output_tokens"),
    ],
)
def test_what_is_wrong_is_named(found: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**found)
    assert caught.value.param == param


def test_broken_base64_is_named_where_it_stands() -> None:
    part = {"type": "input_image", "image_url": "data:image/png;base64,a b"}
    with pytest.raises(BadRequest, match=r"^input\.0\.content\.0\.image_url: not base64"):
        read(input=[{"role": "user", "content": [part]}])


def test_items_of_the_models_that_follow_each_other_are_one_turn() -> None:
    messages = read(
        input=[
            {"role": "user", "content": "Hi"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"},
            {"role": "assistant", "content": "Looking."},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": "2"},
            {"type": "computer_call_output", "call_id": "c3", "output": {}},
            {"type": "function_call_output", "call_id": "c4", "output": "4"},
        ]
    ).messages
    assert [message.role for message in messages] == ["user", "assistant", "user", "user"]
    assert [type(part) for part in messages[1].parts] == [RedactedReasoning, Text, ToolCall, ToolCall]
    assert [type(part) for part in messages[2].parts] == [ToolResult, ToolResult, Opaque]


def test_a_summary_is_one_text_under_its_one_signature() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}],
        "encrypted_content": "E",
    }
    request = read(input=[item, {"role": "user", "content": "Hi"}])
    part = request.messages[0].parts[0]
    assert isinstance(part, Reasoning)
    assert (part.text, part.signature) == ("One.\n\nTwo.", "E")
    assert write(request)[0]["input"][0] == item


@pytest.mark.parametrize(
    ("found", "required"),
    [
        ({}, ()),
        ({"store": False, "background": False, "truncation": "disabled"}, ()),
        ({"store": True}, ("store",)),
        ({"background": True}, ("background",)),
        ({"previous_response_id": "resp_1", "input": None}, ("previous_response_id",)),
        ({"conversation": {"id": "conv_1"}}, ("conversation",)),
        ({"prompt": {"id": "pmpt_1"}, "input": None}, ("prompt",)),
        ({"text": {"format": {"type": "grammar", "grammar": "x"}}}, ("text",)),
    ],
)
def test_what_changes_the_call_is_refused_by_other_dialects(
    found: dict[str, Any], required: tuple[str, ...]
) -> None:
    request = read(**found)
    assert request.required == required
    losses = CHAT.write_request(request, TargetFacts(model="up")).losses
    assert {loss.field for loss in losses if loss.content} == {
        f"vendor.openai_responses.{name}" for name in required
    }
    assert bool(losses) == bool(required), "what says nothing is nothing to lose"


def test_what_a_reader_notes_cannot_be_forged() -> None:
    item = {"type": "reasoning", "summary": [{"text": "a"}], "_cuts": "x", "_item": 1, "_joined": True}
    request = read(input=[item, {"role": "user", "content": "Hi"}])
    assert write(request)[0]["input"][0] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "a"}],
    }


# --- writing for clients of other dialects ---------------------------------------------------------


def test_other_apis_keep_no_answers_and_their_tools_are_lenient() -> None:
    body, written = write(ask(tools=(FunctionTool(name="f", schema=msgspec.Raw(b"{}")),)))
    assert body == {
        "model": "up",
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": False}],
        "store": False,
    }
    assert not written.losses


def test_strict_is_left_out_where_this_apis_client_left_it_out() -> None:
    request = read(tools=[{"type": "function", "name": "f", "parameters": {}}])
    body, _ = write(request)
    assert body["tools"] == [{"type": "function", "name": "f", "parameters": {}}]
    assert "store" not in body


@pytest.mark.parametrize(
    ("settings", "sent", "include"),
    [
        (None, None, None),
        (ReasoningSettings(effort="high"), {"effort": "high"}, ["reasoning.encrypted_content"]),
        (
            ReasoningSettings(enabled=True, budget_tokens=10_000),
            {"effort": "medium"},
            ["reasoning.encrypted_content"],
        ),
        (ReasoningSettings(enabled=False), None, None),
    ],
)
def test_reasoning_goes_on_in_the_next_turn(
    settings: ReasoningSettings | None, sent: dict[str, str] | None, include: list[str] | None
) -> None:
    body, _ = write(ask(reasoning=settings))
    assert (body.get("reasoning"), body.get("include")) == (sent, include)


def test_a_first_system_text_is_the_instructions_and_others_are_items() -> None:
    system = Message(role="system", parts=(Text(text="Be brief."),))
    body, _ = write(ask(system, ASKED, system))
    assert body["instructions"] == "Be brief."
    assert [item["role"] for item in body["input"]] == ["user", "system"]
    several = Message(role="system", parts=(Text(text="a"), Text(text="b")))
    body, _ = write(ask(several, ASKED))
    assert "instructions" not in body
    assert body["input"][0]["content"] == [
        {"type": "input_text", "text": "a"},
        {"type": "input_text", "text": "b"},
    ]


def test_only_thinking_that_the_provider_can_read_goes_back() -> None:
    said = Message(
        role="assistant",
        parts=(
            Reasoning(text="plain"),
            Reasoning(text="signed", signature="E"),
            Text(text="a"),
            Text(text="b"),
        ),
    )
    body, written = write(ask(ASKED, said, ASKED))
    assert [loss.field for loss in written.losses] == ["messages.1.parts.0"]
    assert body["input"][1:3] == [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "signed"}],
            "encrypted_content": "E",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "output_text", "text": "b", "annotations": []},
            ],
        },
    ]
    body, written = write(ask(ASKED, said, ASKED), "reasoning_content")
    assert not written.losses
    assert body["input"][1]["content"] == [{"type": "reasoning_text", "text": "plain"}]


def test_the_output_of_a_custom_tool_is_known_by_its_call() -> None:
    called = Message(
        role="assistant", parts=(ToolCall(id="c1", name="q", arguments="SELECT 1", custom=True),)
    )
    result = Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="1"),)),))
    body, _ = write(ask(ASKED, called, result))
    assert body["input"][1:] == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "q", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
    ]


def test_a_grammar_is_flat_here_and_nested_in_the_hub() -> None:
    nested = b'{"type":"grammar","grammar":{"syntax":"lark","definition":"start: A"}}'
    request = ask(
        tools=(CustomTool(name="q", format=msgspec.Raw(nested)),),
        tool_choice=ToolChoice(mode="named", name="q"),
    )
    body, _ = write(request)
    assert body["tools"][0]["format"] == {"type": "grammar", "syntax": "lark", "definition": "start: A"}
    assert body["tool_choice"] == {"type": "custom", "name": "q"}
    again = read(tools=body["tools"]).tools[0]
    assert isinstance(again, CustomTool)
    assert again.format == msgspec.Raw(nested)


def test_what_the_api_cannot_say_is_named() -> None:
    request = ask(
        Message(role="user", name="ann", parts=(Text(text="Hi", cache=CacheMark(ttl="1h")),)),
        Message(role="assistant", parts=(Image(source=Link(url="https://example.com/a.png")),)),
        stop=("END",),
        choices=2,
        max_tokens=1,
        sampling=Sampling(seed=1, top_k=5, logprobs=True),
        output=OutputFormat(kind="json_schema", schema=msgspec.Raw(b"{}")),
        cache=CacheMark(),
    )
    body, written = write(request, "top_k")
    assert {loss.field: loss.content for loss in written.losses} == {
        "messages.0.name": False,
        "messages.0.parts.0.cache": False,
        "messages.1.parts.0": True,
        "stop": False,
        "choices": True,
        "max_tokens": False,
        "sampling.seed": False,
        "cache": False,
    }
    assert (body["max_output_tokens"], body["top_k"]) == (16, 5)
    assert body["include"] == ["message.output_text.logprobs"]
    assert body["text"]["format"] == {"type": "json_schema", "name": "response", "schema": {}}


# --- namespaces ------------------------------------------------------------------------------------

SPAWN = {"type": "function", "name": "spawn_agent", "description": "Starts an agent.", "strict": False}
GROUPED = {
    "type": "namespace",
    "name": "collaboration",
    "description": "Tools for other agents.",
    "tools": [{**SPAWN, "parameters": {"type": "object", "properties": {}}}],
}


def test_tools_of_a_namespace_reach_other_apis_one_by_one_under_a_name_that_can_be_taken_apart() -> None:
    request = read(tools=[GROUPED])
    tool = request.tools[0]
    assert isinstance(tool, FunctionTool)
    assert tool.name == "ns13_collaboration_spawn_agent"
    assert tool.description == "Tools for other agents.\n\nStarts an agent."
    assert not CHAT.write_request(request, TargetFacts(model="up")).losses
    body, written = write(request)
    assert body["tools"] == [GROUPED]
    assert not written.losses


def test_a_namespace_whose_names_are_too_long_together_is_named_as_lost() -> None:
    request = read(tools=[{**GROUPED, "name": "mcp__" + "x" * 50}])
    losses = CHAT.write_request(request, TargetFacts(model="up")).losses
    assert [(loss.field, loss.content) for loss in losses] == [("tools.0", True)]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ns13_collaboration_spawn_agent", ("collaboration", "spawn_agent")),
        ("ns11_mcp__gate___look_up", ("mcp__gate__", "look_up")),
        ("ns3_abc", (None, "ns3_abc")),
        ("ns3_abc_", (None, "ns3_abc_")),
        ("ns_abc_d", (None, "ns_abc_d")),
        ("shell", (None, "shell")),
    ],
)
def test_only_names_of_our_making_are_taken_apart(name: str, parts: tuple[str | None, str]) -> None:
    assert namespaces.parted(name) == parts
    assert namespaces.joined(*parts) == name


def test_a_call_of_another_apis_model_names_its_namespace() -> None:
    call = ToolCall(id="call_1", name="ns13_collaboration_spawn_agent", arguments="{}")
    body, _ = write(ask(ASKED, Message(role="assistant", parts=(call,))))
    assert body["input"][1]["name"] == "spawn_agent"
    assert body["input"][1]["namespace"] == "collaboration"


# --- what both of OpenAI's APIs have ---------------------------------------------------------------


def test_metadata_and_the_key_of_the_cache_pass_between_both_apis_where_the_endpoint_takes_them() -> None:
    said = {"metadata": {"trip": "7"}, "prompt_cache_key": "agent-7"}
    known = TargetFacts(model="up", extensions=frozenset(said))
    request = read(**said)
    assert msgspec.json.decode(CHAT.write_request(request, known).body).items() >= said.items()
    refused = CHAT.write_request(request, TargetFacts(model="up"))
    assert {loss.field for loss in refused.losses} == {"metadata", "cache_key"}
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **said}
    chat = CHAT.read_request(msgspec.json.encode(asked))
    assert write(chat, "prompt_cache_key")[0].items() >= said.items()
    assert [loss.field for loss in write(chat)[1].losses] == ["cache_key"]
