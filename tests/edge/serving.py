"""A bare HTTP server on loopback, and raw bytes to throw at it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sekisho.core.clock import Clock
from sekisho.core.error import SekishoError
from sekisho.edge.connection import Connection
from sekisho.edge.message import Request
from sekisho.edge.server import Limits, Server

Handle = Callable[[Request, Connection], Coroutine[Any, Any, None]]


async def echo(request: Request, out: Connection) -> None:
    seen = {"method": request.method, "path": request.path, "body": request.body.decode()}
    out.send(200, b"content-type: application/json\r\n", json.dumps(seen).encode())


def refuse(path: str, error: SekishoError) -> tuple[bytes, bytes]:
    return b"content-type: text/plain\r\n", f"{path}: {error.message}".encode()


@asynccontextmanager
async def serving(handle: Handle = echo, **limits: float) -> AsyncIterator[tuple[Server, int]]:
    server = Server(handle, refuse, Limits(**limits), Clock())  # type: ignore[arg-type]
    port = await server.listen("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.drain(0.1)


async def talk(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send pieces, then read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


def request(body: bytes = b"{}", *headers: bytes, path: bytes = b"/v1/x") -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n%b\r\n%b" % (path, len(body), lines, body)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)
