"""Whole answers, and the official SDK's own models as judge of what is written."""

from pathlib import Path
from typing import Any

import msgspec
import pydantic
import pytest
from openai.types.responses import Response

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed, ProviderFailed, Throttled
from sekisho.core.message import (
    Audio,
    Image,
    Inline,
    Link,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Video,
)
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.usage import Usage
from sekisho.dialects import anthropic_messages, openai_chat
from sekisho.dialects.openai_responses import DIALECT
from sekisho.testkit import golden

ROOT = Path(__file__).parents[2] / "golden"
SOURCES = (DIALECT, openai_chat.DIALECT, anthropic_messages.DIALECT)
NOW = ReplyOptions(created=1_763_740_800)


def answer(*parts: Any, why: Finish | None = None, **more: Any) -> Reply:
    return Reply(
        id="chatcmpl-1",
        model="up",
        choices=(Choice(parts=parts, finish=why or Finish(reason="stop")),),
        **more,
    )


def written(reply: Reply, options: ReplyOptions = NOW) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(DIALECT.write_reply(reply, options))
    return body


def body(**found: Any) -> bytes:
    return msgspec.json.encode({"id": "resp_1", "model": "m", "status": "completed", "output": [], **found})


@pytest.mark.parametrize(
    ("source", "case"),
    [
        pytest.param(source, case, id=f"{source.name}-{case.name}")
        for source in SOURCES
        for case in golden.cases(ROOT, source.name)
        if case.reply is not None
    ],
)
def test_the_official_sdk_takes_every_answer(source: Any, case: golden.Case) -> None:
    reply = source.read_reply(case.reply)
    pydantic.TypeAdapter(Response).validate_json(DIALECT.write_reply(reply, NOW), strict=True)


def test_parts_of_other_dialects_become_items_with_stable_ids() -> None:
    reply = answer(
        Reasoning(text="Hm.", signature="E"),
        Text(text="One."),
        Text(text="Two."),
        ToolCall(id="call_1", name="f", arguments="{}"),
        ToolCall(id="call_2", name="q", arguments="x", custom=True),
        why=Finish(reason="tool_calls"),
    )
    output = written(reply)["output"]
    assert [item["type"] for item in output] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
    ]
    assert [item["id"].split("_")[0] for item in output] == ["rs", "msg", "fc", "ctc"]
    assert len({item["id"] for item in output}) == len(output)
    assert all(len(item["id"]) <= 64 for item in output)
    assert output[0]["encrypted_content"] == "E"
    assert [part["text"] for part in output[1]["content"]] == ["One.", "Two."]
    assert output[2]["call_id"] == "call_1"
    assert written(reply)["output"] == output


def test_what_a_client_cannot_be_told_is_left_out_and_speech_is_told_by_its_transcript() -> None:
    png = Inline(media_type="image/webp", data="aGk=")
    output = written(
        answer(
            Audio(source=png, transcript="Spoken."),
            Image(source=png),
            Image(source=Link(url="https://example.com/a.png")),
            Video(source=png),
            Opaque(dialect="other", type="x", raw=msgspec.Raw(b"{}")),
        )
    )["output"]
    assert [item["type"] for item in output] == ["message", "image_generation_call"]
    assert output[0]["content"][0]["text"] == "Spoken."
    assert (output[1]["result"], output[1]["output_format"]) == ("aGk=", "webp")


@pytest.mark.parametrize(
    ("why", "status", "details", "last"),
    [
        (Finish(reason="stop"), "completed", None, "completed"),
        (Finish(reason="length"), "incomplete", {"reason": "max_output_tokens"}, "incomplete"),
        (Finish(reason="content_filter"), "incomplete", {"reason": "content_filter"}, "incomplete"),
        (Finish(reason="refusal"), "incomplete", {"reason": "content_filter"}, "incomplete"),
        (Finish(reason="pause", native="pause_turn"), "completed", None, "completed"),
    ],
)
def test_an_answer_that_was_cut_off_says_so_and_so_does_its_last_item(
    why: Finish, status: str, details: Any, last: str
) -> None:
    found = written(answer(Text(text="a"), ToolCall(id="c", name="f", arguments='{"a'), why=why))
    assert (found["status"], found["incomplete_details"]) == (status, details)
    assert [item["status"] for item in found["output"]] == ["completed", last]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({}, Finish(reason="stop")),
        ({"status": None}, Finish(reason="stop")),
        ({"status": "incomplete"}, Finish(reason="length")),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            Finish(reason="content_filter"),
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "steered"}},
            Finish(reason="pause", native="steered"),
        ),
        ({"status": "queued"}, Finish(reason="pause", native="queued")),
        (
            {"output": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}]},
            Finish(reason="tool_calls"),
        ),
    ],
)
def test_why_an_answer_ended(found: dict[str, Any], why: Finish) -> None:
    assert DIALECT.read_reply(body(**found)).choices[0].finish == why


def test_a_refusal_is_content_and_thinking_of_which_nothing_is_shown_is_opaque() -> None:
    refused = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    hidden = {"type": "reasoning", "id": "rs_1", "summary": []}
    parts = DIALECT.read_reply(body(output=[hidden, refused])).choices[0].parts
    assert [type(part) for part in parts] == [Opaque, Refusal]


def test_counts_overlap_on_the_wire_and_not_in_the_hub() -> None:
    counts = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 150,
    }
    found = DIALECT.read_reply(body(usage=counts)).usage
    assert found == Usage(input=10, cache_read=60, cache_write=30, output=50, reasoning=20)
    assert written(answer(usage=found))["usage"] == counts


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (
            {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow down."}},
            Throttled,
        ),
        ({"status": "failed"}, ProviderFailed),
        ({"status": "cancelled"}, ProviderFailed),
        ({"output": None, "status": None}, Malformed),
    ],
)
def test_an_answer_that_is_none_is_the_providers_error(found: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        DIALECT.read_reply(body(**found))
    with pytest.raises(kind):
        DIALECT.unary_tap(body(**found), NOW)


def test_shapes_that_cannot_be_understood_pass_unmeasured() -> None:
    data = body(
        output=[
            {"type": "function_call"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        ]
    )
    with pytest.raises(Malformed):
        DIALECT.read_reply(data)
    facts, relayed = DIALECT.unary_tap(data, NOW)
    assert relayed == data
    assert facts.output_ascii == 2
