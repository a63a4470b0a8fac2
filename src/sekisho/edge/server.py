"""The listening side: accepts connections, sweeps out the slow, and drains before it stops."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from sekisho.core.clock import Clock
from sekisho.core.error import SekishoError
from sekisho.edge.connection import Connection
from sekisho.edge.message import Request

Handle = Callable[[Request, Connection], Coroutine[Any, Any, None]]
"""Answers one request on its connection. Must not raise anything but CancelledError."""
Refuse = Callable[[str, SekishoError], tuple[bytes, bytes]]
"""(path, error) -> (header lines, body), for requests that are refused before they are whole."""

SWEEP_SECONDS = 0.5
ABORT_SECONDS = 1.0
"""For dropped connections to be gone, and their calls booked."""


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int = 32 * 1024 * 1024
    head_bytes: int = 64 * 1024
    head_seconds: float = 15.0
    """From a request's first byte to the end of its headers."""
    body_seconds: float = 30.0
    """For the body, plus a second for every `body_rate` bytes that did arrive."""
    body_rate: float = 64 * 1024
    keep_alive_seconds: float = 75.0
    write_stall_seconds: float = 60.0
    """How long a client may read nothing of its answer."""
    linger_seconds: float = 2.0


class Server:
    """One process's HTTP server. `handle` answers; `refuse` words what never becomes a request."""

    def __init__(self, handle: Handle, refuse: Refuse, limits: Limits, clock: Clock):
        self.handle = handle
        self.refuse = refuse
        self.limits = limits
        self.connections: set[Connection] = set()
        self.draining = False
        self.loop = asyncio.get_running_loop()
        self._clock = clock
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._sweep()

    async def listen(self, host: str, port: int, *, share_port: bool = False) -> int:
        """Start accepting; returns the port (useful where 0 was asked for). Raises OSError."""
        self._listener = await self.loop.create_server(
            lambda: Connection(self), host, port, backlog=4096, reuse_port=share_port or None
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def drain(self, seconds: float, delay: float = 0.0) -> None:
        """Let go of every connection with its next answer; after `delay` stop accepting, let calls end for so
        many seconds, then drop what is left."""
        self.draining = True
        await asyncio.sleep(delay)
        if self._listener is not None:
            self._listener.close()
        for connection in list(self.connections):
            connection.shut()
        await self._wait_empty(seconds)
        for connection in list(self.connections):
            connection.abort()
        await self._wait_empty(ABORT_SECONDS)
        if self._sweeper is not None:
            self._sweeper.cancel()

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()

    async def _wait_empty(self, seconds: float) -> None:
        if self.connections:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)

    def _sweep(self) -> None:
        self.now = self._clock.monotonic()
        self.date_header = b"date: %b\r\n" % formatdate(self._clock.now(), usegmt=True).encode("ascii")
        for connection in list(self.connections):
            if connection.deadline < self.now:
                connection.expire()
        self._sweeper = self.loop.call_later(SWEEP_SECONDS, self._sweep)
