"""What servers may send, well-formed or not: the same result as a well-kept client, or a typed error."""

import asyncio
import gzip
import zlib

import aiohttp
import pytest

from sekisho.core.error import Malformed, Truncated, Unreachable, UpstreamError

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
TEXT = b"The barrier keeper counts. " * 40


def sized(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines)
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


WELL_FORMED = {
    "sized": sized(b"hello"),
    "empty": sized(b""),
    "error status": sized(b'{"error":{}}', status=b"529 "),
    "no reason": b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
    "chunked": CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    "upper hex, zeros": CHUNKED + b"000A\r\n0123456789\r\n0\r\n\r\n",
    "extensions and trailers": CHUNKED + b'5;a=b;c="d"\r\nhello\r\n0;last\r\nx-sum: 1\r\nx-more: 2\r\n\r\n',
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    + sized(b"ok"),
    "many headers": sized(b"ok", *(b"x-%d: %s" % (n, b"v" * 50) for n in range(60))),
    "gzip": sized(gzip.compress(TEXT), b"content-encoding: gzip"),
    "deflate": sized(zlib.compress(TEXT), b"Content-Encoding: deflate"),
}
CLOSE_DELIMITED = {
    "http 1.0": b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil the end",
    "http 1.1": b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end",
    "http 1.0, sized": b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc",
    "close, sized": sized(b"abc", b"connection: close"),
    "gzip": OK + b"connection: close\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(TEXT),
}
HOSTILE = {
    "garbage": (b"SSH-2.0-OpenSSH_9.6\r\n", Malformed),
    "http/0.9": (b"hello", Malformed),
    "line feeds only": (b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok", Malformed),
    "status not a number": (b"HTTP/1.1 abc OK\r\n\r\n", Malformed),
    "switching protocols": (b"HTTP/1.1 101 X\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", Malformed),
    "header without colon": (OK + b"nonsense\r\n\r\n", Malformed),
    "folded header": (OK + b"a: b\r\n c\r\ncontent-length: 2\r\n\r\nok", Malformed),
    "duplicate length": (OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok", Malformed),
    "conflicting lengths": (OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok", Malformed),
    "length and chunked": (OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n", Malformed),
    "negative length": (OK + b"content-length: -1\r\n\r\n", Malformed),
    "length too short": (OK + b"content-length: 50\r\n\r\nshort", Truncated),
    "chunk size not hex": (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", Malformed),
    "chunk size overflow": (CHUNKED + b"FFFFFFFFFFFFFFFFFFFF\r\nhello", Malformed),
    "chunk size negative": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", Malformed),
    "chunk longer than said": (CHUNKED + b"2\r\nhello\r\n0\r\n\r\n", Malformed),
    "no last chunk": (CHUNKED + b"5\r\nhello\r\n", Truncated),
    "end in a chunk": (CHUNKED + b"50\r\nhello", Truncated),
    "end in the status line": (b"HTTP/1.1 2", Truncated),
    "end in the headers": (OK + b"content-le", Truncated),
    "nothing at all": (b"", Unreachable),
    "one huge header": (OK + b"x: " + b"a" * 70_000 + b"\r\ncontent-length: 2\r\n\r\nok", Malformed),
    "endless header": (OK + b"x: " + b"a" * 200_000, Malformed),
    "endless headers": (OK + b"x: 0123456789\r\n" * 10_000, Malformed),
    "endless interim answers": (b"HTTP/1.1 103 X\r\na: 0123456789\r\n\r\n" * 3000, Malformed),
    "endless trailers": (CHUNKED + b"2\r\nok\r\n0\r\n" + b"x: 0123456789\r\n" * 60_000, Malformed),
    "endless extension": (CHUNKED + b"2;" + b"x" * 800_000, Malformed),
    "gzip cut": (sized(gzip.compress(TEXT)[:-9], b"content-encoding: gzip"), Truncated),
    "gzip that is none": (sized(b"plain text", b"content-encoding: gzip"), Malformed),
    "gzip, then garbage": (sized(gzip.compress(TEXT) + b"junk", b"content-encoding: gzip"), Malformed),
    "br": (sized(b"\x0b\x02\x80hello\x03", b"content-encoding: br"), Malformed),
    "unknown encoding": (sized(b"x", b"content-encoding: rot13"), Malformed),
    "stacked encodings": (sized(b"x", b"content-encoding: gzip, gzip"), Malformed),
    "unknown transfer encoding": (OK + b"transfer-encoding: gzip\r\n\r\nabc", Malformed),
}


async def by_aiohttp(origin) -> tuple[int, bytes] | None:
    """What aiohttp makes of it; None where it raises."""
    try:
        async with (
            asyncio.timeout(10),
            aiohttp.ClientSession() as session,
            session.post(f"http://{origin.peer}/v1/x", data=b"{}") as response,
        ):
            return response.status, await response.read()
    except (aiohttp.ClientError, ValueError, ConnectionError):
        return None


@pytest.mark.parametrize("raw", WELL_FORMED.values(), ids=WELL_FORMED)
async def test_a_well_formed_answer_is_read_as_aiohttp_reads_it(hostile, fetch, raw) -> None:
    origin = await hostile.answering(raw)
    expected = await by_aiohttp(origin)
    assert expected is not None
    assert await fetch(origin) == expected
    assert await fetch(origin) == expected
    assert hostile.connections == 2, "the second call must have reused our connection"


@pytest.mark.parametrize("raw", CLOSE_DELIMITED.values(), ids=CLOSE_DELIMITED)
async def test_an_answer_that_ends_with_its_connection_is_read_as_aiohttp_reads_it(
    hostile, fetch, raw
) -> None:
    origin = await hostile.answering(raw, close=True)
    expected = await by_aiohttp(origin)
    assert expected is not None
    assert await fetch(origin) == expected
    assert await fetch(origin) == expected
    assert hostile.connections == 3


@pytest.mark.parametrize(("raw", "error"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_answer_is_a_typed_error(hostile, fetch, raw, error) -> None:
    origin = await hostile.answering(raw, close=True)
    await by_aiohttp(origin)
    with pytest.raises(UpstreamError) as raised:
        await fetch(origin)
    assert type(raised.value) is error
    assert str(origin.port) not in raised.value.message


@pytest.mark.parametrize("name", ["sized", "extensions and trailers", "interim answers", "gzip"])
async def test_any_split_of_an_answer_reads_the_same(hostile, fetch, name) -> None:
    raw = WELL_FORMED[name]
    whole = await fetch(await hostile.answering(raw))

    async def script(reader, writer) -> None:
        for split in range(1, len(raw)):
            await hostile.request(reader)
            writer.write(raw[:split])
            await asyncio.sleep(0.0005)
            writer.write(raw[split:])
        await hostile.request(reader)
        for index in range(len(raw)):
            writer.write(raw[index : index + 1])
            await asyncio.sleep(0)

    origin = await hostile.origin(script)
    connections = hostile.connections
    for _ in range(len(raw)):
        assert await fetch(origin) == whole
    assert hostile.connections == connections + 1


async def test_bytes_after_the_answer_end_the_connection_but_not_the_answer(hostile, fetch) -> None:
    for surplus in (b"GARBAGE", sized(b"second answer"), b"\0"):
        origin = await hostile.answering(sized(b"first") + surplus)
        before = hostile.connections
        assert await fetch(origin) == (200, b"first")
        assert await fetch(origin) == (200, b"first")
        assert hostile.connections == before + 2


async def test_the_head_is_delivered_before_the_body_fails(hostile, send) -> None:
    origin = await hostile.answering(CHUNKED + b"5\r\nhello\r\nzz\r\n", close=True)
    response = await send(origin)
    assert (response.status, response.header(b"transfer-encoding")) == (200, b"chunked")
    assert await response.chunk() == b"hello"
    with pytest.raises(Malformed):
        await response.chunk()
    response.close()


async def test_a_stream_ends_cleanly_only_where_its_framing_says_so(hostile, send) -> None:
    for framing, ends in ((b"5\r\nhello\r\n0\r\n\r\n", True), (b"5\r\nhello\r\n", False)):
        response = await send(await hostile.answering(CHUNKED, framing, close=True))
        assert await response.chunk() == b"hello"
        if ends:
            assert await response.chunk() == b""
            assert await response.chunk() == b""
        else:
            with pytest.raises(Truncated):
                await response.chunk()
        response.close()


async def test_a_compressed_stream_is_decoded_as_it_comes(hostile, send) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    second = packer.compress(b"data: 2\n\n") + packer.flush()
    head = OK + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (first, second)]
    response = await send(await hostile.answering(head, pieces[0], pieces[1], b"0\r\n\r\n", gap=0.02))
    assert await response.chunk() == b"data: 1\n\n"
    assert await response.chunk() == b"data: 2\n\n"
    assert await response.chunk() == b""


async def test_an_answer_over_the_limit_is_refused_also_when_it_only_grows_by_decoding(hostile, send) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    late = (CHUNKED, b"186a0\r\n" + bytes(100_000))
    for pieces in ((sized(bytes(70_000)),), (sized(bomb, b"content-encoding: gzip"),), late):
        response = await send(await hostile.answering(*pieces))
        with pytest.raises(Malformed, match="more than 66000 bytes"):
            await response.read(66_000)
        response.close()
    assert len(bomb) < 66_000


async def test_a_head_request_has_no_body_whatever_its_headers_say(hostile, fetch) -> None:
    origin = await hostile.answering(OK + b"content-length: 500\r\n\r\n")
    assert await fetch(origin, b"", method="HEAD") == (200, b"")
    assert b"content-length" not in hostile.requests[0][0]


async def test_the_request_arrives_as_it_was_built(hostile, fetch) -> None:
    origin = await hostile.answering(sized(b"ok"))
    for body in (b"", b"{}", b"x" * 3_000_000):
        await fetch(origin, body)
    assert [body for _, body in hostile.requests] == [b"", b"{}", b"x" * 3_000_000]
    assert hostile.requests[1][0] == (
        b"POST /v1/x HTTP/1.1\r\nhost: %b\r\naccept-encoding: identity\r\n" % origin.peer.encode()
        + b"content-type: application/json\r\ncontent-length: 2\r\n\r\n"
    )
