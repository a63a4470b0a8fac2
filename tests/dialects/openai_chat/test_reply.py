"""Whole answers and their counts."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed, ProviderFailed
from sekisho.core.message import Reasoning, Text, ToolCall
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.usage import Usage
from sekisho.dialects.openai_chat import DIALECT, usage
from sekisho.wire import openai_finish as finish
from sekisho.wire.openai_usage import WireUsage


def answer(message: dict[str, Any], reason: str | None = "stop", **choice: Any) -> bytes:
    first = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason, **choice}
    return msgspec.json.encode({"id": "a", "model": "m", "choices": [first]})


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'{"choices":[]}', b'{"choices":[{}]}', answer({"content": 5})],
)
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        DIALECT.read_reply(body)


@pytest.mark.parametrize("body", [answer({"content": "x"}, "error"), answer({}, error={"message": "no"})])
def test_an_answer_that_failed_is_an_error(body: bytes) -> None:
    with pytest.raises(ProviderFailed):
        DIALECT.read_reply(body)
    with pytest.raises(ProviderFailed):
        DIALECT.unary_tap(body, ReplyOptions())


def test_arguments_sent_as_an_object_are_text() -> None:
    function = {"name": "f", "arguments": {"a": 1}}
    found = DIALECT.read_reply(answer({"tool_calls": [{"function": function}]})).choices[0].parts
    assert found == (ToolCall(id="call_0_a", name="f", arguments='{"a":1}'),)


@pytest.mark.parametrize(
    ("word", "native", "found"),
    [
        ("stop", None, Finish(reason="stop")),
        ("stop", "STOP", Finish(reason="stop", native="STOP")),
        ("eos", None, Finish(reason="stop", native="eos")),
        ("function_call", None, Finish(reason="tool_calls", native="function_call")),
        ("model_length", None, Finish(reason="length", native="model_length")),
        (None, None, Finish(reason="stop")),
    ],
)
def test_every_server_s_word_for_the_end_is_understood(
    word: str | None, native: str | None, found: Finish
) -> None:
    assert finish.read(word, native) == found


def test_ends_that_openai_has_no_word_for_keep_their_own_beside_it() -> None:
    assert finish.write(Finish(reason="refusal")) == {
        "finish_reason": "content_filter",
        "native_finish_reason": "refusal",
    }
    assert finish.write(Finish(reason="stop_sequence", stop_sequence="#")) == {
        "finish_reason": "stop",
        "stop_reason": "#",
    }


def test_an_answer_of_another_dialect_is_a_whole_chat_completion() -> None:
    parts = (Reasoning(text="Hm.", signature="s"), Text(text="関"), Text(text="所"))
    choice = Choice(parts=parts, finish=Finish(reason="stop"))
    reply = Reply(id="msg_1", model="claude", choices=(choice,), usage=Usage(input=1, cache_read=2, output=3))
    written = msgspec.json.decode(DIALECT.write_reply(reply, ReplyOptions(model="a/b", created=9)))
    assert (written["id"], written["object"], written["created"], written["model"]) == (
        "msg_1",
        "chat.completion",
        9,
        "a/b",
    )
    assert written["choices"][0]["message"] == {
        "role": "assistant",
        "content": "関所",
        "refusal": None,
        "reasoning": "Hm.",
        "reasoning_content": "Hm.",
        "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "Hm.", "signature": "s"}],
    }
    assert written["usage"]["prompt_tokens_details"]["cached_tokens"] == 2


# --- counts ----------------------------------------------------------------------------------------


def counts(**members: Any) -> Usage | None:
    return usage.read(msgspec.convert(members, WireUsage))


@pytest.mark.parametrize(
    ("details", "found"),
    [
        ({}, Usage(input=100, output=10)),
        ({"prompt_tokens_details": {"cached_tokens": 60}}, Usage(input=40, cache_read=60, output=10)),
        ({"prompt_cache_hit_tokens": 60}, Usage(input=40, cache_read=60, output=10)),
        ({"cached_tokens": 60}, Usage(input=40, cache_read=60, output=10)),
        (
            {"prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30}},
            Usage(input=10, cache_read=60, cache_write=30, output=10),
        ),
        ({"prompt_tokens_details": {"cached_tokens": 900}}, Usage(cache_read=100, output=10)),
        ({"prompt_tokens_details": {"cached_tokens": -9}}, Usage(input=100, output=10)),
        ({"completion_tokens_details": {"reasoning_tokens": 8}}, Usage(input=100, output=10, reasoning=8)),
        (
            {"completion_tokens_details": {"reasoning_tokens": 30}, "total_tokens": 140},
            Usage(input=100, output=40, reasoning=30),
        ),
        ({"completion_tokens_details": {"audio_tokens": 4}}, Usage(input=100, output=10, output_audio=4)),
    ],
)
def test_no_token_is_counted_twice_or_below_zero(details: dict[str, Any], found: Usage) -> None:
    assert counts(prompt_tokens=100, completion_tokens=10, **details) == found


def test_counts_that_are_not_there_are_no_zeros() -> None:
    assert counts() is None
    assert usage.read(None) is None


def test_money_is_exact_split_and_never_zero_for_the_unpriced() -> None:
    used = Usage(input=1_000, output=200)
    priced = ReplyOptions(cost=lambda found, _tier: found.input * 3 + found.output * 15)
    text = msgspec.json.encode(usage.money(used, None, priced)).decode()
    assert text == (
        '{"cost":0.000006,"cost_details":{"upstream_inference_cost":0.000006,'
        '"upstream_inference_prompt_cost":0.000003,"upstream_inference_completions_cost":0.000003},'
        '"is_byok":false}'
    )
    unpriced = usage.money(used, None, ReplyOptions(cost=lambda _found, _tier: None))
    assert "cost" not in unpriced
