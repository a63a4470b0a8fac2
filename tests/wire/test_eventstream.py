"""AWS's framing, held to botocore's and to the testkit's own."""

import itertools
import struct
from pathlib import Path
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sekisho.core.error import Malformed
from sekisho.testkit import eventframes, golden
from sekisho.wire import eventstream
from sekisho.wire.eventstream import Frame, FrameDecoder

GOLDEN = Path(__file__).parents[1] / "golden"
STREAMS = {case.name: case.stream for case in golden.cases(GOLDEN, "bedrock_converse") if case.stream}
SHORT = STREAMS["max_tokens"]
ONE = eventstream.encode(eventstream.encode_headers({":event-type": "metadata"}), b'{"a":1}')


def prelude(total: int, headers: int) -> bytes:
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", crc32(lengths))


def with_headers(block: bytes) -> bytes:
    return eventstream.encode(block, b"")


@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_read_as_botocore_reads_them(name: str) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(STREAMS[name])
    theirs = [(event.headers, event.payload) for event in buffer]
    ours = [(frame.headers, frame.payload) for frame in FrameDecoder().feed(STREAMS[name])]
    assert ours == theirs
    assert len(theirs) > 2


def test_messages_are_written_as_others_write_them() -> None:
    said = {":event-type": "contentBlockDelta", ":message-type": "event"}
    payload = '{"text":"関所"}'.encode()
    ours = eventstream.encode(eventstream.encode_headers(said), payload)
    theirs = eventframes.headers(event_type="contentBlockDelta", message_type="event")
    assert ours == eventframes.message(theirs, payload)
    buffer = EventStreamBuffer()
    buffer.add_data(ours)
    assert [(event.headers, event.payload) for event in buffer] == [(said, payload)]


@given(st.lists(st.integers(0, len(SHORT)), max_size=8))
def test_any_split_gives_the_same_messages(cuts: list[int]) -> None:
    decoder = FrameDecoder()
    places = [0, *sorted(cuts), len(SHORT)]
    pieces = [SHORT[start:end] for start, end in itertools.pairwise(places)]
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == FrameDecoder().feed(SHORT)


def test_a_message_is_given_with_its_last_byte() -> None:
    decoder = FrameDecoder()
    given_by = [len(decoder.feed(ONE[at : at + 1])) for at in range(len(ONE))]
    assert given_by == [0] * (len(ONE) - 1) + [1]
    assert decoder.feed(ONE)[0].raw == ONE


@pytest.mark.parametrize("place", range(len(ONE)))
def test_no_wrong_byte_goes_unnoticed(place: int) -> None:
    broken = ONE[:place] + bytes([ONE[place] ^ 0x10]) + ONE[place + 1 :]
    with pytest.raises(Malformed):
        FrameDecoder().feed(broken)


@pytest.mark.parametrize(
    ("total", "headers"),
    [
        (0xFFFFFFFF, 20),
        (2**31, 0),
        (eventstream.MAX_PAYLOAD + 17, 0),
        (eventstream.MAX_HEADERS + 64, eventstream.MAX_HEADERS + 1),
        (15, 0),
        (0, 0),
        (40, 30),
    ],
)
def test_an_endless_or_senseless_length_is_refused_with_the_prelude(total: int, headers: int) -> None:
    with pytest.raises(Malformed, match="bytes"):
        FrameDecoder().feed(prelude(total, headers))


def test_every_type_of_header_is_read_as_botocore_reads_it() -> None:
    values = {
        b"\x00": True,
        b"\x01": False,
        b"\x02\xff": -1,
        b"\x03\x01\x00": 256,
        b"\x04\xff\xff\xff\xfe": -2,
        b"\x05" + b"\x00" * 7 + b"\x07": 7,
        b"\x06\x00\x02\x00\xff": b"\x00\xff",
        b"\x07\x00\x06" + "関所".encode(): "関所",
        b"\x08" + b"\x00" * 6 + b"\x03\xe8": 1000,
        b"\x09" + bytes(range(16)): bytes(range(16)),
    }
    block = b"".join(b"\x02h" + str(at).encode() + value for at, value in enumerate(values))
    expected = {f"h{at}": value for at, value in enumerate(values.values())}
    assert eventstream.read_headers(block) == expected
    buffer = EventStreamBuffer()
    buffer.add_data(with_headers(block))
    assert next(iter(buffer)).headers == expected


@pytest.mark.parametrize(
    "block",
    [
        b"\x05ab",
        b"\x01a",
        b"\x01a\x0a",
        b"\x01a\x07\x00",
        b"\x01a\x07\x00\x05abc",
        b"\x01a\x09abc",
        b"\x01a\x04\x00",
        b"\x01a\x07\x00\x01\xff",
        b"\x01\xff\x00",
        b"\x01a\x00\x01a\x00",
    ],
)
def test_broken_headers_are_refused(block: bytes) -> None:
    with pytest.raises(Malformed):
        FrameDecoder().feed(with_headers(block))


def test_headers_are_not_taken_over_from_the_message_before() -> None:
    other = eventstream.encode(eventstream.encode_headers({":event-type": "other"}), b"")
    found = [frame.headers for frame in FrameDecoder().feed(ONE + ONE + other + ONE)]
    assert [headers[":event-type"] for headers in found] == ["metadata", "metadata", "other", "metadata"]


@settings(max_examples=300)
@given(st.binary(max_size=80))
@example(b"HTTP/1.1 200 OK")
@example(b"<html></html>")
def test_bytes_of_any_kind_are_messages_or_malformed(data: bytes) -> None:
    framed = with_headers(data)
    for fed in (data, framed, prelude(16 + len(data), len(data)) + data):
        try:
            ours: list[Frame] | None = FrameDecoder().feed(fed)
        except Malformed:
            ours = None
        assert ours is not None or not _botocore_takes(fed)


def _botocore_takes(data: bytes) -> bool:
    """Whether botocore reads it, too. It leaves texts of a wrong encoding to its callers."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    try:
        found = [event.headers for event in buffer]
    except (ParserError, UnicodeDecodeError, KeyError, struct.error):
        return False
    return any(found)
