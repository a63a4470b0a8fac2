"""Which connection serves a call, and which is never used again."""

import asyncio
import socket
import struct
import time

import pytest

from sekisho.core.error import Unreachable, UpstreamTimeout
from sekisho.core.route import Timeouts
from sekisho.upstream.client import Client
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import Origin

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LIMITS = Timeouts(connect=2, first_token=2, idle=2, total=5)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a crashed server does."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def exchange(client: Client, origin: Origin) -> bytes:
    async with asyncio.timeout(10):
        head = build_head("POST", "/", origin, [])
        response = await client.send(origin, head, b"{}", LIMITS, time.monotonic() + 5)
        try:
            return await response.read(1000)
        finally:
            response.close()


async def test_calls_in_turn_share_a_connection_and_calls_at_once_do_not(hostile, fetch) -> None:
    origin = await hostile.answering(OK)
    for _ in range(3):
        await fetch(origin)
    assert hostile.connections == 1
    await asyncio.gather(*[fetch(origin) for _ in range(5)])
    await asyncio.gather(*[fetch(origin) for _ in range(5)])
    assert hostile.connections == 5


@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_a_connection_that_died_in_the_pool_is_replaced_without_notice(hostile, fetch, how) -> None:
    async def script(reader, writer) -> None:
        await hostile.request(reader)
        writer.write(OK)
        await writer.drain()
        if how == "reset":
            reset(writer)

    origin = await hostile.origin(script)
    for _ in range(5):
        assert await fetch(origin) == (200, b"ok")
    assert hostile.connections == 5


@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_a_request_that_meets_the_close_of_an_idle_connection_is_sent_once_more(
    hostile, fetch, how
) -> None:
    async def script(reader, writer) -> None:
        await hostile.request(reader)
        writer.write(OK)
        if hostile.connections == 1:
            await reader.readexactly(1)  # the second request is on its way, and lost
            if how == "reset":
                reset(writer)

    origin = await hostile.origin(script)
    assert await fetch(origin) == (200, b"ok")
    assert await fetch(origin) == (200, b"ok")
    assert (hostile.connections, len(hostile.requests)) == (2, 2)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2"])
async def test_a_request_is_never_repeated_on_a_fresh_connection_or_after_a_byte_of_answer(
    hostile, fetch, answer
) -> None:
    async def script(reader, writer) -> None:
        await hostile.request(reader)
        if answer and len(hostile.requests) == 1:
            writer.write(OK)
            await hostile.request(reader)
        writer.write(answer)

    origin = await hostile.origin(script)
    if answer:
        await fetch(origin)
    with pytest.raises(Exception, match="the connection was closed"):
        await fetch(origin)
    assert hostile.connections == 1


async def test_a_loss_long_after_sending_is_not_taken_for_a_stale_connection(
    hostile, fetch, monkeypatch
) -> None:
    now = 0.0
    client = Client(clock=lambda: now)

    async def script(reader, writer) -> None:
        nonlocal now
        await hostile.request(reader)
        writer.write(OK)
        await hostile.request(reader)
        now += 1.5  # the server worked on it, then crashed: a generation may have been paid for

    origin = await hostile.origin(script)
    head = build_head("POST", "/", origin, [])
    response = await client.send(origin, head, b"{}", LIMITS, 100)
    assert await response.read(10) == b"ok"
    with pytest.raises(Unreachable):
        await client.send(origin, head, b"{}", LIMITS, 100)
    assert hostile.connections == 1
    await client.close()


async def test_bytes_on_an_idle_connection_end_it(hostile, fetch) -> None:
    poisoned = asyncio.Event()

    async def script(reader, writer) -> None:
        await hostile.request(reader)
        writer.write(OK)
        await asyncio.sleep(0.01)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
        await hostile.request(reader)
        poisoned.set()

    origin = await hostile.origin(script)
    assert await fetch(origin) == (200, b"ok")
    async with asyncio.timeout(5):
        await poisoned.wait()
    assert await fetch(origin) == (200, b"ok")
    assert hostile.connections == 2


async def test_an_abandoned_answer_ends_its_connection_and_a_complete_one_does_not(hostile, send) -> None:
    origin = await hostile.answering(OK)
    for _ in range(3):
        (await send(origin)).close()
    assert hostile.connections == 1
    endless = await hostile.answering(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    response = await send(endless)
    assert await response.chunk() == b"half"
    response.close()
    response.close()
    await send(endless)
    assert hostile.connections == 3


async def test_idle_connections_are_evicted_and_those_in_use_never(hostile) -> None:
    release = asyncio.Event()

    async def script(reader, writer) -> None:
        while head := await hostile.request(reader):
            if b"/slow" in head:
                await release.wait()
            writer.write(OK)

    origin = await hostile.origin(script)
    now = 100.0
    client = Client(clock=lambda: now, idle_seconds=5)
    limits = Timeouts(connect=100, first_token=100, idle=100, total=100)

    async def call(path: str) -> bytes:
        response = await client.send(origin, build_head("POST", path, origin, []), b"", limits, 1000)
        return await response.read(10)

    slow = [asyncio.create_task(call("/slow")) for _ in range(20)]
    await asyncio.gather(*[call("/quick") for _ in range(20)])
    await hostile.until(lambda: hostile.open == 40)
    now += 6
    await hostile.until(lambda: hostile.open == 20)
    assert not any(task.done() for task in slow)
    await asyncio.gather(*[call("/quick") for _ in range(5)])
    assert hostile.connections == 45, "the idle ones must be gone"
    release.set()
    assert await asyncio.gather(*slow) == [b"ok"] * 20
    await asyncio.gather(*[call("/quick") for _ in range(25)])
    assert hostile.connections == 45
    await client.close()


async def test_no_more_connections_are_kept_than_allowed(hostile) -> None:
    origin = await hostile.answering(OK, gap=0)
    client = Client(max_idle_per_origin=2)
    await asyncio.gather(*[exchange(client, origin) for _ in range(6)])
    before = hostile.connections
    await asyncio.gather(*[exchange(client, origin) for _ in range(6)])
    assert hostile.connections == before + 4
    await client.close()


async def test_closing_the_client_ends_what_is_in_flight(hostile) -> None:
    origin = await hostile.answering(b"")
    client = Client()
    call = asyncio.create_task(exchange(client, origin))
    await hostile.until(lambda: hostile.requests)
    await client.close()
    for attempt in (call, exchange(client, origin)):
        with pytest.raises(Unreachable, match="client is closed"):
            await attempt


async def test_nobody_there_is_unreachable(fetch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Unreachable, match="refused"):
            await fetch(Origin("http", "127.0.0.1", port))
        with pytest.raises(Unreachable, match="refused"):
            await fetch(Origin("http", "localhost", port))
    with pytest.raises(Unreachable, match="cannot be resolved"):
        await fetch(Origin("http", "no-such-host.invalid", 80))


async def test_ipv6_works_and_a_name_reaches_whichever_family_listens(hostile, fetch) -> None:
    async def script(reader, writer) -> None:
        await hostile.request(reader)
        writer.write(OK)

    for host in ("::1", "127.0.0.1"):
        port = await hostile.start(script, host=host)
        assert await fetch(Origin("http", host, port)) == (200, b"ok")
    assert hostile.requests[0][0].splitlines()[1].startswith(b"host: [::1]:")
    assert await fetch(Origin("http", "localhost", port)) == (200, b"ok")


async def test_a_call_whose_time_is_up_is_not_sent(hostile, fetch) -> None:
    origin = await hostile.answering(OK)
    with pytest.raises(UpstreamTimeout, match="total"):
        await fetch(origin, total=-1)
    assert hostile.connections == 0
