"""Streams that keep the rules, that break them, and what is made of both."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed, ProviderFailed, Truncated, UpstreamError
from sekisho.core.event import End, Event, PartEnd, PartStart, Start, TextDelta
from sekisho.core.fold import fold
from sekisho.core.message import Image, Inline, Reasoning, RedactedReasoning, Text, ToolCall
from sekisho.core.reply import Finish
from sekisho.dialects.bedrock_converse import DIALECT
from sekisho.testkit import eventframes
from sekisho.testkit.laws import streams
from sekisho.wire import json

START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})
END = (
    "metadata",
    {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 1}},
)


def frame(name: str, payload: Any, **headers: str) -> bytes:
    said = headers or {"event_type": name, "content_type": "application/json", "message_type": "event"}
    data = payload if isinstance(payload, bytes) else json.encode(payload)
    return eventframes.message(eventframes.headers(**said), data)


def data(*events: Any) -> bytes:
    return b"".join(frame(name, payload) for name, payload in events)


def delta(at: int, **said: Any) -> Any:
    return ("contentBlockDelta", {"contentBlockIndex": at, "delta": said})


def tool(at: int, call: str) -> Any:
    start = {"toolUse": {"toolUseId": call, "name": "look"}}
    return ("contentBlockStart", {"contentBlockIndex": at, "start": start})


def stop(at: int) -> Any:
    return ("contentBlockStop", {"contentBlockIndex": at})


def parts(*events: Any) -> Any:
    return fold(streams.read(DIALECT, [data(START, *events, STOP, END)])).choices[0].parts


def test_blocks_begin_with_their_first_delta_and_may_lack_their_stop() -> None:
    found = parts(
        delta(0, reasoningContent={"text": "Hm"}),
        delta(0, reasoningContent={"signature": "s"}),
        delta(1, text="Well"),
        delta(1, text="."),
        tool(2, "a"),
        delta(2, toolUse={"input": "{}"}),
    )
    assert found == (
        Reasoning(text="Hm", signature="s"),
        Text(text="Well."),
        ToolCall(id="a", name="look", arguments="{}"),
    )


def test_another_kind_of_delta_at_the_same_index_begins_another_part() -> None:
    assert parts(delta(0, reasoningContent={"text": "Hm"}), delta(0, text="Well.")) == (
        Reasoning(text="Hm"),
        Text(text="Well."),
    )


def test_tool_calls_may_interleave() -> None:
    found = parts(
        tool(0, "a"),
        tool(1, "b"),
        delta(1, toolUse={"input": '{"n":'}),
        delta(0, toolUse={"input": '{"m":1}'}),
        delta(1, toolUse={"input": "2}"}),
        stop(1),
        stop(0),
    )
    assert [part.arguments for part in found] == ['{"m":1}', '{"n":2}']


def test_content_in_pieces_of_base64_becomes_one() -> None:
    assert parts(
        delta(0, reasoningContent={"redactedContent": "aGk="}),
        delta(0, reasoningContent={"redactedContent": "aG8="}),
        stop(0),
        ("contentBlockStart", {"contentBlockIndex": 1, "start": {"image": {"format": "png"}}}),
        delta(1, image={"source": {"bytes": "aGk="}}),
    ) == (
        RedactedReasoning(data="aGlobw=="),
        Image(source=Inline(media_type="image/png", data="aGk=")),
    )


@pytest.mark.parametrize(
    "events",
    [
        [delta(0, text="before the start")],
        [START, START],
        [END],
        [START, delta(0, toolUse={"input": "{}"})],
        [START, delta(0, text="a"), delta(0, toolUse={"input": "{}"})],
        [START, delta(0, image={"source": {"bytes": "aGk="}})],
        [START, ("contentBlockDelta", b"[]")],
        [START, ("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"\xff"}}')],
        [START, ("contentBlockStart", {"contentBlockIndex": 0, "start": {}})],
        [
            START,
            delta(0, reasoningContent={"redactedContent": "!"}),
            delta(0, reasoningContent={"redactedContent": "a"}),
            STOP,
        ],
    ],
)
def test_what_breaks_the_rules_is_malformed(events: list[Any]) -> None:
    with pytest.raises(Malformed):
        DIALECT.stream_reader().feed(data(*events))


def test_a_stream_ends_with_its_metadata_and_nothing_counts_after_it() -> None:
    reader = DIALECT.stream_reader()
    events = reader.feed(data(START, delta(0, text="a"), STOP))
    assert not any(isinstance(event, End) for event in events)
    with pytest.raises(Truncated):
        reader.finish()
    events = reader.feed(data(END, delta(0, text="b"), ("unheardOf", {})))
    assert [type(event) for event in events] == [End]
    assert reader.finish() == []


def test_a_provider_that_leaves_metadata_out_is_complete_with_its_stop() -> None:
    for events, complete in (([START, STOP], True), ([START], False)):
        reader, tap = DIALECT.stream_reader(), DIALECT.tap(ReplyOptions())
        reader.feed(data(*events))
        tap.feed(data(*events))
        if complete:
            assert isinstance(reader.finish(needs_terminator=False)[-1], End)
            tap.finish(needs_terminator=False)
            assert tap.complete
        else:
            with pytest.raises(Truncated):
                reader.finish(needs_terminator=False)
            with pytest.raises(Truncated):
                tap.finish(needs_terminator=False)


def test_an_error_below_the_events_is_raised_with_its_words() -> None:
    broken = frame("", b"", error_code="InternalFailure", error_message="it broke", message_type="error")
    for feed in (DIALECT.stream_reader().feed, DIALECT.tap(ReplyOptions()).feed):
        with pytest.raises(ProviderFailed, match="it broke") as caught:
            feed(data(START) + broken)
        assert caught.value.provider_code == "InternalFailure"
    odd = frame("", b"{}", message_type="other")
    with pytest.raises(Malformed):
        DIALECT.stream_reader().feed(odd)


@given(st.binary(max_size=40) | st.text(max_size=20).map(json.encode))
def test_a_payload_of_any_kind_is_an_event_or_malformed(payload: bytes) -> None:
    for name in (
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ):
        streams.read_is_total(DIALECT, data(START) + frame(name, payload) + data(STOP, END))
        streams.read_is_total(DIALECT, frame(name, payload, exception_type=name, message_type="exception"))


def test_what_overlaps_is_written_one_after_the_other() -> None:
    events: list[Event] = [
        Start(id="1", model="m"),
        PartStart(index=0, part=ToolCall(id="a", name="look", arguments="")),
        PartStart(index=1, part=ToolCall(id="b", name="look", arguments="")),
        TextDelta(index=1, text="{}"),
        TextDelta(index=0, text="{"),
        PartEnd(index=1),
        TextDelta(index=0, text="}"),
        PartEnd(index=0),
        End(finishes=(Finish(reason="tool_calls"),)),
    ]
    written = [
        msgspec.json.decode(message.payload) for message in eventframes.split(streams.write(DIALECT, events))
    ]
    assert [each.get("contentBlockIndex") for each in written] == [None, 0, 0, 0, 0, 1, 1, 1, None, None]


def test_a_block_without_a_word_is_written_all_the_same() -> None:
    events: list[Event] = [
        Start(id="1", model="m"),
        PartStart(index=0, part=Text(text="")),
        PartEnd(index=0),
        End(finishes=(Finish(reason="stop"),)),
    ]
    assert fold(streams.read(DIALECT, [streams.write(DIALECT, events)])).choices[0].parts == (Text(text=""),)


def test_a_stream_that_was_relayed_in_part_ends_in_an_error_that_readers_see() -> None:
    whole = data(START, delta(0, text="a"))
    ended = whole + DIALECT.write_error_frame(Truncated("it broke off"), "gen-1", "eventstream")
    with pytest.raises(UpstreamError, match="it broke off"):
        DIALECT.stream_reader().feed(ended)
