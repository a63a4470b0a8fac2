"""Time limits, cancellation, and back-pressure in both directions."""

import asyncio
import gc

import pytest

from sekisho.core.error import UpstreamError, UpstreamTimeout
from sekisho.upstream.origin import Origin

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LARGE = 50 * 1024 * 1024


async def test_every_phase_has_its_limit_and_says_its_name(hostile, send, fetch) -> None:
    silent = await hostile.answering(b"")
    with pytest.raises(UpstreamTimeout, match="first byte"):
        await send(silent, first_token=0.2)
    with pytest.raises(UpstreamTimeout, match="total"):
        await send(silent, total=0.2)
    slow_head = await hostile.answering(b"HTTP/1.1 200 OK\r\n", *[b"a: b\r\n"] * 100, gap=0.05)
    with pytest.raises(UpstreamTimeout, match="first byte"):
        await send(slow_head, first_token=0.3)
    stalled = await hostile.answering(HEAD + b"5\r\nhello\r\n")
    with pytest.raises(UpstreamTimeout, match="idle"):
        await fetch(stalled, idle=0.2)
    response = await send(stalled, idle=0.2)
    assert await response.chunk() == b"hello"
    with pytest.raises(UpstreamTimeout, match="idle"):
        await response.chunk()
    response = await send(await hostile.answering(HEAD), idle=5)
    with pytest.raises(UpstreamTimeout, match="first byte"):
        await response.chunk(0.2)
    drip = await hostile.answering(HEAD, *[b"1\r\nx\r\n"] * 200, gap=0.05)
    with pytest.raises(UpstreamTimeout, match="total"):
        await fetch(drip, idle=1, total=0.5)


async def test_a_handshake_that_never_ends_is_a_connect_timeout(hostile, send) -> None:
    async def script(reader, writer) -> None:
        await asyncio.sleep(30)

    port = await hostile.start(script)
    for limits, phase in (({"connect": 0.2}, "connect"), ({"total": 0.2}, "total")):
        with pytest.raises(UpstreamTimeout, match=phase):
            await send(Origin("https", "127.0.0.1", port), **limits)


async def test_a_slow_but_steady_answer_is_no_timeout(hostile, fetch) -> None:
    steady = await hostile.answering(HEAD, *[b"1\r\nx\r\n"] * 15, b"0\r\n\r\n", gap=0.1)
    assert await fetch(steady, idle=1.2) == (200, b"x" * 15)


async def test_framing_without_body_does_not_keep_an_answer_alive(hostile, send) -> None:
    response = await send(await hostile.answering(HEAD + b"5;", *[b"x"] * 100, gap=0.05), idle=0.4)
    with pytest.raises(UpstreamTimeout, match="idle"):
        await response.read(100)


@pytest.mark.parametrize("phase", ["head", "read", "chunk"])
async def test_cancelling_a_call_is_seen_by_the_server_at_once(hostile, send, phase) -> None:
    async def script(reader, writer) -> None:
        await hostile.request(reader)
        if phase != "head":
            writer.write(HEAD + b"5\r\nhello\r\n")
        await reader.readexactly(1)

    origin = await hostile.origin(script)
    reading = asyncio.Event()

    async def call() -> None:
        response = await send(origin, first_token=60, idle=60, total=60)
        if phase == "chunk":
            assert await response.chunk() == b"hello"
        reading.set()
        await (response.read(100) if phase == "read" else response.chunk())

    task = asyncio.create_task(call())
    await hostile.until(lambda: hostile.requests)
    if phase != "head":
        await reading.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await hostile.until(hostile.lost.is_set)  # no time limit of the client's is near


async def test_cancelling_a_connect_leaves_nothing_open(hostile, send) -> None:
    async def script(reader, writer) -> None:
        await reader.readexactly(100_000)

    port = await hostile.start(script)
    task = asyncio.create_task(send(Origin("https", "127.0.0.1", port), connect=60, total=60))
    await hostile.until(lambda: hostile.connections)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await hostile.until(hostile.lost.is_set)
    gc.collect()  # an unclosed transport would be an error here


async def test_a_reader_that_does_not_read_stops_the_provider(hostile, send) -> None:
    sent = 0

    async def script(reader, writer) -> None:
        nonlocal sent
        await hostile.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % LARGE)
        for _ in range(LARGE // 65536):
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    response = await send(await hostile.origin(script))
    before = -1
    while sent != before:
        before = sent
        await asyncio.sleep(0.2)
    assert sent < 16 * 1024 * 1024, "only the kernel's buffers may hold what we do not take"
    received = 0
    largest = 0
    async with asyncio.timeout(20):
        while data := await response.chunk():
            received += len(data)
            largest = max(largest, len(data))
    assert received == LARGE
    assert largest <= 1024 * 1024


async def test_a_provider_that_does_not_read_stops_the_upload_and_then_the_call(hostile, send) -> None:
    async def script(reader, writer) -> None:
        await asyncio.sleep(30)

    with pytest.raises(UpstreamTimeout, match="first byte"):
        await send(await hostile.origin(script), bytes(10_000_000), first_token=0.5)


async def test_a_slow_upload_is_no_timeout_while_it_moves(hostile, fetch) -> None:
    size, rate = 40_000_000, 20_000_000

    async def script(reader, writer) -> None:
        assert b"content-length: %d" % size in await reader.readuntil(b"\r\n\r\n")
        left = size
        while left:
            got = len(await reader.read(1_000_000))
            left -= got
            await asyncio.sleep(got / rate)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    # The whole takes two seconds at least; what the kernel still holds after our last byte, far less.
    assert await fetch(await hostile.origin(script), bytes(size), first_token=1.6, total=60) == (200, b"")


async def test_an_answer_during_the_upload_is_delivered_and_the_connection_not_reused(hostile, fetch) -> None:
    async def script(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await writer.drain()
        await reader.read()

    origin = await hostile.origin(script)
    assert await fetch(origin, bytes(10_000_000)) == (413, b"big")
    assert await fetch(origin, bytes(10_000_000)) == (413, b"big")
    assert hostile.connections == 2


async def test_a_server_that_resets_in_mid_upload_gives_an_answer_or_a_typed_error(hostile, fetch) -> None:
    async def script(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.transport.abort()

    origin = await hostile.origin(script)
    for _ in range(5):
        try:
            status, _ = await fetch(origin, bytes(10_000_000))
        except UpstreamError:
            continue
        assert status == 413
