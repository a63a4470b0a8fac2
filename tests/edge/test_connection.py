"""The server's HTTP over raw sockets: what arrives in pieces, too slowly, too large or not as HTTP."""

import asyncio
import json
from typing import Any

import pytest
from tests.edge.serving import echo, request, serving, talk

from sekisho.edge.connection import Connection
from sekisho.edge.message import Request


def bodies(answer: bytes) -> list[Any]:
    return [json.loads(part[: part.index(b"}") + 1]) for part in answer.split(b"\r\n\r\n")[1:]]


async def test_a_request_in_single_bytes_is_answered() -> None:
    text = request("こんにちは".encode(), b"connection: close")
    async with serving() as (_, port):
        answer = await talk(port, *(text[i : i + 1] for i in range(len(text))))
    assert bodies(answer)[0] == {"method": "POST", "path": "/v1/x", "body": "こんにちは"}


async def test_pipelined_requests_are_answered_in_order_on_one_connection() -> None:
    async def slow_first(request: Request, out: Connection) -> None:
        await asyncio.sleep(0.05 if request.body == b"0" else 0)
        await echo(request, out)

    text = b"".join(request(str(number).encode()) for number in range(20))
    async with serving(slow_first) as (_, port):
        answer = await talk(port, text + request(b"last", b"connection: close"))
    assert [seen["body"] for seen in bodies(answer)] == [*map(str, range(20)), "last"]


async def test_a_chunked_body_is_put_together() -> None:
    head = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    async with serving() as (_, port):
        answer = await talk(port, head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")
    assert bodies(answer)[0]["body"] == "abcde"


async def test_expect_continue_is_answered_before_the_body() -> None:
    async with serving() as (_, port):
        text = request(b"ab", b"expect: 100-continue", b"connection: close")
        answer = await talk(port, text[:-2], text[-2:], pause=0.05)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_a_body_over_the_limit_is_refused_before_it_arrives() -> None:
    async with serving(body_bytes=100) as (_, port):
        announced = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n"
        answer = await talk(port, announced)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 bytes" in answer


async def test_a_chunked_body_over_the_limit_is_refused_as_soon_as_it_is() -> None:
    head = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    async with serving(body_bytes=100) as (_, port):
        answer = await talk(port, head, b"40\r\n" + b"a" * 64 + b"\r\n", b"40\r\n" + b"a" * 64 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_not_http_gets_400_and_is_closed(garbage: bytes) -> None:
    async with serving() as (_, port):
        assert (await talk(port, garbage)).startswith(b"HTTP/1.1 400 ")


async def test_headers_over_the_limit_are_refused() -> None:
    async with serving(head_bytes=2000) as (_, port):
        answer = await talk(port, b"GET / HTTP/1.1\r\n", b"x: " + b"a" * 1500, b"b" * 1500)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_headers_that_never_end_are_cut_off() -> None:
    async with serving(head_seconds=0.1) as (_, port):
        answer = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n")
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_never_ends_is_cut_off() -> None:
    async with serving(body_seconds=0.1) as (_, port):
        answer = await talk(port, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_an_idle_connection_is_closed_silently() -> None:
    async with serving(keep_alive_seconds=0.1) as (_, port):
        answer = await talk(port, request())
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1


async def test_http_1_0_gets_an_unchunked_stream_and_the_end_of_the_connection() -> None:
    async def stream(_: Request, out: Connection) -> None:
        out.start(200, b"")
        out.write(b"abc")
        out.end(b"def")

    async with serving(stream) as (_, port):
        answer = await talk(port, b"GET / HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nabcdef")
    assert b"chunked" not in answer


async def test_a_client_that_leaves_cancels_its_call() -> None:
    cancelled = asyncio.Event()

    async def forever(_: Request, out: Connection) -> None:
        out.start(200, b"")
        out.write(b"first")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with serving(forever) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request())
        await reader.readuntil(b"first")
        writer.close()
        async with asyncio.timeout(5):
            await cancelled.wait()
        assert server.connections == set()


async def test_a_client_that_reads_nothing_holds_the_writer_back_and_is_cut_off_in_the_end() -> None:
    written = 0
    ended = asyncio.Event()

    async def flood(_: Request, out: Connection) -> None:
        nonlocal written
        out.start(200, b"")
        try:
            while True:
                out.write(b"x" * 65_536)
                written += 65_536
                if out.paused:
                    await out.drain()
        finally:
            ended.set()

    async with serving(flood, write_stall_seconds=0.1) as (_, port):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.transport.pause_reading()
        writer.write(request())
        async with asyncio.timeout(10):
            await ended.wait()
        writer.close()
    assert written < 64 * 1024 * 1024


async def test_draining_lets_a_running_call_end_and_takes_no_new_one() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def wait(request: Request, out: Connection) -> None:
        begun.set()
        await go.wait()
        await echo(request, out)

    async with serving(wait) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(b"running"))
        await begun.wait()
        drain = asyncio.create_task(server.drain(10))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        go.set()
        answer = await reader.read()
        await drain
        writer.close()
    assert b"running" in answer
    assert b"connection: close" in answer
