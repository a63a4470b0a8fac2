"""Writing requests that other dialects' clients asked: what is said, and what is named as lost."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import TargetFacts, Written
from sekisho.core.message import (
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
    Video,
)
from sekisho.core.request import ProviderTool, ReasoningSettings, Request, Sampling
from sekisho.dialects.openai_chat import DIALECT

PLAIN = TargetFacts(model="upstream", count_stream_usage=False)


def write(*messages: Message, target: TargetFacts = PLAIN, **members: Any) -> Written:
    return DIALECT.write_request(Request(model="m", messages=messages, **members), target)


def body(written: Written) -> Any:
    return msgspec.json.decode(written.body)


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def losses(written: Written) -> dict[str, bool]:
    return {loss.field: loss.content for loss in written.losses}


def takes(*extensions: str) -> TargetFacts:
    return TargetFacts(model="upstream", extensions=frozenset(extensions))


def test_a_plain_request_is_compact_and_says_no_more_than_was_asked() -> None:
    written = write(user(Text(text="関所")), max_tokens=9)
    expected = '{"model":"upstream","messages":[{"role":"user","content":"関所"}],"max_tokens":9}'
    assert (written.body.decode(), written.losses) == (expected, ())


def test_usage_is_asked_for_where_metering_needs_it() -> None:
    target = TargetFacts(model="x")
    assert body(write(user(), target=target, stream=True))["stream_options"] == {"include_usage": True}
    assert "stream_options" not in body(write(user(), target=target))


def test_tool_results_become_messages_of_their_own_before_the_rest() -> None:
    result = ToolResult(call_id="c", parts=(Text(text="42"),), is_error=True)
    written = write(user(result, Text(text="and?")))
    assert body(written)["messages"] == [
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        {"role": "user", "content": "and?"},
    ]
    assert losses(written) == {"messages.0.parts.0.is_error": False}


def test_text_stands_before_calls_and_an_answer_of_calls_alone_has_no_content() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    both, alone = body(write(assistant(call, Text(text="x")), assistant(call)))["messages"]
    assert (both["content"], both["tool_calls"][0]["id"], alone["content"]) == ("x", "c", None)


def test_what_cannot_be_said_is_content_or_a_knob() -> None:
    written = write(
        user(
            Image(source=FileRef(id="f")),
            Document(source=Link(url="https://example.com/a.pdf")),
            Opaque(dialect="anthropic_messages", type="search_result", raw=msgspec.Raw(b"{}")),
            Text(text="x", cache=CacheMark()),
        ),
        tools=(ProviderTool(dialect="anthropic_messages", type="web_search", raw=msgspec.Raw(b"{}")),),
        sampling=Sampling(top_k=5),
        cache=CacheMark(ttl="1h"),
        vendor={"anthropic_messages": {"container": msgspec.Raw(b'"c"'), "_note": msgspec.Raw(b"1")}},
    )
    assert losses(written) == {
        "vendor.anthropic_messages.container": False,
        "messages.0.parts.0": True,
        "messages.0.parts.1": True,
        "messages.0.parts.2": True,
        "messages.0.parts.3.cache": False,
        "tools.0": True,
        "sampling.top_k": False,
        "cache": False,
    }


def test_what_the_endpoint_is_known_to_take_is_sent() -> None:
    written = write(
        user(Text(text="x", cache=CacheMark(ttl="1h"))),
        assistant(Reasoning(text="Hm.", signature="s"), Text(text="y")),
        target=takes("top_k", "cache_control", "reasoning_details", "reasoning"),
        sampling=Sampling(top_k=5),
        reasoning=ReasoningSettings(enabled=True, budget_tokens=2048),
    )
    said = body(written)
    assert written.losses == ()
    assert (said["top_k"], said["reasoning"]) == (5, {"max_tokens": 2048})
    assert said["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    detail = {"type": "reasoning.text", "index": 0, "text": "Hm.", "signature": "s"}
    assert said["messages"][1] == {"role": "assistant", "content": "y", "reasoning_details": [detail]}


def test_foreign_thinking_is_dropped_as_a_knob_and_echoed_where_demanded() -> None:
    turn = assistant(Reasoning(text="Hm."), RedactedReasoning(data="x"), Text(text="y"))
    dropped = write(turn)
    assert body(dropped)["messages"] == [{"role": "assistant", "content": "y"}]
    assert losses(dropped) == {"messages.0.parts.0": False, "messages.0.parts.1": False}
    echoed = write(turn, target=takes("reasoning_content"))
    assert body(echoed)["messages"][0]["reasoning_content"] == "Hm."
    assert losses(echoed) == {"messages.0.parts.1": False}


@pytest.mark.parametrize(
    ("settings", "effort", "lost"),
    [
        (ReasoningSettings(effort="xhigh"), "xhigh", []),
        (ReasoningSettings(enabled=True, budget_tokens=1024), "low", ["reasoning.budget_tokens"]),
        (ReasoningSettings(enabled=True, budget_tokens=4096), "medium", ["reasoning.budget_tokens"]),
        (ReasoningSettings(enabled=True, budget_tokens=31_999), "high", ["reasoning.budget_tokens"]),
        (ReasoningSettings(enabled=True), "medium", []),
        (ReasoningSettings(enabled=False), None, ["reasoning"]),
        (ReasoningSettings(adaptive=True), None, ["reasoning"]),
    ],
)
def test_a_budget_of_thinking_becomes_an_effort(
    settings: ReasoningSettings, effort: str | None, lost: list[str]
) -> None:
    written = write(user(), reasoning=settings)
    assert (body(written).get("reasoning_effort"), list(losses(written))) == (effort, lost)


def test_what_a_tool_shows_is_said_by_the_user_after_all_results() -> None:
    image = Image(source=Inline(media_type="image/png", data="AA=="))
    shown = ToolResult(call_id="a", parts=(image,))
    told = ToolResult(call_id="b", parts=(Text(text="42"), image))
    written = write(user(shown, told, Text(text="and?")))
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    assert body(written)["messages"] == [
        {"role": "tool", "tool_call_id": "a", "content": "(The result follows in the next message.)"},
        {"role": "tool", "tool_call_id": "b", "content": "42"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "From the result of the tool call a:"},
                url,
                {"type": "text", "text": "From the result of the tool call b:"},
                url,
                {"type": "text", "text": "and?"},
            ],
        },
    ]
    assert losses(written) == {"messages.0.parts.0.parts": False, "messages.0.parts.1.parts": False}
    inside = write(user(told), target=takes("tool_images"))
    assert body(inside)["messages"][0]["content"] == [{"type": "text", "text": "42"}, url]
    assert inside.losses == ()


def test_videos_and_signatures_of_calls_go_where_they_are_taken() -> None:
    video = user(Video(source=Link(url="https://example.com/a.mp4")))
    call = assistant(ToolCall(id="c", name="f", arguments="{}", signature="s"))
    assert losses(write(video, call)) == {"messages.0.parts.0": True, "messages.1.parts.0.signature": False}
    written = write(video, call, target=takes("video_url", "thought_signature"))
    asked, called = body(written)["messages"]
    assert asked["content"] == [{"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}]
    assert called["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
    assert written.losses == ()


def test_documents_of_plain_text_are_sent_as_text_and_unnamed_files_get_a_name() -> None:
    pdf = Inline(media_type="application/pdf", data="AA==")
    written = write(user(Document(source=PlainText(text="terms")), Document(source=pdf)))
    text, file = body(written)["messages"][0]["content"]
    assert text == {"type": "text", "text": "terms"}
    assert file["file"] == {"filename": "document.pdf", "file_data": "data:application/pdf;base64,AA=="}
    assert not any(losses(written).values())
