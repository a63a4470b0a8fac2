"""Open connections: the idle ones by origin, last used first, and one coarse timer for all time limits."""

import asyncio
from collections import deque
from collections.abc import Callable

from sekisho.core.error import Unreachable
from sekisho.upstream.connection import Connection
from sekisho.upstream.origin import Origin

SWEEP = 0.1
"""Seconds between looks at the clock while a call is in flight: how late a timeout may come."""
IDLE_SWEEP = 1.0


class Pool:
    __slots__ = (
        "_clock",
        "_idle",
        "_idle_seconds",
        "_max_idle",
        "_open",
        "_resting",
        "_timer",
        "closed",
    )

    def __init__(self, clock: Callable[[], float], max_idle_per_origin: int, idle_seconds: float) -> None:
        self._clock = clock
        self._max_idle = max_idle_per_origin
        self._idle_seconds = idle_seconds
        self._idle: dict[str, deque[Connection]] = {}
        """By the origin's key."""
        self._open: set[Connection] = set()
        self.closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._resting = True
        """No call is in flight as far as the timer knows, so it runs slowly or not at all."""

    def shelf(self, origin: Origin) -> deque[Connection]:
        """The idle connections of an origin: take from the right end, for the one used last is the least
        likely to have been closed."""
        shelf = self._idle.get(origin.key)
        if shelf is None:
            shelf = self._idle[origin.key] = deque()
        return shelf

    def add(self, connection: Connection) -> None:
        """A new connection, about to be used."""
        self._open.add(connection)

    def wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """A call begins. Cheap while others are in flight."""
        if self._resting:
            self._resting = False
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_later(SWEEP, self._sweep, loop)

    def give_back(self, connection: Connection) -> None:
        """The answer was read to its end, or abandoned: keep the connection if it can serve again."""
        if not connection.reusable or connection.closed or len(connection.shelf) >= self._max_idle:
            connection.abort()
            return
        connection.rest()
        connection.expires = self._clock() + self._idle_seconds
        connection.shelf.append(connection)

    def forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        if not connection.in_use and connection in connection.shelf:
            connection.shelf.remove(connection)

    def check_open(self) -> None:
        """Raises Unreachable after `close`."""
        if self.closed:
            raise Unreachable("the client is closed")

    def close(self) -> list[Connection]:
        """Stops the timer and hands over what is open, for the caller to end."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._resting = True
        return list(self._open)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = self._clock()
        for connection in [each for each in self._open if each.expires <= now or each.deadline <= now]:
            connection.expire(now)
        idle = sum(map(len, self._idle.values()))
        self._resting = len(self._open) == idle
        self._timer = (
            loop.call_later(IDLE_SWEEP if self._resting else SWEEP, self._sweep, loop) if self._open else None
        )
