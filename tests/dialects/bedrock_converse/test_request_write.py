"""What a request becomes, so that Bedrock and the model behind it take it."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import TargetFacts
from sekisho.core.message import (
    Audio,
    CacheMark,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Message,
    Opaque,
    Part,
    PlainText,
    Reasoning,
    RedactedReasoning,
    Text,
    ToolCall,
    ToolResult,
)
from sekisho.core.request import (
    FunctionTool,
    OutputFormat,
    ReasoningSettings,
    Request,
    Sampling,
    ToolChoice,
)
from sekisho.dialects.bedrock_converse import DIALECT

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OPUS = "global.anthropic.claude-opus-4-8"
NOVA, NOVA_2 = "amazon.nova-pro-v1:0", "us.amazon.nova-2-lite-v1:0"
LLAMA, GPT, DEEPSEEK = "us.meta.llama4-scout-v1:0", "openai.gpt-oss-120b-1:0", "us.deepseek.r1-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc"
TOOL = FunctionTool(name="look", schema=msgspec.Raw(b'{"type":"object"}'))
MARK = {"cachePoint": {"type": "default"}}


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def text(words: str, **more: Any) -> Text:
    return Text(text=words, **more)


HI = user(text("Hi"))
CALLED = (
    user(text("Look.")),
    assistant(ToolCall(id="a", name="look", arguments="{}")),
    user(ToolResult(call_id="a", parts=(text("nothing"),))),
)


def sent(model: str, *messages: Message, **more: Any) -> tuple[Any, set[str]]:
    """(body, fields of the losses)."""
    request = Request(model="m", messages=messages or (HI,), **more)
    written = DIALECT.write_request(request, TargetFacts(model=model))
    return msgspec.json.decode(written.body), {loss.field for loss in written.losses}


# --- turns ----------------------------------------------------------------------------------------


def test_neighbours_of_one_role_become_one_turn_results_first() -> None:
    body, _ = sent(
        SONNET,
        user(text("a")),
        user(text("b")),
        assistant(ToolCall(id="x", name="look", arguments="{}")),
        assistant(ToolCall(id="y", name="look", arguments="")),
        user(text("c"), ToolResult(call_id="x", parts=(text("1"),))),
        user(ToolResult(call_id="y", parts=())),
        tools=(TOOL,),
    )
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [next(iter(block)) for block in body["messages"][2]["content"]] == [
        "toolResult",
        "toolResult",
        "text",
    ]
    assert body["messages"][1]["content"][1]["toolUse"]["input"] == {}


def test_blank_texts_are_left_out_and_an_empty_turn_says_so() -> None:
    body, losses = sent(SONNET, user(text("a"), text(" \n")), assistant(text("")), user(text("b")))
    assert [turn["content"] for turn in body["messages"]] == [
        [{"text": "a"}],
        [{"text": "(no content)"}],
        [{"text": "b"}],
    ]
    assert losses == {"messages.0.parts.1"}


@pytest.mark.parametrize("model", [SONNET, PROFILE])
def test_later_instructions_go_marked_with_the_users_turn(model: str) -> None:
    body, losses = sent(
        model, HI, Message(role="developer", parts=(text("Be brief."),)), assistant(text("Yes."))
    )
    assert body["messages"][0]["content"][1] == {"text": "<system>\nBe brief.\n</system>"}
    assert losses == {"messages.1.role"}


def test_instructions_are_text_only() -> None:
    picture = Image(source=Inline(media_type="image/png", data="aGk="))
    body, losses = sent(SONNET, Message(role="system", parts=(text("a"), picture)), HI)
    assert body["system"] == [{"text": "a"}]
    assert losses == {"messages.0.parts.1"}


# --- tools ----------------------------------------------------------------------------------------


def test_a_history_of_tools_without_tools_gets_a_placeholder_that_never_changes() -> None:
    short, _ = sent(SONNET, *CALLED)
    long, _ = sent(SONNET, *CALLED, assistant(text("Done.")), *CALLED)
    assert len(short["toolConfig"]["tools"]) == 1
    assert short["toolConfig"] == long["toolConfig"]


def test_no_tool_may_be_called_means_that_none_is_offered() -> None:
    body, losses = sent(SONNET, tools=(TOOL,), tool_choice=ToolChoice(mode="none"))
    assert "toolConfig" not in body
    assert losses == {"tools", "tool_choice"}
    body, _ = sent(SONNET, *CALLED, tools=(TOOL,), tool_choice=ToolChoice(mode="none"))
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["no_tool_available"]


@pytest.mark.parametrize("arguments", ['{"cut": [1, "of', "[1]", '"text"', "null"])
def test_arguments_that_are_no_object_go_as_text(arguments: str) -> None:
    body, _ = sent(SONNET, HI, assistant(ToolCall(id="a", name="look", arguments=arguments)), tools=(TOOL,))
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {"INVALID_JSON": arguments}


def test_a_failed_tool_says_something() -> None:
    body, _ = sent(SONNET, user(ToolResult(call_id="a", parts=(), is_error=True)), tools=(TOOL,))
    result = body["messages"][0]["content"][0]["toolResult"]
    assert result == {"toolUseId": "a", "content": [{"text": "(no content)"}], "status": "error"}


# --- content --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image(source=Inline(media_type="image/jpg", data="aGk=")), {"image": {"format": "jpeg"}}),
        (
            Document(source=Inline(media_type="text/markdown; charset=utf-8", data="aGk="), title="a"),
            {"document": {"format": "md"}},
        ),
        (Audio(source=Inline(media_type="audio/x-wav", data="aGk=")), {"audio": {"format": "wav"}}),
        (Image(source=Link(url="s3://bucket/cat.JPG")), {"image": {"format": "jpeg"}}),
        (Document(source=PlainText(text="a")), {"document": {"format": "txt"}}),
    ],
)
def test_media_types_become_formats(part: Part, block: Any) -> None:
    body, losses = sent(SONNET, user(text("x"), part))
    written = body["messages"][0]["content"][1]
    (kind,) = block
    assert written[kind]["format"] == block[kind]["format"]
    assert not losses


@pytest.mark.parametrize(
    "part",
    [
        Image(source=Link(url="https://example.com/a.png")),
        Image(source=Link(url="s3://bucket/nameless")),
        Image(source=Inline(media_type="image/tiff", data="aGk=")),
        Document(source=FileRef(id="file_1")),
        Opaque(dialect="anthropic_messages", type="x", raw=msgspec.Raw(b"{}")),
        ToolCall(id="a", name="b", arguments="free", custom=True),
    ],
)
def test_content_that_has_no_place_is_named(part: Part) -> None:
    request = Request(model="m", messages=(user(text("x"), part),))
    losses = DIALECT.write_request(request, TargetFacts(model=SONNET)).losses
    assert [(loss.field, loss.content) for loss in losses] == [("messages.0.parts.1", True)]


def test_names_of_documents_are_plain_and_different_and_never_change() -> None:
    def document(title: str | None) -> Document:
        return Document(source=PlainText(text="a"), title=title)

    titles = ["Report v1.2.pdf", None, None, "report v1 2", "報告書.pdf", "a  b", "ok (1) [x]"]
    parts = [document(title) for title in titles]
    body, losses = sent(SONNET, user(*parts))
    names = [block["document"]["name"] for block in body["messages"][0]["content"]]
    assert names == [
        "Report v1 2",
        "document",
        "document 2",
        "report v1 2 2",
        "document 3",
        "a b",
        "ok (1) [x]",
    ]
    assert losses == {f"messages.0.parts.{at}.title" for at in (0, 3, 4, 5)}
    before, _ = sent(SONNET, user(*parts[:4]))
    assert before["messages"][0]["content"] == body["messages"][0]["content"][:4]


# --- thinking -------------------------------------------------------------------------------------


def test_thinking_goes_back_to_those_who_take_it() -> None:
    unsigned, signed = Reasoning(text="a"), Reasoning(text="b", signature="s")
    encrypted = RedactedReasoning(data="aGk=")
    turns = (
        HI,
        assistant(unsigned, signed, encrypted, RedactedReasoning(data="not base64"), text("Yes.")),
        HI,
    )
    _, losses = sent(SONNET, *turns)
    assert losses == {"messages.1.parts.0", "messages.1.parts.3"}
    body, losses = sent(GPT, *turns)
    assert losses == {"messages.1.parts.3"}
    assert body["messages"][1]["content"][0] == {"reasoningContent": {"reasoningText": {"text": "a"}}}
    body, losses = sent(DEEPSEEK, *turns)
    assert body["messages"][1]["content"] == [{"text": "Yes."}]


@pytest.mark.parametrize(
    ("model", "wish", "fields", "effort"),
    [
        (
            SONNET,
            {"enabled": True, "budget_tokens": 2048},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            None,
        ),
        (SONNET, {"effort": "low"}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}, None),
        (OPUS, {"effort": "high"}, None, "high"),
        (OPUS, {"enabled": True, "budget_tokens": 2048}, {"thinking": {"type": "adaptive"}}, "low"),
        (
            NOVA_2,
            {"effort": "medium"},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
            None,
        ),
        (NOVA_2, {"enabled": False}, {"reasoningConfig": {"type": "disabled"}}, None),
        (GPT, {"effort": "minimal"}, {"reasoning_effort": "low"}, None),
        (NOVA, {"effort": "high"}, None, None),
        (LLAMA, {"effort": "high"}, None, None),
    ],
)
def test_a_wish_for_thinking_is_said_in_the_models_words(
    model: str, wish: Any, fields: Any, effort: str | None
) -> None:
    body, _ = sent(model, reasoning=ReasoningSettings(**wish), max_tokens=16_000)
    assert body.get("additionalModelRequestFields") == fields
    assert body.get("outputConfig", {}).get("effort") == effort


def test_novas_highest_effort_takes_no_limits() -> None:
    body, losses = sent(
        NOVA_2,
        reasoning=ReasoningSettings(effort="high"),
        max_tokens=100,
        sampling=Sampling(temperature=0.5, top_k=5),
    )
    assert "inferenceConfig" not in body
    assert losses == {"max_tokens", "sampling.temperature", "sampling.top_k"}


def test_sampling_is_what_the_model_takes() -> None:
    knobs = Sampling(temperature=1.5, top_p=0.5, top_k=5, seed=1)
    body, losses = sent(LLAMA, sampling=knobs)
    assert body["inferenceConfig"] == {"temperature": 1.0, "topP": 0.5}
    assert losses == {"sampling.temperature", "sampling.top_k", "sampling.seed"}
    body, _ = sent(NOVA, sampling=knobs)
    assert body["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 5}}
    body, losses = sent(OPUS, sampling=knobs)
    assert "inferenceConfig" not in body
    assert {"sampling.temperature", "sampling.top_p", "sampling.top_k"} <= losses


# --- caching --------------------------------------------------------------------------------------


def marked(ttl: Any) -> dict[str, Any]:
    mark = CacheMark(ttl=ttl)
    return {
        "messages": (Message(role="system", parts=(text("s", cache=mark),)), user(text("a", cache=mark))),
        "tools": (msgspec.structs.replace(TOOL, cache=mark),),
    }


def test_marks_become_cache_points_where_the_model_caches() -> None:
    given = marked("1h")
    long = {"cachePoint": {"type": "default", "ttl": "1h"}}
    body, losses = sent(SONNET, *given.pop("messages"), **given)
    assert (body["system"][1], body["messages"][0]["content"][1]) == (long, long)
    assert body["toolConfig"]["tools"][1] == long
    assert not losses
    given = marked("1h")
    body, losses = sent(NOVA, *given.pop("messages"), **given)
    assert (body["system"][1], body["messages"][0]["content"][1]) == (MARK, MARK)
    assert len(body["toolConfig"]["tools"]) == 1
    assert losses == {"messages.0.parts.0.cache", "messages.1.parts.0.cache", "tools.0.cache"}
    given = marked(None)
    body, losses = sent(LLAMA, *given.pop("messages"), **given)
    assert b"cachePoint" not in msgspec.json.encode(body)
    assert losses == {"messages.0.parts.0.cache", "messages.1.parts.0.cache", "tools.0.cache"}


def test_a_mark_on_the_whole_request_goes_behind_its_last_turn() -> None:
    body, losses = sent(SONNET, cache=CacheMark())
    assert body["messages"][-1]["content"] == [{"text": "Hi"}, MARK]
    assert losses == {"cache"}


# --- forms ----------------------------------------------------------------------------------------


def test_a_schema_goes_as_text_and_json_without_one_is_refused() -> None:
    schema = msgspec.Raw(b'{"type":"object"}')
    body, _ = sent(SONNET, output=OutputFormat(kind="json_schema", name="n", schema=schema))
    assert body["outputConfig"]["textFormat"] == {
        "type": "json_schema",
        "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "n"}},
    }
    _, losses = sent(SONNET, output=OutputFormat(kind="json_object"))
    assert losses == {"output"}


@pytest.mark.parametrize(
    ("tier", "sent_as"),
    [("flex", "flex"), ("standard_only", "default"), ("priority", "priority"), ("auto", None)],
)
def test_service_tiers(tier: str, sent_as: str | None) -> None:
    body, losses = sent(SONNET, service_tier=tier)
    assert body.get("serviceTier") == (None if sent_as is None else {"type": sent_as})
    assert losses == (set() if sent_as else {"service_tier"})
