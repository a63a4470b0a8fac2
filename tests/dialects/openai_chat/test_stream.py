"""Streams: what servers leave out or add, and the grammar of what a client gets."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed, Throttled, Truncated, UpstreamError
from sekisho.core.event import End, Event, PartEnd, PartStart, SignatureDelta, Start, TextDelta
from sekisho.core.fold import fold
from sekisho.core.message import Reasoning, RedactedReasoning, Text, ToolCall
from sekisho.core.reply import Finish
from sekisho.core.usage import Usage
from sekisho.dialects.openai_chat import DIALECT
from sekisho.dialects.openai_chat.stream import ChatStreamReader

DONE = b"data: [DONE]\n\n"
STOP = Finish(reason="stop")


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    value = {"id": "a", "created": 1, "model": "m", "choices": [choice], **more}
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def read(*pieces: bytes) -> list[Event]:
    reader = DIALECT.stream_reader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.finish()


def frames(data: bytes) -> list[Any]:
    return [msgspec.json.decode(frame[6:]) for frame in data.split(b"\n\n")[:-2]]


# --- reading ---------------------------------------------------------------------------------------


def test_comments_a_byte_order_mark_and_any_line_end_are_framing() -> None:
    data = b"\xef\xbb\xbf: keep-alive\r\n\r\n" + chunk({"content": "hi"}).replace(b"\n", b"\r\n")
    reply = fold(read(data + b": ping\n\n", chunk({}, "stop"), DONE))
    assert reply.choices[0].parts == (Text(text="hi"),)


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (chunk({"content": "hi"}),),
        (chunk({"content": "hi"}), DONE),
        (chunk({"content": "hi"}, "stop"),),
        (DONE,),
        (chunk({"content": "hi"}, "stop", choices=[]), DONE),
    ],
)
def test_an_answer_without_its_end_is_cut_off(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(Truncated):
        read(*pieces)


def test_a_server_known_to_send_no_terminator_may_end_with_the_finish_reason() -> None:
    reader = ChatStreamReader()
    reader.feed(chunk({"content": "hi"}, "stop"))
    assert reader.finish(needs_terminator=False) == [End(finishes=(STOP,))]
    with pytest.raises(Truncated):
        ChatStreamReader().finish(needs_terminator=False)


def test_nothing_after_the_terminator_belongs_to_the_answer() -> None:
    assert read(chunk({"content": "hi"}, "stop"), DONE, chunk({"content": "more"}), DONE)[-1] == End(
        finishes=(STOP,)
    )


@pytest.mark.parametrize(
    "data",
    [
        b"data: nonsense\n\n",
        b"data: [1]\n\n",
        b'data: {"choices":5}\n\n',
        b"<!DOCTYPE html>\n\n",
        chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": "{}"}}]}),
        b'data: {"choices":[],"\xff":1}\n\n',
        b'data: {"id":"a","choices":' + b"[" * 100_000 + b"\n\n",
    ],
)
def test_what_is_no_chunk_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)


def test_an_unknown_event_without_a_complaint_is_passed_over() -> None:
    assert fold(read(b'data: {"type":"ping"}\n\n', chunk({"content": "x"}, "stop"), DONE)).choices


def test_an_error_body_in_place_of_a_stream_is_that_error() -> None:
    reader = DIALECT.stream_reader()
    reader.feed(b'{"error":{"message":"slow down","code":429}}')
    with pytest.raises(Throttled):
        reader.finish()


def test_usage_comes_alone_or_beside_the_last_choice_and_the_latest_counts() -> None:
    early, late = {"prompt_tokens": 1, "completion_tokens": 1}, {"prompt_tokens": 1, "completion_tokens": 2}
    events = read(chunk({"content": "x"}, usage=early), chunk({}, "stop", usage=late), DONE)
    assert events[-1] == End(finishes=(STOP,), usage=Usage(input=1, output=2))


def test_text_after_the_finish_reason_still_belongs_to_the_answer() -> None:
    reply = fold(read(chunk({"content": "a"}), chunk({}, "stop"), chunk({"content": "b"}), DONE))
    assert reply.choices[0].parts == (Text(text="a"), Text(text="b"))


def test_thinking_between_texts_makes_parts_of_its_own() -> None:
    events = read(
        chunk({"content": "a"}), chunk({"reasoning_content": "b"}), chunk({"content": "c"}, "stop"), DONE
    )
    parts = fold(events).choices[0].parts
    assert [(type(part), part.text) for part in parts if isinstance(part, Text | Reasoning)] == [
        (Text, "a"),
        (Reasoning, "b"),
        (Text, "c"),
    ]


def test_interleaved_calls_stay_apart_and_a_missing_id_is_made_up() -> None:
    def piece(index: int, **function: str) -> bytes:
        return chunk({"tool_calls": [{"index": index, "function": function}]})

    events = read(
        piece(0, name="f", arguments="1"),
        piece(1, name="g"),
        piece(0, arguments="2"),
        piece(1, arguments="3"),
        chunk({}, "tool_calls"),
        DONE,
    )
    assert fold(events).choices[0].parts == (
        ToolCall(id="call_0_a", name="f", arguments="12"),
        ToolCall(id="call_1_a", name="g", arguments="3"),
    )


# --- writing ---------------------------------------------------------------------------------------

ANSWER: list[Event] = [
    Start(id="msg_1", model="claude"),
    PartStart(index=0, part=Reasoning(text="")),
    TextDelta(index=0, text="Hm."),
    SignatureDelta(index=0, signature="sig"),
    PartEnd(index=0),
    PartStart(index=1, part=RedactedReasoning(data="xx")),
    PartEnd(index=1),
    PartStart(index=2, part=Text(text="")),
    TextDelta(index=2, text="関所"),
    TextDelta(index=2, text=""),
    PartEnd(index=2),
    PartStart(index=3, part=ToolCall(id="t1", name="f", arguments="")),
    TextDelta(index=3, text="{}"),
    PartEnd(index=3),
    PartStart(index=4, part=ToolCall(id="t2", name="g", arguments="")),
    PartEnd(index=4),
    End(finishes=(Finish(reason="tool_calls"),), usage=Usage(input=3, output=4), service_tier="default"),
]


def test_the_chunks_follow_openais_grammar() -> None:
    data = DIALECT.stream_writer(ReplyOptions(model="author/slug", created=7)).write(ANSWER)
    assert data.endswith(DONE)
    chunks = frames(data)
    assert {(c["id"], c["created"], c["model"], c["object"]) for c in chunks} == {
        ("msg_1", 7, "author/slug", "chat.completion.chunk")
    }
    *answer, last, counted = chunks
    deltas = [c["choices"][0]["delta"] for c in answer]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert not any("role" in delta for delta in deltas[1:])
    assert [delta["tool_calls"] for delta in deltas if "tool_calls" in delta] == [
        [{"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": "{}"}}],
        [{"index": 1, "id": "t2", "type": "function", "function": {"name": "g", "arguments": ""}}],
    ]
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "tool_calls")
    assert [c["choices"][0]["finish_reason"] for c in answer] == [None] * len(answer)
    assert (counted["choices"], counted["usage"]["total_tokens"]) == ([], 7)
    assert {c["usage"] for c in (*answer, last)} == {None}


def test_thinking_is_written_for_every_client_and_comes_back_with_its_signature() -> None:
    data = DIALECT.stream_writer(ReplyOptions()).write(ANSWER)
    deltas = [c["choices"][0]["delta"] for c in frames(data)[1:4]]
    text = {"type": "reasoning.text", "index": 0}
    assert deltas == [
        {"reasoning": "Hm.", "reasoning_content": "Hm.", "reasoning_details": [{**text, "text": "Hm."}]},
        {"reasoning_details": [{**text, "signature": "sig"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "index": 1, "data": "xx"}]},
    ]
    thought, hidden, *_ = fold(read(data)).choices[0].parts
    assert isinstance(thought, Reasoning)
    assert isinstance(hidden, RedactedReasoning)
    assert (thought.text, thought.signature, hidden.data) == ("Hm.", "sig", "xx")


def test_a_client_that_did_not_ask_sees_no_usage() -> None:
    data = DIALECT.stream_writer(ReplyOptions(show_usage=False)).write(ANSWER)
    assert b"usage" not in data
    assert data.endswith(DONE)


def test_money_is_shown_where_asked_for() -> None:
    options = ReplyOptions(cost=lambda usage, tier: usage.output * 1_000 if tier == "default" else None)
    counted = frames(DIALECT.stream_writer(options).write(ANSWER))[-1]["usage"]
    assert (counted["cost"], counted["is_byok"]) == (0.000004, False)


def test_a_stream_that_breaks_off_ends_in_an_error_and_no_terminator() -> None:
    writer = DIALECT.stream_writer(ReplyOptions())
    data = writer.write(ANSWER[:4]) + DIALECT.write_error_frame(Truncated("cut off"), "req_1")
    assert b"[DONE]" not in data
    with pytest.raises(UpstreamError):
        read(data)
