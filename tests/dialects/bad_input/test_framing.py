"""Frames that are spelled oddly, and frames that are broken: comments, marks and line ends of server-sent
events, checksums and lengths of AWS's."""

import binascii
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.dialects.bad_input.shapes import SSE

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect
from sekisho.core.error import Malformed, Truncated
from sekisho.core.fold import fold
from sekisho.testkit import eventframes, golden
from sekisho.testkit.laws import streams

ROOT = Path(__file__).parents[2] / "golden"
CASES = [
    pytest.param(dialect, case.stream, id=f"{dialect.name}-{case.name}")
    for dialect in SSE
    for case in golden.cases(ROOT, dialect.name)
    if case.stream is not None
]
Respell = Callable[[bytes], bytes]


def plain(data: bytes) -> bytes:
    """With the line ends that most servers send."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def commented(data: bytes) -> bytes:
    ping = b": ping - 2026-11-20 09:00:00\n\n"
    return ping + plain(data).replace(b"\n\n", b"\n\n" + ping + b":\n\nretry: 3000\nid: 7\n\n")


SPELLINGS: dict[str, Respell] = {
    "comments": commented,
    "mark": lambda data: b"\xef\xbb\xbf" + data,
    "CRLF": lambda data: plain(data).replace(b"\n", b"\r\n"),
    "lone CR": lambda data: plain(data).replace(b"\n", b"\r"),
    "no space": lambda data: data.replace(b"\ndata: ", b"\ndata:").replace(b"event: ", b"event:"),
    "no last line end": lambda data: data[:-1] if data.endswith(b"\n\n") else data,
}


@pytest.mark.parametrize(("dialect", "data"), CASES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_stream_in_another_spelling_is_the_same_stream(
    dialect: Dialect, data: bytes, spelling: str
) -> None:
    respelled = SPELLINGS[spelling](data)
    meant = fold(streams.read(dialect, [data]))
    for pieces in ([respelled], streams.split(respelled, range(0, len(respelled), 13))):
        assert fold(streams.read(dialect, pieces)) == meant
        tap, relayed = streams.relay(dialect, pieces)
        assert tap.complete
        # Where the end of the last event is only known with the stream's, a line end may make it plain.
        assert relayed.rstrip() == respelled.removeprefix(streams.BYTE_ORDER_MARK).rstrip()
        assert fold(streams.read(dialect, [relayed])) == meant
        assert tap.facts.usage == meant.usage


@pytest.mark.parametrize("dialect", SSE, ids=lambda dialect: dialect.name)
def test_comments_alone_are_no_stream(dialect: Dialect) -> None:
    data = b"\xef\xbb\xbf: ping\n\n:\r\r: ping\r\n\r\n"
    tap = dialect.tap(streams.HIDDEN)
    assert tap.feed(data) == data.removeprefix(streams.BYTE_ORDER_MARK)
    assert not tap.started
    for finish in (tap.finish, lambda: streams.read(dialect, [data])):
        with pytest.raises(Truncated):
            finish()


# --- AWS's messages -------------------------------------------------------------------------------

CONVERSE = DIALECTS["bedrock_converse"]
START = eventframes.from_lines(b'{"event":"messageStart","payload":{"role":"assistant"}}')


def lengths(total: int, headers: int) -> bytes:
    """A prelude whose own checksum is right."""
    prelude = total.to_bytes(4, "big") + headers.to_bytes(4, "big")
    return prelude + binascii.crc32(prelude).to_bytes(4, "big")


BROKEN = {
    "payload": START[:-6] + bytes([START[-6] ^ 1]) + START[-5:],
    "checksum": START[:-1] + bytes([START[-1] ^ 1]),
    "prelude": START[:8] + bytes([START[8] ^ 1]) + START[9:],
    "endless": lengths(2**31, 0) + START,
    "endless headers": lengths(2**24, 2**23) + START,
    "too short": lengths(15, 0) + START,
    "more headers than message": lengths(40, 60) + START,
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_broken_message_of_aws_is_malformed_for_who_reads_and_who_relays(name: str, size: int) -> None:
    data = START + BROKEN[name]
    pieces = streams.split(data, range(0, len(data), size))
    for way in (streams.read, streams.relay):
        with pytest.raises(Malformed):
            way(CONVERSE, pieces)


def test_what_came_before_a_broken_message_has_been_relayed() -> None:
    tap = CONVERSE.tap(streams.HIDDEN)
    assert tap.feed(START) == START
    with pytest.raises(Malformed):
        tap.feed(BROKEN["checksum"])
