"""What providers answer instead of an answer: pages, nothing, text that is none, words that nobody knows."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from tests.dialects.bad_input.shapes import (
    CONVERSING,
    EMPTY,
    EMPTY_STREAMS,
    SSE,
    each,
    saying,
)

from sekisho.core.contract import Dialect
from sekisho.core.error import Malformed, ProviderFailed, UpstreamError
from sekisho.testkit import eventframes
from sekisho.testkit.laws import conservation, replies, streams
from sekisho.testkit.laws.refusal import refusal
from sekisho.wire.json import decode, encode

PAGE = b"""<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>\r
<body><h1>Bad Gateway</h1>
<p>data: sk-secret-canary</p>

</body></html>
"""


def raises(kind: type[UpstreamError], *ways: partial[object]) -> None:
    for way in ways:
        with pytest.raises(kind) as raised:
            way()
        assert raised.value.message
        assert "canary" not in raised.value.message


@each
@pytest.mark.parametrize("page", [PAGE, b"", b"\n", b"upstream connect error", b'{"error":', b"\x1f\x8b\x08"])
def test_a_page_in_place_of_an_answer_is_the_providers_fault(dialect: Dialect, page: bytes) -> None:
    raises(
        UpstreamError, partial(dialect.read_reply, page), partial(dialect.unary_tap, page, replies.AS_IT_CAME)
    )
    raises(Malformed, partial(dialect.read_reply, PAGE))


@each
@pytest.mark.parametrize("page", [PAGE, b"", b"upstream connect error"])
def test_a_page_with_a_status_is_the_failure_that_the_status_says(dialect: Dialect, page: bytes) -> None:
    error = dialect.read_error(502, ((b"content-type", b"text/html"),), page)
    assert type(error) is ProviderFailed
    assert error.provider_status == 502
    assert "canary" not in error.message
    assert "<" not in error.message


@each
@pytest.mark.parametrize("size", [1, 7, len(PAGE)])
def test_a_page_in_place_of_a_stream_is_the_providers_fault(dialect: Dialect, size: int) -> None:
    pieces = [PAGE[at : at + size] for at in range(0, len(PAGE), size)]
    raises(
        UpstreamError,
        partial(streams.read, dialect, pieces),
        partial(streams.relay, dialect, pieces),
    )


# --- nothing in it --------------------------------------------------------------------------------


@each
def test_an_answer_that_says_nothing_is_one_or_the_providers_fault(dialect: Dialect) -> None:
    for found in EMPTY[dialect.name]:
        body = encode(found)
        replies.read_is_total(dialect, body)
        if refusal(partial(dialect.read_reply, body), UpstreamError) is None and dialect in CONVERSING:
            for target in CONVERSING:
                conservation.reply(dialect, target, body)


@each
def test_a_stream_that_says_nothing_is_one_or_the_providers_fault(dialect: Dialect) -> None:
    for data in EMPTY_STREAMS[dialect.name]:
        streams.read_is_total(dialect, data)
        if refusal(partial(streams.read, dialect, [data]), UpstreamError) is None and dialect in CONVERSING:
            for target in CONVERSING:
                conservation.stream(dialect, target, data)


@pytest.mark.parametrize("name", ["openai_chat", "openai_completions"])
def test_an_answer_without_a_choice_is_no_answer(name: str) -> None:
    (dialect,) = (each for each in SSE if each.name == name)
    for found in EMPTY[name]:
        raises(Malformed, partial(dialect.read_reply, encode(found)))
    for data in EMPTY_STREAMS[name]:
        raises(UpstreamError, partial(streams.read, dialect, [data]))


# --- text that is none ----------------------------------------------------------------------------


@each
@pytest.mark.parametrize("broken", [b"\xff", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_a_reply_that_is_not_utf_8_is_malformed(dialect: Dialect, broken: bytes) -> None:
    body = saying(dialect).replace(b"MARK", b"x" + broken)
    raises(Malformed, partial(dialect.read_reply, body))
    replies.read_is_total(dialect, body)


STREAMED: dict[str, str] = {
    "openai_chat": '{"id":"x","choices":[{"index":0,"delta":{"content":"MARK"}}]}',
    "openai_completions": '{"id":"x","choices":[{"index":0,"text":"MARK"}]}',
    "openai_responses": '{"type":"response.created","response":{"id":"MARK","status":"in_progress"}}',
    "anthropic_messages": '{"type":"message_start","message":{"id":"MARK","model":"m"}}',
    "gemini_generate": '{"candidates":[{"content":{"parts":[{"text":"MARK"}]}}]}',
    "bedrock_converse": '{"role":"assistant","id":"MARK"}',
}


def framed(dialect: Dialect, data: bytes) -> bytes:
    if dialect.name == "bedrock_converse":
        return eventframes.message(
            eventframes.headers(
                event_type="messageStart", content_type="application/json", message_type="event"
            ),
            data,
        )
    return b"data: " + data + b"\n\n"


@each
@pytest.mark.parametrize("broken", [b"\xff", b"\xe9\x96", b"\xed\xa0\x80"])
def test_an_event_that_is_not_utf_8_is_malformed_however_it_was_cut(dialect: Dialect, broken: bytes) -> None:
    data = framed(dialect, STREAMED[dialect.name].encode().replace(b"MARK", b"x" + broken))
    for place in range(len(data)):
        raises(Malformed, partial(streams.read, dialect, [data[:place], data[place:]]))


@each
def test_a_character_that_was_cut_in_two_is_put_together(dialect: Dialect) -> None:
    data = framed(dialect, STREAMED[dialect.name].encode().replace(b"MARK", "関所🏯".encode()))
    whole = dialect.stream_reader().feed(data)
    assert "🏯" in repr(whole)
    for place in range(len(data)):
        reader = dialect.stream_reader()
        assert reader.feed(data[:place]) + reader.feed(data[place:]) == whole


# --- unknown words --------------------------------------------------------------------------------

ENDINGS: dict[str, Sequence[tuple[str, Any]]] = {
    "openai_chat": [
        ("choices", [{"message": {"role": "assistant", "content": "x"}, "finish_reason": "WORD"}])
    ],
    "openai_completions": [("choices", [{"text": "x", "finish_reason": "WORD"}])],
    "openai_responses": [("status", "incomplete"), ("incomplete_details", {"reason": "WORD"})],
    "anthropic_messages": [("stop_reason", "WORD")],
    "gemini_generate": [("candidates", [{"content": {"parts": [{"text": "x"}]}, "finishReason": "WORD"}])],
    "bedrock_converse": [("stopReason", "WORD")],
}


@each
def test_an_answer_that_ended_for_a_reason_nobody_knows_is_an_answer(dialect: Dialect) -> None:
    body = encode({**decode(saying(dialect).replace(b"MARK", b"x")), **dict(ENDINGS[dialect.name])})
    finish = dialect.read_reply(body).choices[0].finish
    assert finish.native == "WORD"
    if dialect in CONVERSING:
        for target in CONVERSING:
            conservation.reply(dialect, target, body)
