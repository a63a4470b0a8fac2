"""Streams: what the reader takes, and the official SDK's own models as judge of what is written."""

from pathlib import Path
from typing import Any

import msgspec
import pydantic
import pytest
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed, Truncated
from sekisho.core.event import (
    End,
    Event,
    LogprobsDelta,
    PartEnd,
    PartStart,
    SignatureDelta,
    Start,
    TextDelta,
)
from sekisho.core.fold import fold, unfold
from sekisho.core.message import Opaque, Part, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.dialects import anthropic_messages, openai_chat
from sekisho.dialects.openai_responses import DIALECT
from sekisho.testkit import golden
from sekisho.testkit.laws import streams
from sekisho.wire.sse import FrameDecoder, encode

ROOT = Path(__file__).parents[2] / "golden"
SOURCES = (DIALECT, openai_chat.DIALECT, anthropic_messages.DIALECT)
NOW = ReplyOptions(created=1_763_740_800)
EMPTY: dict[str, Any] = {"id": "resp_1", "model": "m", "status": "in_progress", "output": []}
DONE = {**EMPTY, "status": "completed"}


def sse(*events: dict[str, Any], ended: bool = True) -> bytes:
    begun = {"type": "response.created", "response": EMPTY}
    last = [{"type": "response.completed", "response": DONE}] if ended else []
    return b"".join(encode(msgspec.json.encode(event)) for event in (begun, *events, *last))


def of(kind: str, place: int = 0, /, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": place, **more}


def parts(data: bytes) -> tuple[Part, ...]:
    return fold(streams.read(DIALECT, [data])).choices[0].parts


def spoken(events: list[Event]) -> list[dict[str, Any]]:
    data = DIALECT.stream_writer(NOW).write(events)
    return [msgspec.json.decode(frame.data) for frame in FrameDecoder().feed(data)]


def items_done(events: list[Event]) -> list[dict[str, Any]]:
    return [event["item"] for event in spoken(events) if event["type"] == "response.output_item.done"]


# --- writing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "case"),
    [
        pytest.param(source, case, id=f"{source.name}-{case.name}")
        for source in SOURCES
        for case in golden.cases(ROOT, source.name)
        if case.stream is not None
    ],
)
def test_the_official_sdk_takes_every_event_and_adds_up_the_answer(source: Any, case: golden.Case) -> None:
    data = streams.write(DIALECT, streams.read(source, [case.stream or b""]), NOW)
    event_of = pydantic.TypeAdapter[Any](ResponseStreamEvent)
    state = ResponseStreamState[Any](input_tools=omit, text_format=omit)
    told = []
    for number, frame in enumerate(FrameDecoder().feed(data)):
        event = event_of.validate_json(frame.data, strict=True)
        assert (event.sequence_number, event.type.encode()) == (number, frame.event)
        if event.type == "response.output_item.done":
            told.append(event.item)
        state.handle_event(event)
    assert event.type in ("response.completed", "response.incomplete")
    assert event.response.output == told, "the last event repeats the items as they were told"


def test_calls_and_encrypted_reasoning_arrive_whole_with_their_items() -> None:
    call = ToolCall(id="call_1", name="f", arguments="")
    done = items_done(
        [
            Start(id="msg_1", model="m"),
            PartStart(index=0, part=Reasoning(text="")),
            TextDelta(index=0, text="Hm."),
            SignatureDelta(index=0, signature="E"),
            PartEnd(index=0),
            PartStart(index=1, part=RedactedReasoning(data="R")),
            PartEnd(index=1),
            PartStart(index=2, part=call),
            PartStart(index=3, part=msgspec.structs.replace(call, id="call_2")),
            TextDelta(index=3, text="{}"),
            TextDelta(index=2, text='{"a":1}'),
            PartEnd(index=3),
            PartEnd(index=2),
            End(finishes=(Finish(reason="tool_calls"),)),
        ]
    )
    assert [item["type"] for item in done] == ["reasoning", "reasoning", "function_call", "function_call"]
    assert done[0]["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert [item["encrypted_content"] for item in done[:2]] == ["E", "R"]
    assert [(item["call_id"], item["arguments"], item["status"]) for item in done[2:]] == [
        ("call_1", '{"a":1}', "completed"),
        ("call_2", "{}", "completed"),
    ]


def test_a_call_that_was_cut_off_is_not_completed() -> None:
    done = items_done(
        [
            Start(id="msg_1", model="m"),
            PartStart(index=0, part=ToolCall(id="call_1", name="f", arguments="")),
            TextDelta(index=0, text='{"a'),
            PartEnd(index=0),
            End(finishes=(Finish(reason="length"),)),
        ]
    )
    assert done[0]["status"] == "incomplete"


def test_log_probabilities_stand_in_deltas_and_with_the_whole_text() -> None:
    one = {"token": "a", "bytes": [97], "logprob": -0.5, "top_logprobs": []}
    said = spoken(
        [
            Start(id="msg_1", model="m"),
            PartStart(index=0, part=Text(text="")),
            TextDelta(index=0, text="a"),
            LogprobsDelta(choice=0, raw=msgspec.Raw(msgspec.json.encode({"content": [one]}))),
            PartEnd(index=0),
            End(finishes=(Finish(reason="stop"),)),
        ]
    )
    deltas = [event for event in said if event["type"] == "response.output_text.delta"]
    assert [(event["delta"], event["logprobs"]) for event in deltas] == [("a", []), ("", [one])]
    assert said[-1]["response"]["output"][0]["content"][0]["logprobs"] == [one]


# --- reading ---------------------------------------------------------------------------------------


def test_what_came_without_deltas_is_read_where_it_is_first_said_whole() -> None:
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}
    by_part = sse(
        of("content_part.done", part={"type": "output_text", "text": "Hi."}),
        of("output_item.done", item=message),
    )
    by_item = sse(of("output_item.done", item=message))
    by_answer = sse(ended=False) + encode(
        msgspec.json.encode({"type": "response.completed", "response": {**DONE, "output": [message]}})
    )
    for data in (by_part, by_item, by_answer):
        streams.tapped(DIALECT, data)
        assert [getattr(part, "text", None) for part in parts(data)] == ["Hi."]


def test_items_that_overlap_stay_well_formed() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
    found = parts(
        sse(
            of("output_item.added", item={"type": "message", "role": "assistant", "content": []}),
            of("output_text.delta", delta="One"),
            of("output_item.added", 1, item=call),
            of("function_call_arguments.delta", 1, delta="{"),
            of("output_item.done", 2, item={"type": "web_search_call", "id": "ws_1", "status": "completed"}),
            of("function_call_arguments.delta", 1, delta="}"),
            of("output_item.done", item={"type": "message", "role": "assistant", "content": []}),
            of("output_item.done", 1, item={**call, "arguments": "{}"}),
            of("refusal.delta", 3, delta="No."),
        )
    )
    assert [type(part) for part in found] == [Text, ToolCall, Opaque, Refusal]
    assert [getattr(part, "arguments", None) for part in found] == [None, "{}", None, None]


def test_a_stream_without_its_last_event_is_cut_off_whatever_else_ends_it() -> None:
    data = sse(of("output_text.delta", delta="Hi"), ended=False) + b"data: [DONE]\n\n"
    for needs_terminator in (True, False):
        reader, tap = DIALECT.stream_reader(), DIALECT.tap(NOW)
        reader.feed(data)
        tap.feed(data)
        for end in (reader, tap):
            with pytest.raises(Truncated):
                end.finish(needs_terminator=needs_terminator)


def test_what_follows_the_last_event_means_nothing() -> None:
    data = sse() + b"data: [DONE]\n\ndata: x\n\n"
    assert streams.read(DIALECT, [data]) == streams.read(DIALECT, [sse()])
    assert streams.relay(DIALECT, [data])[1] == data


@pytest.mark.parametrize(
    "event",
    [
        of("function_call_arguments.delta", delta="{"),
        of("output_item.added", item={"type": "function_call"}),
        of("output_item.added"),
    ],
)
def test_events_that_make_no_sense_are_the_providers_fault(event: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        streams.read(DIALECT, [sse(event)])


def test_events_of_a_future_kind_pass() -> None:
    data = sse(
        {"type": "response.shell_call_output_content.delta", "delta": {"stdout": "x"}}, {"type": "keepalive"}
    )
    assert parts(data) == ()
    assert streams.relay(DIALECT, [data])[1] == data


def test_an_item_that_ends_as_another_kind_than_it_began_adds_nothing() -> None:
    begun = of(
        "output_item.added", item={"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
    )
    ended = of("output_item.done", item={"type": "message", "role": "assistant", "content": []})
    assert [getattr(part, "arguments", None) for part in parts(sse(begun, ended))] == [""]


def test_log_probabilities_that_come_after_their_text_are_told_with_its_item() -> None:
    likely = msgspec.Raw(b'{"content":[{"token":"Hi","logprob":-0.1,"bytes":[72,105],"top_logprobs":[]}]}')
    reply = Reply(
        id="resp_1",
        model="m",
        choices=(Choice(parts=(Text(text="Hi"),), finish=Finish(reason="stop"), logprobs=likely),),
    )
    written = DIALECT.stream_writer(ReplyOptions()).write(unfold(reply))
    again = fold(DIALECT.stream_reader().feed(written))
    assert again.choices[0].logprobs == likely
    last = msgspec.json.decode(written.split(b"data: ")[-1])
    assert last["response"]["output"][0]["content"][0]["logprobs"][0]["token"] == "Hi"
