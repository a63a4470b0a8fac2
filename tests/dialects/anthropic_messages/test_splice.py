"""The hot path."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sekisho.core.contract import Facts, ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, Malformed, Overloaded
from sekisho.core.usage import Usage
from sekisho.dialects.anthropic_messages.splice import Tap, check_members, patch_request, unary_tap
from sekisho.wire import json

GOLDEN = Path(__file__).parents[2] / "golden" / "anthropic_messages"
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def stream(case: str) -> bytes:
    return (GOLDEN / case / "stream.sse").read_bytes()


def test_a_ping_is_no_start() -> None:
    tap = Tap(ReplyOptions())
    assert tap.feed(b": hi\n\n" + PING) == b": hi\n\n" + PING
    assert not tap.started
    tap.feed(stream("plain_text")[:-1])
    assert (tap.started, tap.complete) == (True, False)
    tap.feed(b"\n")
    assert tap.complete


def test_the_input_is_known_from_the_first_event_on() -> None:
    tap = Tap(ReplyOptions())
    tap.feed(stream("cache_marks").split(b"event: content_block_start")[0])
    assert tap.facts.usage == Usage(input=21, cache_read=2048, cache_write=200, cache_write_1h=256, output=1)
    assert tap.facts.upstream_id == "msg_01CacheHit4aYz7bTq9LmPw2E"


def test_only_the_events_that_options_concern_are_written_anew() -> None:
    data = stream("tools_parallel")
    tap = Tap(ReplyOptions(model="author/shown", cost=lambda _usage, _tier: 1))
    before, after = data.split(b"\n\n"), tap.feed(data).split(b"\n\n")
    changed = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    names = [before[index].split(b"\n")[0].removeprefix(b"event: ") for index in changed]
    assert names[0] == b"message_start"
    assert set(names[1:-1]) == {b"content_block_start"}
    assert names[-1] == b"message_delta"
    assert b'"model":"author/shown"' in after[0]
    assert b'"cost":0.000000001' in after[changed[-1]]
    assert tap.facts.model == "claude-sonnet-4-5-20250929"


def test_of_what_the_marketplace_demands_only_what_is_missing_is_added() -> None:
    counts = b'{"input_tokens":1,"output_tokens":2,"service_tier":"batch","inference_geo":"eu"'
    body = (
        b'{"id":"m","content":[{"type":"text","text":"\\u95a2", "citations":[1]},{"text":"a","type":"text"},'
        b'{"type":"tool_use","id":"t","name":"n","input":{"a": 1.0}},{"type":"later"}],'
        b'"stop_details":{"type":"refusal"},"usage":' + counts + b"}}"
    )
    _, relayed = unary_tap(body, ReplyOptions(cost=lambda _usage, _tier: 1))
    assert relayed == (
        b'{"id":"m","content":[{"type":"text","text":"\\u95a2","citations":[1]},'
        b'{"text":"a","type":"text","citations":null},'
        b'{"type":"tool_use","id":"t","name":"n","input":{"a": 1.0},"caller":{"type":"direct"}},'
        b'{"type":"later"}],"stop_details":{"type":"refusal"},"usage":' + counts + b',"cost":0.000000001,'
        b'"cache_creation":null,"cache_creation_input_tokens":null,"cache_read_input_tokens":null,'
        b'"output_tokens_details":null,"server_tool_use":null},'
        b'"container":null,"stop_reason":null,"stop_sequence":null}'
    )
    assert unary_tap(body, ReplyOptions())[1] == body


def test_the_provider_calling_the_model_as_shown_changes_nothing() -> None:
    data = stream("plain_text")
    assert Tap(ReplyOptions(model="claude-sonnet-4-5-20250929")).feed(data) == data


def test_what_a_server_tool_did_is_not_what_the_model_wrote() -> None:
    tap = Tap(ReplyOptions())
    tap.feed(stream("server_tools"))
    said = "I'll check." + "Sunny, 21°C."
    assert (tap.facts.output_ascii, tap.facts.output_wide) == (len(said) - 1, 1)
    assert tap.facts.finish == "pause_turn"


@pytest.mark.parametrize(
    "counts", [b"7", b'{"input_tokens":-1,"output_tokens":1e300}', b"[]", b'"x"', b"null"]
)
def test_hostile_counts_do_not_break_a_stream(counts: bytes) -> None:
    tap = Tap(ReplyOptions(cost=lambda _usage, _tier: 1))
    tap.feed(b'data: {"type":"message_start","message":{"usage":' + counts + b"}}\n\n")
    relayed = tap.feed(b'data: {"type":"message_delta","delta":{},"usage":' + counts + b"}\n\n")
    assert relayed.startswith(b'data: {"type":"message_delta"')
    usage = tap.facts.usage
    assert usage is None or usage.input >= 0
    unary_tap(b'{"content":[],"usage":' + counts + b"}", ReplyOptions(cost=lambda _usage, _tier: 1))


@pytest.mark.parametrize("data", [b"data: x\n\n", b"data: []\n\n", b'data: {"type":1}\n\n'])
def test_what_is_no_event_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Tap(ReplyOptions()).feed(data)


def test_after_the_end_everything_is_relayed_unread() -> None:
    tap = Tap(ReplyOptions())
    tap.feed(stream("plain_text"))
    assert tap.feed(b"data: [DONE]\n\n") == b"data: [DONE]\n\n"


# --- whole answers --------------------------------------------------------------------------------


def test_an_untouched_answer_is_the_same_object() -> None:
    body = (GOLDEN / "plain_text" / "reply.json").read_bytes()
    facts, relayed = unary_tap(body, ReplyOptions())
    assert relayed is body
    assert facts == Facts(
        usage=Usage(input=12, output=11),
        model="claude-sonnet-4-5-20250929",
        upstream_id="msg_01XFDUDYJgAACzvnptvVoYEL",
        finish="end_turn",
        service_tier="standard",
    )


def test_an_answer_without_counts_is_measured() -> None:
    blocks = '[{"type":"text","text":"ab関"},{"type":"tool_use","input":{"a":1}},{"type":"new","text":"x"}]'
    facts, _ = unary_tap(b'{"content":' + blocks.encode() + b"}", ReplyOptions())
    assert (facts.usage, facts.output_ascii, facts.output_wide) == (None, 9, 1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id":1}', b'{"content":7}', b'{"a":"\xff"'])
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        unary_tap(body, ReplyOptions())


def test_an_error_in_a_good_status_is_an_error() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    with pytest.raises(Overloaded):
        unary_tap(body, ReplyOptions())


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"messages": [1]}, "model"),
        ({"model": 1, "messages": [1]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": {}}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": [1], "max_tokens": "1"}, "max_tokens"),
        ({"model": "m", "messages": [1], "max_tokens": -1}, "max_tokens"),
        ({"model": "m", "messages": [1], "max_tokens": 1.5}, "max_tokens"),
    ],
)
def test_members_of_the_wrong_shape_are_named(members: dict[str, Any], path: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_members(json.members(msgspec.json.encode(members)))
    assert refused.value.param == path


def test_a_request_is_patched_in_its_model_only() -> None:
    body = b'{"messages":[ {"role":"user","content":"\\u3042"}],"model":"a/b","max_tokens":5,"x":1.0}'
    members = json.members(body)
    check_members(members)
    assert patch_request(members, TargetFacts(model="claude-x"))
    assert json.encode(members) == body.replace(b'"a/b"', b'"claude-x"')


def test_a_model_that_is_already_right_is_left_alone() -> None:
    members = json.members(b'{"model":"claude-x","messages":[1]}')
    before = members["model"]
    patch_request(members, TargetFacts(model="claude-x"))
    assert members["model"] == before
