"""What Google's SDK sends back of a stream: its chats keep every event as a content of its own."""

from typing import Any

import msgspec

from sekisho.core.event import End, Event, PartEnd, PartStart, SignatureDelta, Start, TextDelta
from sekisho.core.message import Message, Reasoning, Text, ToolCall
from sekisho.core.reply import Finish
from sekisho.dialects.gemini_generate import DIALECT
from sekisho.testkit.laws import streams

USER = {"role": "user", "parts": [{"text": "hi"}]}
STREAM: list[Event] = [
    Start(id="r", model="m"),
    PartStart(index=0, part=Reasoning(text="")),
    TextDelta(index=0, text="What is "),
    TextDelta(index=0, text="beyond?"),
    SignatureDelta(index=0, signature="c2VhbA=="),
    PartEnd(index=0),
    PartStart(index=1, part=Text(text="")),
    TextDelta(index=1, text="関所を"),
    TextDelta(index=1, text="越える。"),
    PartEnd(index=1),
    PartStart(index=2, part=ToolCall(id="call_1", name="clock", arguments="")),
    TextDelta(index=2, text="{}"),
    PartEnd(index=2),
    End(finishes=(Finish(reason="tool_calls"),)),
]


def events(stream: list[Event]) -> list[Any]:
    frames = streams.write(DIALECT, stream).split(b"\n\n")
    return [msgspec.json.decode(frame.removeprefix(b"data: ")) for frame in frames if frame]


def read(*contents: object) -> tuple[Message, ...]:
    return DIALECT.read_request(msgspec.json.encode({"contents": contents})).messages


def test_every_event_has_a_part_or_the_sdks_chats_forget_the_turn() -> None:
    written = events(STREAM)
    assert all(event["candidates"][0]["content"]["parts"] for event in written)
    assert written[-1]["candidates"][0]["content"] == {"role": "model", "parts": [{"text": ""}]}


def test_the_events_of_a_turn_are_one_message_again() -> None:
    contents = [event["candidates"][0]["content"] for event in events(STREAM)]
    assert len(contents) > 5
    asked, said, asked_again = read(USER, *contents, USER)
    assert asked == asked_again
    assert said.role == "assistant"
    assert [part for part in said.parts if not isinstance(part, Text)] == [
        Reasoning(text="What is beyond?", signature="c2VhbA=="),
        ToolCall(id="call_1", name="clock", arguments="{}"),
    ]
    assert [part.text for part in said.parts if isinstance(part, Text)] == ["関所を", "越える。"]


def test_thoughts_without_a_signature_and_turns_of_nothing_stay_as_they_came() -> None:
    thoughts = [{"text": "one", "thought": True}, {"text": "two", "thought": True}]
    spoken = {"role": "model", "parts": [*thoughts, {"text": "said"}]}
    silent = {"role": "model", "parts": [{"text": ""}]}
    _, said, _, nothing = read(USER, spoken, USER, silent)
    assert said.parts == (Reasoning(text="one"), Reasoning(text="two"), Text(text="said"))
    assert nothing.parts == (Text(text=""),)
    assert read(USER, silent, silent)[-1].parts == (Text(text=""),)
