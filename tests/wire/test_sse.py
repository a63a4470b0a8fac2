from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.error import Malformed
from sekisho.wire.sse import MAX_EVENT, Frame, FrameDecoder, encode

pieces = st.lists(
    st.sampled_from([b"data: a", b"data", b"data:b", b"event: e", b": note", b"\n", b"\r", b"\r\n", b"\n\n"]),
    max_size=24,
).map(b"".join)


def decode(*chunks: bytes) -> list[Frame]:
    decoder = FrameDecoder()
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.finish()


def meaning(frames: list[Frame]) -> list[tuple[bytes, bytes]]:
    return [(frame.event, frame.data) for frame in frames]


@given(st.sampled_from([b"", b"\xef\xbb\xbf"]), pieces, st.lists(st.integers(0, 200), max_size=8))
def test_any_split_of_the_same_bytes_gives_the_same_frames(bom: bytes, data: bytes, cuts: list[int]) -> None:
    data = bom + data
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(places)]
    whole = decode(data)
    assert decode(*chunks) == whole
    assert decode(*(data[place : place + 1] for place in range(len(data)))) == whole
    assert b"".join(frame.raw for frame in whole).strip() == data.removeprefix(b"\xef\xbb\xbf").strip()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_is_understood(end: bytes) -> None:
    data = end.join([b": hello", b"", b"event: e", b"data: one", b"data:two", b"data", b"id: 7", b"", b""])
    assert meaning(decode(data)) == [(b"", b""), (b"e", b"one\ntwo\n")]


def test_only_one_space_after_the_colon_is_syntax() -> None:
    assert meaning(decode(b"data:  x\n\n")) == [(b"", b" x")]


def test_a_byte_order_mark_may_begin_the_stream_but_nothing_else() -> None:
    assert meaning(decode(b"\xef\xbb", b"\xbfdata: x\n\n")) == [(b"", b"x")]
    assert meaning(decode(b"data: x\n\n\xef\xbb\xbfdata: y\n\n")) == [(b"", b"x"), (b"", b"")]


def test_a_character_cut_in_two_is_put_together() -> None:
    text = "関所".encode()
    assert decode(b"data: " + text[:4], text[4:] + b"\n\n") == [Frame(b"data: " + text + b"\n\n", b"", text)]


def test_a_last_event_without_its_blank_line_is_given_at_the_end() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(b"data: x\n\ndata: y") == [Frame(b"data: x\n\n", b"", b"x")]
    assert decoder.finish() == [Frame(b"data: y", b"", b"y")]
    assert decoder.finish() == []


def test_an_event_that_a_lone_carriage_return_ended_is_not_joined_with_the_next() -> None:
    assert meaning(decode(b"data: x\r\n\r", b"data: y")) == [(b"", b"x"), (b"", b"y")]


@pytest.mark.parametrize("chunk", [b"x" * 65536, b"data: " + b"x" * 65530])
def test_an_endless_event_is_malformed(chunk: bytes) -> None:
    with pytest.raises(Malformed):
        decode(*[chunk] * (MAX_EVENT // len(chunk) + 1))
    with pytest.raises(Malformed):
        FrameDecoder().feed(b"data: " + b"x" * MAX_EVENT + b"\n\n")


def test_many_events_in_one_piece_are_not_an_endless_one() -> None:
    event = b"data: " + b"x" * 65536 + b"\n\n"
    count = MAX_EVENT // len(event) + 2
    assert len(FrameDecoder().feed(event * count)) == count


def test_a_long_event_of_short_lines_is_copied_once_only() -> None:
    """Counted in pieces that are kept rather than in seconds: nothing is joined before the end."""
    decoder = FrameDecoder()
    for _ in range(50_000):
        assert decoder.feed(b"data: x\n") == []
    assert len(decoder._held) == 50_000
    assert decoder.feed(b"\n")[0].data == b"\n".join([b"x"] * 50_000)


@given(st.binary().filter(lambda data: b"\n" not in data and b"\r" not in data), st.sampled_from([b"", b"e"]))
def test_what_is_encoded_is_decoded(data: bytes, event: bytes) -> None:
    assert meaning(decode(encode(data, event))) == [(event, data)]
