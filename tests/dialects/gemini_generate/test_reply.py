"""Answers, and what metering makes of them."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed
from sekisho.core.message import ToolCall
from sekisho.core.reply import Reply
from sekisho.core.usage import Usage
from sekisho.dialects.gemini_generate import DIALECT


def read(**members: object) -> Reply:
    members.setdefault("candidates", [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}])
    return DIALECT.read_reply(msgspec.json.encode(members))


def write(reply: Reply) -> Any:
    return msgspec.json.decode(DIALECT.write_reply(reply, ReplyOptions()))


def test_counts_never_overlap_and_are_written_as_they_came() -> None:
    counts = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 30,
        "toolUsePromptTokenCount": 7,
        "totalTokenCount": 147,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 70},
            {"modality": "AUDIO", "tokenCount": 30},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
    }
    reply = read(usageMetadata=counts)
    assert reply.usage == Usage(input=47, cache_read=60, output=40, reasoning=30, input_audio=20)
    assert write(reply)["usageMetadata"] == counts


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({}, None),
        ([], None),
        ({"trafficType": "ON_DEMAND"}, None),
        ({"promptTokenCount": "many"}, Usage()),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 9}, Usage(cache_read=5)),
        ({"promptTokenCount": 5.0, "candidatesTokenCount": -2}, Usage(input=5)),
    ],
)
def test_odd_counts_do_not_break_an_answer(counts: object, usage: Usage | None) -> None:
    assert read(usageMetadata=counts).usage == usage


def test_the_tier_of_a_call_is_what_vertex_says_of_its_traffic() -> None:
    assert read(usageMetadata={"trafficType": "ON_DEMAND_PRIORITY"}).service_tier == "priority"
    assert read(usageMetadata={"trafficType": "ON_DEMAND"}).service_tier is None


@pytest.mark.parametrize(
    ("word", "parts", "reason", "native"),
    [
        ("STOP", [{"text": "x"}], "stop", None),
        ("STOP", [{"functionCall": {"name": "f"}}], "tool_calls", None),
        ("MAX_TOKENS", [{"functionCall": {"name": "f"}}], "length", None),
        ("SAFETY", [], "content_filter", None),
        ("SPII", [], "content_filter", "SPII"),
        ("MALFORMED_FUNCTION_CALL", [], "stop", "MALFORMED_FUNCTION_CALL"),
        ("SOMETHING_NEW", [{"text": "x"}], "stop", "SOMETHING_NEW"),
        (None, [{"text": "x"}], "stop", None),
    ],
)
def test_why_an_answer_ended(word: str | None, parts: list[object], reason: str, native: str | None) -> None:
    finish = read(candidates=[{"content": {"parts": parts}, "finishReason": word}]).choices[0].finish
    assert (finish.reason, finish.native) == (reason, native)


def test_a_blocked_prompt_is_an_empty_answer_that_a_filter_ended() -> None:
    feedback = {"blockReason": "SAFETY"}
    reply = DIALECT.read_reply(msgspec.json.encode({"promptFeedback": feedback}))
    assert reply.choices[0].parts == ()
    assert (reply.choices[0].finish.reason, reply.choices[0].finish.native) == ("content_filter", "SAFETY")
    again = write(reply)
    assert again["promptFeedback"] == feedback
    assert "candidates" not in again
    with pytest.raises(Malformed):
        DIALECT.read_reply(b'{"candidates":[]}')


def test_calls_without_ids_get_ids_that_no_other_answer_has() -> None:
    call = {"functionCall": {"name": "f", "args": {"a": 1}}}
    candidates = [{"content": {"parts": [call, call]}}, {"content": {"parts": [call]}}]
    reply = read(candidates=candidates, responseId="r1")
    made = [part for choice in reply.choices for part in choice.parts if isinstance(part, ToolCall)]
    assert [part.id for part in made] == ["call_0_r1", "call_1_r1", "call_1_0_r1"]
    assert "id" not in write(reply)["candidates"][0]["content"]["parts"][0]["functionCall"]


def test_an_answer_without_a_name_gets_ours() -> None:
    options = ReplyOptions(id="gen-1", asked="author/slug")
    written = msgspec.json.decode(DIALECT.write_reply(read(), options))
    assert (written["responseId"], written["modelVersion"]) == ("gen-1", "author/slug")
