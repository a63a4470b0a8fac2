"""A server that does exactly what a test tells it, on raw sockets, under both event loops."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import uvloop

from sekisho.core.route import Timeouts
from sekisho.upstream.client import Client
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import Origin
from sekisho.upstream.response import Response

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Hostile:
    """Starts servers. Counts connections, and keeps the requests that arrived."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[tuple[bytes, bytes]] = []
        self.lost = asyncio.Event()
        """A client went away while a script was still at work."""
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(
        self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> int:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await script(reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                self.lost.set()
            finally:
                self._tasks.discard(task)
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

        server = await asyncio.start_server(handle, host, 0, ssl=tls)
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    async def origin(self, script: Script) -> Origin:
        return Origin("http", "127.0.0.1", await self.start(script))

    async def answering(self, *pieces: bytes, close: bool = False, gap: float = 0.001) -> Origin:
        """Every request gets these bytes; the connection is closed afterwards, or serves the next."""

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await self.request(reader):
                for index, piece in enumerate(pieces):
                    if index:
                        await asyncio.sleep(gap)
                    writer.write(piece)
                    await writer.drain()
                if close:
                    return

        return await self.origin(script)

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """The head of the next request, its body read too; empty when the client has gone."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.requests.append((head, await reader.readexactly(length)))
        return head

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what is waited for happens in scripts and sockets
                await asyncio.sleep(0.001)

    @property
    def open(self) -> int:
        """Connections that neither side has closed."""
        return len(self._tasks)

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await self.until(lambda: not self._tasks)
        await asyncio.sleep(0.01)


@pytest.fixture
async def hostile() -> AsyncIterator[Hostile]:
    server = Hostile()
    yield server
    await server.close()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client()
    yield client
    await client.close()


QUICK = Timeouts(connect=2, first_token=2, idle=2, total=5)


@pytest.fixture
def send(client: Client) -> Callable[..., Awaitable[Response]]:
    async def send(
        origin: Origin, body: bytes = b"{}", *, method: str = "POST", total: float = 5, **limits: float
    ) -> Response:
        head = build_head(method, "/v1/x", origin, [("content-type", "application/json")])
        return await client.send(origin, head, body, replace(QUICK, **limits), time.monotonic() + total)

    return send


@pytest.fixture
def fetch(send: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[tuple[int, bytes]]]:
    """A whole exchange: status and body. Never longer than ten seconds."""

    async def fetch(origin: Origin, body: bytes = b"{}", **options: object) -> tuple[int, bytes]:
        async with asyncio.timeout(10):
            response = await send(origin, body, **options)
            try:
                return response.status, await response.read(64 * 1024 * 1024)
            finally:
                response.close()

    return fetch
