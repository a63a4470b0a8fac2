"""What passes through: checked at its top level, relayed as it came, changed where that was asked for."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest
from sekisho.core.usage import Usage
from sekisho.dialects.bedrock_converse import DIALECT
from sekisho.testkit import eventframes, golden
from sekisho.wire import json
from sekisho.wire.json import members

ROOT = Path(__file__).parents[2] / "golden"
CASES = {case.name: case for case in golden.cases(ROOT, DIALECT.name)}
SONNET = TargetFacts(model="us.anthropic.claude-sonnet-4-5-20250929-v1:0")
NOVA = TargetFacts(model="amazon.nova-pro-v1:0")
LLAMA = TargetFacts(model="us.meta.llama4-scout-v1:0")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": [], "inferenceConfig": []}, "inferenceConfig"),
        ({"messages": [], "toolConfig": "x"}, "toolConfig"),
        ({"messages": [], "guardrailConfig": 1}, "guardrailConfig"),
    ],
)
def test_a_member_of_a_wrong_kind_is_refused(body: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        DIALECT.check_members(members(json.encode(body)))
    assert caught.value.param == param


def test_a_prompt_that_is_kept_at_the_provider_needs_no_messages() -> None:
    DIALECT.check_members(members(b'{"promptVariables":{}}'))


def test_a_request_goes_on_as_it_came() -> None:
    before = members(CASES["cache_points"].request or b"")
    after = dict(before)
    assert DIALECT.patch_request(after, SONNET)
    assert after == before


def test_only_the_events_that_are_asked_to_change_are_written_anew() -> None:
    data = CASES["text"].stream or b""
    tap = DIALECT.tap(ReplyOptions(model="author/shown", cost=lambda usage, tier: 1))
    before, after = eventframes.split(data), eventframes.split(tap.feed(data))
    changed = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    assert changed == [0, len(before) - 1]
    assert [message.headers for message in after] == [message.headers for message in before]
    assert msgspec.json.decode(after[0].payload)["model"] == "author/shown"
    assert msgspec.json.decode(after[-1].payload)["usage"]["cost"] == 1e-09


def test_what_a_broken_off_stream_came_to_is_known() -> None:
    tap = DIALECT.tap(ReplyOptions())
    frames = eventframes.split(CASES["tool_call"].stream or b"")
    tap.feed(b"".join(message.raw for message in frames[:-2]))
    assert (tap.started, tap.complete, tap.facts.usage) == (True, False, None)
    assert tap.facts.output_ascii == len("I'll look up that.") + len('{"sign":"WZPZ"}')


def test_a_server_tools_input_is_not_what_the_model_is_paid_for_by_length() -> None:
    tap = DIALECT.tap(ReplyOptions())
    tap.feed(CASES["server_tool"].stream or b"")
    assert tap.facts.output_ascii == len("It prints 1.")


def test_an_answer_without_counts_is_measured() -> None:
    body = members(CASES["documents_with_citations"].reply or b"")
    del body["usage"]
    facts, _ = DIALECT.unary_tap(json.encode(body), ReplyOptions())
    assert facts.usage is None
    assert facts.output_ascii == len("According to the book, the grass is green.")


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"inputTokens": 1, "outputTokens": 2}, Usage(input=1, output=2)),
        (
            {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 4},
            Usage(input=1, output=2, cache_read=3, cache_write=4),
        ),
        (
            {
                "inputTokens": 1,
                "outputTokens": 2,
                "cacheWriteInputTokens": 4,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 3}, {"ttl": "5m", "inputTokens": 1}],
            },
            Usage(input=1, output=2, cache_write=1, cache_write_1h=3),
        ),
        (
            {
                "inputTokens": 1,
                "outputTokens": 2,
                "cacheWriteInputTokens": 4,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 9}],
            },
            Usage(input=1, output=2, cache_write_1h=4),
        ),
        ({"inputTokens": -1, "outputTokens": 10**20, "cacheDetails": 1}, Usage(output=10**12)),
        ({"inputTokens": "1", "outputTokens": 2.0, "cacheReadInputTokens": True}, Usage(output=2)),
        ({}, None),
        (None, None),
    ],
)
def test_counts_are_read_leniently_and_never_twice(counts: Any, usage: Usage | None) -> None:
    body = members(CASES["text"].reply or b"")
    body["usage"] = json.raw(counts)
    facts, _ = DIALECT.unary_tap(json.encode(body), ReplyOptions())
    assert facts.usage == usage == DIALECT.read_reply(json.encode(body)).usage


# --- cache points -----------------------------------------------------------------------------------


def placed(target: TargetFacts, name: str = "tool_results", **more: Any) -> Any:
    found = members(CASES[name].request or b"") | {key: json.raw(value) for key, value in more.items()}
    DIALECT.cache_marks.place(found, target)
    return msgspec.json.decode(json.encode(found))


def test_points_are_placed_where_the_next_turn_finds_them() -> None:
    point = {"cachePoint": {"type": "default"}}
    body = placed(SONNET, system=[{"text": "a"}])
    assert (body["system"][-1], body["toolConfig"]["tools"][-1]) == (point, point)
    assert [point in turn["content"] for turn in body["messages"]] == [False, False, True]
    body = placed(NOVA, system=[{"text": "a"}])
    assert body["system"][-1] == body["messages"][-1]["content"][-1] == point
    assert point not in body["toolConfig"]["tools"]


@pytest.mark.parametrize(("target", "name"), [(LLAMA, "tool_results"), (SONNET, "cache_points")])
def test_no_point_is_placed_where_none_is_taken_or_some_are(target: TargetFacts, name: str) -> None:
    assert placed(target, name) == msgspec.json.decode(CASES[name].request or b"")


def test_what_holds_no_lists_is_left_to_the_provider() -> None:
    assert placed(SONNET, messages={"a": 1}, toolConfig={"tools": 1})["messages"] == {"a": 1}


def test_all_points_are_taken_out_and_nothing_else() -> None:
    found = members(CASES["cache_points"].request or b"")
    untouched = found["messages"]
    DIALECT.cache_marks.strip(found)
    assert b"cachePoint" not in json.encode(found)
    assert len(msgspec.json.decode(found["messages"])) == len(msgspec.json.decode(untouched))
    text = {"messages": json.raw([{"role": "user", "content": [{"text": 'a "cachePoint"'}]}])}
    before = dict(text)
    DIALECT.cache_marks.strip(text)
    assert text == before
