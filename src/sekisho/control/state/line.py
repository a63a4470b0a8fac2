"""A connection that scripts are asked on: many at once, answered in order, for little CPU.

redis-py, which does everything else here, takes 75 us of CPU for a command: more than the gateway for a call.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import hiredis
import structlog

from sekisho.control.state.address import Address

TIMEOUT = 0.25
"""Seconds for a connection and for an answer: one that is late ends the connection."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between attempts to connect; doubles from first to longest."""
log = structlog.get_logger()


class Away(Exception):
    """It is not there, or it cannot answer. What was asked may have been done."""

    def __init__(self, message: str, *, sent: bool):
        super().__init__(message)
        self.sent = sent
        """False: it was not even asked."""


class Wire(asyncio.Protocol):
    """One connection's bytes."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._asked: deque[tuple[asyncio.Future[Any], float]] = deque()
        """What is not answered yet, and until when it must be."""
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.ended: asyncio.Future[str] = self._loop.create_future()
        """Why."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                self._answer(answer)
        except (hiredis.ProtocolError, IndexError):
            self.end("it does not speak Redis' protocol")

    def connection_lost(self, error: Exception | None) -> None:
        self.end("the connection was lost" if error is None else str(error))

    def ask(self, parts: Sequence[bytes]) -> asyncio.Future[Any]:
        """The answer to one command. Raises Away at once, or through the future."""
        if self._transport is None or self.ended.done():
            raise Away("the connection has ended", sent=False)
        future: asyncio.Future[Any] = self._loop.create_future()
        deadline = self._loop.time() + TIMEOUT
        self._asked.append((future, deadline))
        if self._watch is None:
            self._watch = self._loop.call_at(deadline, self._look)
        self._transport.write(
            b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])
        )
        return future

    def end(self, reason: str) -> None:
        """Let go of the connection, and of everything that waits for it."""
        if not self.ended.done():
            self.ended.set_result(reason)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._transport is not None:
            self._transport.abort()
        while self._asked:
            future, _ = self._asked.popleft()
            if not future.done():
                future.set_exception(Away(reason, sent=True))

    def _answer(self, answer: Any) -> None:
        future, _ = self._asked.popleft()
        if isinstance(answer, hiredis.ReplyError):
            if not future.done():
                future.set_exception(Away(str(answer), sent=True))
            self.end(
                str(answer)
            )  # it cannot do its work (any more): a replica, loading, moved, without memory
        elif not future.done():
            future.set_result(answer)

    def _look(self) -> None:
        """The first is answered first, so only its deadline matters."""
        self._watch = None
        if not self._asked:
            return
        deadline = self._asked[0][1]
        if deadline <= self._loop.time():
            self.end(f"no answer within {TIMEOUT} s")
        else:
            self._watch = self._loop.call_at(deadline, self._look)


class Line:
    """Keep `run` running; then `ask`."""

    def __init__(self, address: Address, reached: Callable[["Line", str], Awaitable[None]]):
        """`reached` is awaited on every new connection, with the server's run id, before others may ask."""
        self.address = address
        self._target = (address.host, address.port)
        self._reached = reached
        self._wire: Wire | None = None
        self.failures = 0
        """Connections that failed or ended."""

    def ask(self, *parts: bytes) -> asyncio.Future[Any]:
        """The answer to a command. Raises Away."""
        if self._wire is None:
            raise Away("it cannot be reached", sent=False)
        return self._wire.ask(parts)

    async def run(self) -> None:
        """For ever."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(TIMEOUT):
                    wire = await self._connect()
                try:
                    run_id = await self._greet(wire)
                    self._wire = wire
                    await self._reached(self, run_id)
                    pause = FIRST_PAUSE
                    reason = await wire.ended
                finally:
                    self._wire = None
                    wire.end("closed")
            except (OSError, Away) as error:
                reason = str(error) or type(error).__name__
            self.failures += 1
            self._follow(reason)
            log.warning("counters_away", address=self.address.shown, reason=reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _connect(self) -> Wire:
        loop, address = asyncio.get_running_loop(), self.address
        context = ssl.create_default_context(cafile=address.authorities) if address.tls else None
        if address.path is not None:
            _, wire = await loop.create_unix_connection(Wire, address.path)
        else:
            _, wire = await loop.create_connection(Wire, *self._target, ssl=context)
        return wire

    async def _greet(self, wire: Wire) -> str:
        """Returns the server's run id."""
        address = self.address
        if address.password is not None:
            names = [address.username.encode()] if address.username else []
            await wire.ask([b"AUTH", *names, address.password.encode()])
        if address.database:
            await wire.ask([b"SELECT", b"%d" % address.database])
        facts = bytes(await wire.ask([b"INFO", b"server"])).decode()
        return next(line[7:] for line in facts.splitlines() if line.startswith("run_id:"))

    def _follow(self, reason: str) -> None:
        """A node of a cluster says which other has the keys; that one is asked from now on."""
        words = reason.split()
        if len(words) == 3 and words[0] == "MOVED":
            host, _, port = words[2].rpartition(":")
            self._target = (host or self._target[0], int(port))
        else:
            self._target = (self.address.host, self.address.port)
