"""Streams: what the golden cases do not show."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed, Truncated
from sekisho.core.event import End, Event, PartEnd, PartStart, Start, TextDelta
from sekisho.core.fold import check, fold
from sekisho.core.message import Audio, Image, Link, Opaque, Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Finish
from sekisho.core.usage import Usage
from sekisho.dialects.anthropic_messages.stream import Reader
from sekisho.dialects.anthropic_messages.stream_write import Writer


def frame(kind: str, **members: object) -> bytes:
    data = msgspec.json.encode({"type": kind, **members})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


START = frame("message_start", message={"id": "msg_1", "model": "m", "usage": {"input_tokens": 3}})
STOP = frame("message_stop")


def block(index: int, kind: str = "text", **members: object) -> bytes:
    return frame("content_block_start", index=index, content_block={"type": kind, **members})


def delta(index: int, kind: str, **members: object) -> bytes:
    return frame("content_block_delta", index=index, delta={"type": kind, **members})


def end(index: int) -> bytes:
    return frame("content_block_stop", index=index)


def read(*pieces: bytes) -> list[Event]:
    reader = Reader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.finish()


def written(events: Sequence[Event], **options: Any) -> list[dict[str, Any]]:
    """The events on the wire, each of which must carry its own name."""
    data = Writer(ReplyOptions(**options)).write(events)
    found = []
    for piece in data.split(b"\n\n")[:-1]:
        name, _, body = piece.partition(b"\ndata: ")
        found.append(msgspec.json.decode(body))
        assert name == b"event: " + found[-1]["type"].encode()
    return found


def answer(*events: Event, finish: str = "stop", choices: int = 1) -> list[Event]:
    finishes = (Finish(reason=finish),) * choices  # type: ignore[arg-type]
    return [Start(id="x", model="m"), *events, End(finishes=finishes, usage=Usage(input=5, output=7))]


# --- reading --------------------------------------------------------------------------------------


def test_a_byte_order_mark_cut_characters_and_carriage_returns_do_not_matter() -> None:
    data = (
        b"\xef\xbb\xbf: hi\n\n"
        + START
        + block(0, text="")
        + delta(0, "text_delta", text="関所🍜")
        + end(0)
        + STOP
    )
    for body in (data, data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r")):
        pieces = [body[at : at + 1] for at in range(len(body))]
        assert fold(read(*pieces)).choices[0].parts == (Text(text="関所🍜"),)


@pytest.mark.parametrize(
    "data",
    [
        b"data: hello\n\n",
        b"data: [1]\n\n",
        b'data: {"type":"message_start"}\n\n',
        b'data: {"type":"message_start","message":{"id":1}}\n\n',
        START + START,
        STOP,
        block(0, text=""),
        START + delta(0, "text_delta", text="x"),
        START + block(0, text="") + delta(1, "text_delta", text="x"),
        START + block(0, text="") + end(0) + delta(0, "text_delta", text="x"),
        START + block(0, text="") + b'data: {"type":"content_block_delta","index":0}\n\n',
        START + frame("content_block_start", index=0),
        START + frame("content_block_start", index=0, content_block={"type": "tool_use"}),
        START + frame("message_delta", delta=[]),
        START + block(0, "server_tool_use") + delta(0, "input_json_delta", partial_json="{") + end(0),
    ],
)
def test_a_breach_of_the_format_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)


def test_a_stream_without_its_end_is_truncated() -> None:
    with pytest.raises(Truncated):
        read(START, block(0, text=""), delta(0, "text_delta", text="x"), end(0))
    with pytest.raises(Truncated):
        read()


def test_what_comes_after_the_end_is_not_read() -> None:
    assert isinstance(
        read(START, STOP, b"data: [DONE]\n\n", frame("error", error={"type": "api_error"}))[-1], End
    )


def test_a_last_event_without_its_blank_line_counts() -> None:
    assert isinstance(read(START, STOP.removesuffix(b"\n\n"))[-1], End)


def test_a_block_that_was_left_open_is_closed() -> None:
    data = START + block(0, text="") + block(1, text="b") + end(0) + delta(1, "text_delta", text="c") + STOP
    events = read(data)
    check(events)
    assert fold(events).choices[0].parts == (Text(text=""), Text(text="bc"))


def test_deltas_and_events_that_are_not_known_are_skipped() -> None:
    data = (
        START
        + frame("brand_new")
        + block(0, "thinking", thinking="")
        + delta(0, "new_delta", text="x")
        + STOP
    )
    assert fold(read(data)).choices[0].parts == (Reasoning(text=""),)


@pytest.mark.parametrize(
    ("started", "pieces", "arguments"),
    [({}, (), "{}"), ({}, ("", '{"a"', ":1}"), '{"a":1}'), ({"b": 2}, (), '{"b":2}')],
)
def test_tool_arguments_come_in_pieces_at_once_or_not_at_all(
    started: object, pieces: tuple[str, ...], arguments: str
) -> None:
    deltas = b"".join(delta(0, "input_json_delta", partial_json=piece) for piece in pieces)
    reply = fold(read(START + block(0, "tool_use", id="t", name="f", input=started) + deltas + end(0) + STOP))
    assert reply.choices[0].parts == (ToolCall(id="t", name="f", arguments=arguments),)


def test_an_unknown_reason_ends_the_turn_and_is_kept() -> None:
    data = (
        START + frame("message_delta", delta={"stop_reason": "new_reason"}, usage={"output_tokens": 4}) + STOP
    )
    reply = fold(read(data))
    assert reply.choices[0].finish == Finish(reason="stop", native="new_reason")
    assert reply.usage == Usage(input=3, output=4)


# --- writing --------------------------------------------------------------------------------------


def test_parallel_calls_that_interleave_are_written_one_after_the_other() -> None:
    def call(name: str) -> ToolCall:
        return ToolCall(id=name, name=name, arguments="")

    events = answer(
        PartStart(index=0, part=call("a")),
        PartStart(index=1, part=call("b")),
        TextDelta(index=1, text='{"b":'),
        TextDelta(index=0, text='{"a":'),
        PartStart(index=2, part=call("c")),
        TextDelta(index=1, text="1}"),
        PartEnd(index=1),
        TextDelta(index=0, text="1}"),
        PartEnd(index=0),
        TextDelta(index=2, text="{}"),
        PartEnd(index=2),
        finish="tool_calls",
    )
    check(events)
    wire = written(events)
    assert [(event["type"], event.get("index")) for event in wire[1:-2]] == [
        (kind, index)
        for index, pieces in ((0, 2), (1, 2), (2, 1))
        for kind in ("content_block_start", *["content_block_delta"] * pieces, "content_block_stop")
    ]
    reply = fold(read(Writer(ReplyOptions()).write(events)))
    assert reply.choices[0].parts == (
        ToolCall(id="a", name="a", arguments='{"a":1}'),
        ToolCall(id="b", name="b", arguments='{"b":1}'),
        ToolCall(id="c", name="c", arguments="{}"),
    )


def test_what_this_client_could_not_read_leaves_no_gap() -> None:
    wire = written(
        answer(
            PartStart(index=0, part=Opaque(dialect="other", type="x", raw=msgspec.Raw(b"{}"))),
            PartEnd(index=0),
            PartStart(index=1, part=Audio(source=Link(url="x"), transcript="spoken")),
            PartEnd(index=1),
            PartStart(index=2, part=Refusal(text="No")),
            TextDelta(index=2, text="."),
            PartEnd(index=2),
            PartStart(index=3, part=Text(text=""), choice=1),
            TextDelta(index=3, text="another answer"),
            PartEnd(index=3),
            choices=2,
        )
    )
    blocks = [
        (event["index"], event["content_block"]) for event in wire if event["type"] == "content_block_start"
    ]
    assert blocks == [(0, {"type": "text", "text": "spoken"}), (1, {"type": "text", "text": ""})]
    assert "another" not in str(wire)


def test_thinking_of_another_dialect_has_an_empty_signature() -> None:
    wire = written(
        answer(PartStart(index=0, part=Reasoning(text="")), TextDelta(index=0, text="hm"), PartEnd(index=0))
    )
    assert wire[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert wire[2]["delta"] == {"type": "thinking_delta", "thinking": "hm"}


def test_counts_that_come_late_stand_in_the_last_event() -> None:
    wire = written(answer(), model="author/shown", cost=lambda _usage, _tier: 2_000_000_000)
    assert wire[0]["message"]["model"] == "author/shown"
    assert wire[0]["message"]["usage"]["input_tokens"] == 0
    last = wire[-2]["usage"]
    assert (last["input_tokens"], last["output_tokens"], last["cost"]) == (5, 7, 2)


def test_line_ends_inside_a_value_do_not_break_the_frame() -> None:
    raw = msgspec.Raw(b'{"type":"x",\r\n "y":\n1}')
    part = Opaque(dialect="anthropic_messages", type="x", raw=raw)
    wire = written(answer(PartStart(index=0, part=part), PartEnd(index=0)))
    assert wire[1]["content_block"] == {"type": "x", "y": 1}


def test_an_image_in_an_answer_is_shown() -> None:
    part = Image(source=Link(url="https://example.com/a.png"))
    wire = written(answer(PartStart(index=0, part=part), PartEnd(index=0)))
    assert wire[1]["content_block"]["source"] == {"type": "url", "url": "https://example.com/a.png"}
