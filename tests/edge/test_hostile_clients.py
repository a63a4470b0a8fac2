"""Clients that lie about lengths, never read, never end, or speak an older HTTP: nothing leaks or desyncs."""

import asyncio
import json
import re

import pytest
from tests.edge.serving import connected, echo, request, serving, talk

from sekisho.edge.connection import Connection
from sekisho.edge.message import Request
from sekisho.edge.server import Server

CLOSE = b"connection: close"
CHUNKED = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"


async def until_gone(server: Server) -> None:
    """Waits until the server itself has let go of every connection that there was."""
    async with asyncio.timeout(10):
        while not server.connections:  # noqa: ASYNC110 - a server has no event for it
            await asyncio.sleep(0.001)
        while server.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_answer_to_head_has_the_length_of_its_body_and_no_body() -> None:
    async with serving() as (_, port):
        answer = await talk(port, b"HEAD /v1/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    wanted = json.dumps({"method": "HEAD", "path": "/v1/x", "body": ""})
    assert b"content-length: %d" % len(wanted) in head
    assert body == b""


async def test_an_answer_without_content_announces_no_length() -> None:
    async def empty(_: Request, out: Connection) -> None:
        out.send(204, b"", b"")

    async with serving(empty) as (_, port):
        answer = await talk(port, request(b"", CLOSE))
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"content-length" not in answer


async def test_http_1_0_is_never_kept_alive() -> None:
    """Such a client waits for the end of the connection unless it is told otherwise in its own words."""
    async with serving() as (_, port):
        answer = await talk(port, b"GET /v1/x HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    assert b"connection: close\r\n" in answer


async def test_a_pipelined_expectation_is_not_answered_inside_a_stream() -> None:
    go = asyncio.Event()

    async def stream(request: Request, out: Connection) -> None:
        if request.body == b"second":
            await echo(request, out)
            return
        out.start(200, b"")
        out.write(b"one")
        await go.wait()
        out.end(b"two")

    async with serving(stream) as (_, port), connected(port) as (reader, writer), asyncio.timeout(10):
        second = request(b"second", b"expect: 100-continue", CLOSE)
        writer.write(request(b"first") + second[: -len(b"second")])
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)
        go.set()
        wanted = b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        assert await reader.readexactly(len(wanted)) == wanted
        writer.write(b"second")
        assert b'"second"' in await reader.read()


async def test_trailers_are_not_taken_for_headers() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def look(request: Request, out: Connection) -> None:
        seen.extend(request.headers)
        await echo(request, out)

    async with serving(look) as (_, port):
        trailed = CHUNKED + CLOSE + b"\r\n\r\n2\r\nab\r\n0\r\nauthorization: Bearer stolen\r\n\r\n"
        answer = await talk(port, trailed)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"authorization" not in dict(seen)


@pytest.mark.parametrize(
    "endless",
    [b"0\r\nx: " + b"a" * 200_000, b"0\r\n" + b"a: b\r\n" * 40_000, b"2;x=" + b"a" * 200_000],
    ids=["one trailer", "many trailers", "chunk extension"],
)
async def test_what_frames_a_body_has_a_limit_too(endless: bytes) -> None:
    async with serving() as (_, port):
        answer = await talk(port, CHUNKED + b"\r\n" + endless)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_large_body_in_small_chunks_is_within_every_limit() -> None:
    body = b"7\r\nchunked\r\n" * 60_000
    async with serving() as (_, port):
        answer = await talk(port, CHUNKED + CLOSE + b"\r\n\r\n", body, b"0\r\n\r\n")
    assert answer.count(b"chunked") == 60_000


async def test_a_client_that_never_reads_a_whole_answer_is_cut_off() -> None:
    async def large(_: Request, out: Connection) -> None:
        out.send(200, b"", b"x" * 32_000_000)

    async with (
        serving(large, write_stall_seconds=0.1) as (server, port),
        connected(port) as (_reader, writer),
    ):
        writer.transport.pause_reading()
        writer.write(request())
        await until_gone(server)


@pytest.mark.parametrize("more", [(), (CLOSE,)], ids=["kept alive", "closing"])
async def test_a_client_that_reads_slowly_gets_all_of_its_answer(more: tuple[bytes, ...]) -> None:
    size = 64_000_000

    async def large(_: Request, out: Connection) -> None:
        out.send(200, b"", b"x" * size)

    async with serving(large, write_stall_seconds=1.0) as (_, port), connected(port) as (reader, writer):
        writer.write(request(b"", *more))
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(20):  # longer in all than may pass without any progress
            await reader.readexactly(size // 20)
            await asyncio.sleep(0.1)


async def test_a_closing_client_that_never_reads_is_cut_off_too() -> None:
    async def large(_: Request, out: Connection) -> None:
        out.send(200, b"", b"x" * 32_000_000)

    async with (
        serving(large, write_stall_seconds=0.1) as (server, port),
        connected(port) as (_reader, writer),
    ):
        writer.transport.pause_reading()
        writer.write(request(b"", CLOSE))
        await until_gone(server)


async def test_pipelined_answers_that_nobody_reads_do_not_pile_up() -> None:
    answered = 0

    async def large(_: Request, out: Connection) -> None:
        nonlocal answered
        answered += 1
        out.send(200, b"", b"x" * 1_000_000)

    async with serving(large, write_stall_seconds=2) as (_, port), connected(port) as (_reader, writer):
        writer.transport.pause_reading()
        writer.write(request() * 500)
        await asyncio.sleep(0.3)
        assert answered < 50


async def test_pipelined_answers_go_on_once_they_are_read() -> None:
    async def large(_: Request, out: Connection) -> None:
        out.send(200, b"", b"x" * 1_000_000)

    async with serving(large) as (_, port):
        answer = await talk(port, request() * 30 + request(b"", CLOSE))
    assert answer.count(b"HTTP/1.1 200 OK") == 31
    assert answer.count(b"x") == 31_000_000


@pytest.mark.parametrize(
    "smuggled",
    [
        b"content-length: 3\r\ncontent-length: 5\r\n",
        b"content-length: 3, 3\r\n",
        b"content-length: +3\r\n",
        b"content-length: 0x3\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 3\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"transfer-encoding : chunked\r\n",
        b"x: a\r\n\tb\r\ncontent-length: 3\r\n",
        b"x: a\rb\r\n",
        b"x\x00: a\r\n",
    ],
)
async def test_a_length_that_two_servers_could_read_in_two_ways_is_refused(smuggled: bytes) -> None:
    async with serving() as (_, port):
        answer = await talk(port, b"POST /v1/x HTTP/1.1\r\nhost: x\r\n" + smuggled + b"\r\nabc")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert len(re.findall(rb"HTTP/1.1 [1-5]", answer)) == 1


async def test_an_offer_of_http_2_is_declined_and_the_call_answered() -> None:
    """Java's client offers it with every first request."""
    offer = (
        b"connection: Upgrade, HTTP2-Settings",
        b"upgrade: h2c",
        b"http2-settings: AAEAAEAAAAIAAAABAAMAAABk",
    )
    async with serving() as (_, port):
        answer = await talk(port, request(b"hello", *offer))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(re.findall(rb"HTTP/1.1 [1-5]", answer)) == 1
