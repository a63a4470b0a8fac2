"""Plays a performance on a connection: the only part of the scripted provider that waits."""

import asyncio
import socket
import struct
from collections.abc import Callable

from sekisho.testkit.provider.performance import Performance

_DROP_UNSENT = struct.pack("ii", 1, 0)
_RESET_AFTER = 0.02
"""Seconds a client gets to read what came before a reset, which discards what is still unread."""


class Player:
    """One answer on its way. Deadlines are absolute, so that gaps do not add up to a drift."""

    __slots__ = (
        "_at",
        "_handle",
        "_index",
        "_loop",
        "_on_end",
        "_on_last",
        "_paused",
        "_waiting",
        "performance",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        performance: Performance,
        on_last: Callable[[], None],
        on_end: Callable[[], None],
    ):
        self._loop = loop
        self.performance = performance
        self._on_last = on_last
        self._on_end = on_end
        self._index = 0
        self._at = 0.0
        self._handle: asyncio.Handle | None = None
        self._paused = False
        self._waiting = False

    def start(self, transport: asyncio.Transport) -> None:
        self._at = self._loop.time()
        self._schedule(transport)

    def pause(self) -> None:
        """The client reads too slowly: nothing is written until `resume`."""
        self._paused = True

    def resume(self, transport: asyncio.Transport) -> None:
        self._paused = False
        if self._waiting:
            self._waiting = False
            self._write(transport)

    def stop(self) -> None:
        """The client is gone."""
        if self._handle is not None:
            self._handle.cancel()

    def _schedule(self, transport: asyncio.Transport) -> None:
        wait = self.performance.steps[self._index][0]
        if wait:
            self._at += wait
            self._handle = self._loop.call_at(self._at, self._write, transport)
        else:
            self._write(transport)

    def _write(self, transport: asyncio.Transport) -> None:
        if self._paused:
            self._waiting = True
            return
        steps = self.performance.steps
        data = steps[self._index][1]
        self._index += 1
        if self._index < len(steps):
            transport.write(data)
            self._schedule(transport)
            return
        self._on_last()
        if data:
            transport.write(data)
        self._finish(transport)

    def _finish(self, transport: asyncio.Transport) -> None:
        match self.performance.ending:
            case "keep":
                self._on_end()
            case "close":
                self._on_end()
                transport.close()
            case "reset":
                self._handle = self._loop.call_later(_RESET_AFTER, self._reset, transport)
            case "stall":
                self._handle = None

    def _reset(self, transport: asyncio.Transport) -> None:
        self._on_end()
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT)
        transport.abort()
