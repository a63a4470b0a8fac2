"""What is passed through: the bytes stay, but for what was asked."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, Malformed, Throttled
from sekisho.core.usage import Usage
from sekisho.dialects.openai_chat import DIALECT
from sekisho.wire import json

HIDDEN = ReplyOptions(show_usage=False)


def members(**found: Any) -> dict[str, msgspec.Raw]:
    return json.members(msgspec.json.encode({"model": "m", "messages": [{"role": "user"}], **found}))


# --- requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 1}, "model"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": True}, "stream_options"),
        ({"tools": {}}, "tools"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_a_wrong_kind_of_member_is_named(found: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        DIALECT.check_members(members(**found))
    assert caught.value.param == param


def test_a_missing_member_is_named_and_nulls_and_strangers_pass() -> None:
    DIALECT.check_members(members(temperature=None, anything=[1]))
    with pytest.raises(BadRequest, match=r"^messages: missing"):
        DIALECT.check_members(json.members(b'{"model":"m"}'))


def test_only_the_model_is_changed_in_a_plain_call() -> None:
    found = json.members(b'{"messages": [ {"role":"user"} ],"seed" : 1.0,"model":"a/b"}')
    assert DIALECT.patch_request(found, TargetFacts(model="b")) is False
    assert json.encode(found) == b'{"messages":[ {"role":"user"} ],"seed":1.0,"model":"b"}'


@pytest.mark.parametrize(
    ("options", "asked", "sent"),
    [
        (None, False, {"include_usage": True}),
        ({}, False, {"include_usage": True}),
        ({"include_usage": False, "x": 1}, False, {"x": 1, "include_usage": True}),
        ({"include_usage": True, "x": 1}, True, {"include_usage": True, "x": 1}),
    ],
)
def test_a_stream_is_asked_for_its_usage(options: Any, asked: bool, sent: dict[str, Any]) -> None:
    found = members(stream=True, stream_options=options)
    assert DIALECT.patch_request(found, TargetFacts(model="m")) is asked
    assert json.decode(found["stream_options"]) == sent


def test_an_endpoint_that_cannot_count_is_not_asked() -> None:
    found = members(stream=True)
    DIALECT.patch_request(found, TargetFacts(model="m", count_stream_usage=False))
    assert "stream_options" not in found


# --- answers ---------------------------------------------------------------------------------------

HEAD = b'data: {"id":"a","model":"gpt","choices":'
TEXT = HEAD + b'[{"index":0,"delta":{"content":"ab\\u95a2\\",\\"usage\\":null"}}],"usage":null}\n\n'
LAST = HEAD + b'[{"index":0,"delta":{},"finish_reason":"length"}], "usage" : null}\n\n'
COUNTED = HEAD + b'[],"usage":{"prompt_tokens":3,"completion_tokens":4,"x":1.50}}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = b": hello\n\n" + TEXT + LAST + COUNTED + DONE


def test_a_stream_passes_unchanged_and_is_read_along() -> None:
    tap = DIALECT.tap(ReplyOptions())
    assert tap.feed(b": hello\n\n") == b": hello\n\n"
    assert not tap.started
    assert tap.feed(STREAM[9:60]) == b""
    assert tap.feed(STREAM[60:]) == STREAM[9:]
    assert (tap.started, tap.complete) == (True, True)
    facts = tap.facts
    assert (facts.model, facts.upstream_id, facts.finish) == ("gpt", "a", "length")
    assert (facts.usage, facts.output_ascii, facts.output_wide) == (Usage(input=3, output=4), 16, 1)


def test_usage_that_a_client_did_not_ask_for_is_taken_out() -> None:
    tap = DIALECT.tap(HIDDEN)
    relayed = tap.feed(STREAM)
    assert relayed == (
        b": hello\n\n"
        + TEXT.replace(b',"usage":null}\n', b"}\n")
        + LAST.replace(b', "usage" : null', b"")
        + DONE
    )
    assert tap.facts.usage == Usage(input=3, output=4)


def test_money_is_added_and_the_rest_of_the_counts_stays_as_it_came() -> None:
    tap = DIALECT.tap(ReplyOptions(cost=lambda usage, _tier: usage.output * 1_000, model="a/gpt"))
    relayed = tap.feed(STREAM)
    assert b'"x":1.50,"cost":0.000004,' in relayed
    assert relayed.count(b'"model":"a/gpt"') == 3
    assert b'"model":"gpt"' not in relayed


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"id":"a","choices":[{"index":0,"delta":{"content":{"new":"shape"}}}]}\n\n',
        b'data: {"id":"a","choices":[],"usage":{"prompt_tokens":1.5}}\n\n',
        b'data: {"type":"ping"}\n\n',
    ],
)
def test_a_shape_that_we_do_not_know_passes_unmeasured(event: bytes) -> None:
    tap = DIALECT.tap(ReplyOptions())
    assert tap.feed(event) == event
    assert tap.facts.usage is None


def test_errors_in_a_passing_stream_are_raised() -> None:
    with pytest.raises(Throttled):
        DIALECT.tap(ReplyOptions()).feed(TEXT + b'data: {"error":{"code":429,"message":"no"}}\n\n')
    with pytest.raises(Malformed):
        DIALECT.tap(ReplyOptions()).feed(b"data: <html>\n\n")


BODY = (
    b'{"id":"a","model":"gpt", "choices":[{"message":{"content":"ab\xe9\x96\xa2","tool_calls":[{"function":'
    b'{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],"service_tier":"flex"%s}'
)


def test_a_whole_answer_passes_unchanged_and_without_counts_is_measured() -> None:
    body = BODY.replace(b"%s", b"")
    facts, relayed = DIALECT.unary_tap(body, ReplyOptions(cost=lambda _usage, _tier: 1))
    assert relayed == body
    assert (facts.usage, facts.output_ascii, facts.output_wide) == (None, 4, 1)
    assert (facts.model, facts.finish, facts.service_tier) == ("gpt", "stop", "flex")


def test_money_and_name_of_a_whole_answer_are_changed_where_asked() -> None:
    body = BODY.replace(b"%s", b', "usage":{"prompt_tokens" : 1,"completion_tokens":2,"total_tokens":3}')
    options = ReplyOptions(model="a/gpt", cost=lambda _usage, tier: 5 if tier == "flex" else 0)
    facts, relayed = DIALECT.unary_tap(body, options)
    assert facts.usage == Usage(input=1, output=2)
    assert b'"cost":0.000000005' in relayed
    assert b'"model":"a/gpt"' in relayed
