"""Streams: pieces that belong together, and the framing without server-sent events."""

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed, Overloaded, Truncated
from sekisho.core.event import End, Event, PartEnd, PartStart, Start, TextDelta
from sekisho.core.fold import fold
from sekisho.core.message import Reasoning, Text, ToolCall
from sekisho.core.reply import Finish
from sekisho.core.usage import Usage
from sekisho.dialects.gemini_generate import DIALECT
from sekisho.testkit.laws import streams

ARRAY = ReplyOptions(framing="json_array")


def event(*parts: object, **candidate: object) -> bytes:
    candidate.setdefault("index", 0)
    content = {"role": "model", "parts": list(parts)}
    body = {"candidates": [{"content": content, **candidate}], "modelVersion": "m", "responseId": "r"}
    return b"data: " + msgspec.json.encode(body) + b"\r\n\r\n"


TEXT = event({"text": "Hel"}) + event({"text": "lo"}, finishReason="STOP")


def test_a_signature_seals_the_text_that_it_follows() -> None:
    data = (
        event({"text": "Think", "thought": True})
        + event({"text": "", "thought": True, "thoughtSignature": "czE="})
        + event({"text": "Say"})
        + event({"text": "", "thoughtSignature": "czI="})
        + event({"text": "More"}, finishReason="STOP")
    )
    vendor = {"gemini_generate": {"thoughtSignature": msgspec.Raw(b'"czI="')}}
    assert fold(streams.read(DIALECT, [data])).choices[0].parts == (
        Reasoning(text="Think", signature="czE="),
        Text(text="Say", vendor=vendor),
        Text(text="More"),
    )


def test_a_stream_is_over_when_it_ends_after_all_candidates_have() -> None:
    second = event({"text": "b"}, index=1)
    reader, tap = DIALECT.stream_reader(), DIALECT.tap(ReplyOptions())
    for data in (TEXT, second):
        assert not any(isinstance(found, End) for found in reader.feed(data))
        tap.feed(data)
        assert not tap.complete
    for finish in (reader.finish, tap.finish):
        with pytest.raises(Truncated):
            finish()


def test_a_candidate_that_skips_the_ones_before_it_is_no_answer() -> None:
    reader = DIALECT.stream_reader()
    reader.feed(event({"text": "x"}, index=10**9, finishReason="STOP"))
    with pytest.raises(Truncated):
        reader.finish()
    with pytest.raises(Malformed):
        DIALECT.stream_reader().feed(event({"text": "x"}, index=-1))


def test_a_call_is_written_whole_and_arguments_that_broke_off_are_not_lost() -> None:
    writer = DIALECT.stream_writer(ReplyOptions())
    begun: list[Event] = [
        Start(id="r", model="m"),
        PartStart(index=0, part=ToolCall(id="1", name="f", arguments="")),
        TextDelta(index=0, text='{"a": '),
        TextDelta(index=0, text="[1"),
    ]
    assert writer.write(begun) == b""
    written = writer.write([PartEnd(index=0)])
    call = msgspec.json.decode(written[6:])["candidates"][0]["content"]["parts"][0]["functionCall"]
    assert call == {"id": "1", "name": "f", "args": {"_raw": '{"a": [1'}}
    ended = writer.write([End(finishes=(Finish(reason="length"),), usage=Usage(input=3, output=4))])
    again = fold(streams.read(DIALECT, [written + ended]))
    part = again.choices[0].parts[0]
    assert isinstance(part, ToolCall)
    assert (part.arguments, again.choices[0].finish.reason) == ('{"a": [1', "length")


def elements(data: bytes) -> list[object]:
    found = msgspec.json.decode(data)
    assert isinstance(found, list)
    return found


def test_a_client_that_wants_an_array_gets_one_relayed_or_written() -> None:
    tap, relayed = streams.relay(DIALECT, [TEXT], ARRAY)
    assert tap.complete
    assert relayed.startswith(b"[{")
    assert b"},\r\n{" in relayed
    assert elements(relayed) == [msgspec.json.decode(frame[6:]) for frame in TEXT.split(b"\r\n\r\n") if frame]
    written = elements(streams.write(DIALECT, streams.read(DIALECT, [TEXT]), ARRAY))
    frames = b"".join(b"data: " + msgspec.json.encode(element) + b"\n\n" for element in written)
    assert fold(streams.read(DIALECT, [frames])) == fold(streams.read(DIALECT, [TEXT]))


def test_an_error_closes_the_array() -> None:
    error = Overloaded("the provider is overloaded", retry_after=2)
    tap = DIALECT.tap(ARRAY)
    begun = tap.feed(event({"text": "Hel"}))
    found = elements(begun + DIALECT.write_error_frame(error, "req_1", "json_array"))
    assert found[1]["error"]["status"] == "UNAVAILABLE"  # type: ignore[index] # JSON
    writer = DIALECT.stream_writer(ARRAY)
    begun = writer.write([Start(id="r", model="m")])
    assert len(elements(begun + DIALECT.write_error_frame(error, "req_1", "json_array"))) == 2


def test_a_whole_body_in_place_of_a_stream_is_the_error_that_it_says() -> None:
    body = b'{\n  "error": {\n    "code": 503,\n    "status": "UNAVAILABLE"\n  }\n}\n'
    for reader in (DIALECT.stream_reader(), DIALECT.tap(ReplyOptions())):
        reader.feed(body)
        with pytest.raises(Overloaded):
            reader.finish()
