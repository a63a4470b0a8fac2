"""The client: one request in, the head of one answer out, and nothing hangs."""

import asyncio
import time
from collections.abc import Callable

from sekisho.core.error import Malformed, Unreachable
from sekisho.core.route import Timeouts
from sekisho.upstream import faults
from sekisho.upstream.connection import Connection
from sekisho.upstream.dial import dial
from sekisho.upstream.origin import Origin
from sekisho.upstream.pool import Pool
from sekisho.upstream.response import Response
from sekisho.upstream.tls import Contexts

STALE_WINDOW = 1.0
"""Seconds after sending within which a silent loss counts as the end of an idle connection."""


class Client:
    """For one event loop. Every failure is a leaf of UpstreamError; no OSError gets out."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_idle_per_origin: int = 512,
        idle_seconds: float = 60,
        max_response: int = 256 * 1024 * 1024,
    ) -> None:
        self._clock = clock
        self._max_response = max_response
        self._contexts = Contexts()
        self._pool = Pool(clock, max_idle_per_origin, idle_seconds)
        self._give_back = self._pool.give_back

    async def send(
        self,
        origin: Origin,
        head: bytes,
        body: bytes,
        timeouts: Timeouts,
        deadline: float,
        sent: Callable[[], None] | None = None,
    ) -> Response:
        """Send what `build_head` made, with `body`, and return once the final status and headers are in.

        `deadline`, on the monotonic clock, caps every phase. `sent` is called once there is a connection and
        the request is on its way: from then on it may cost money. Raises Unreachable, UpstreamTimeout,
        Malformed or Truncated. Cancelling it closes the connection at once.

        A request is sent a second time in one case only: it went out on a connection that had been idle,
        and that connection turned out to be closed, within a moment and without one byte of answer. The
        server had then given it up before the request arrived, so nothing was generated. A fresh
        connection that is lost, or one lost later or after any byte, may have cost money: the caller
        decides about that.
        """
        now = self._clock()
        if deadline <= now:
            raise faults.timed_out("total")
        shelf = self._pool.shelf(origin)
        reused = bool(shelf)
        connection = shelf.pop() if shelf else await self._connect(origin, timeouts, deadline)
        connecting = 0.0 if reused else self._clock() - now
        self._pool.wake(connection.loop)
        connection.start(head, body, timeouts, deadline, self._max_response)
        if connecting:
            connection.pace.connect = connecting
        if sent is not None:
            sent()
        try:
            await connection.expect_head()
            if reused and connection.silent and self._clock() - now <= STALE_WINDOW:
                connection = await self._connect(origin, timeouts, deadline)
                self._pool.wake(connection.loop)
                connection.start(head, body, timeouts, deadline, self._max_response)
                await connection.expect_head()
        except (asyncio.CancelledError, GeneratorExit):
            connection.abort()  # the call is over: a generation that nobody reads must not go on costing
            raise
        if connection.failure is not None and not connection.status:
            raise connection.failure
        try:
            return Response(connection, self._give_back, self._max_response)
        except Malformed:
            connection.abort()
            raise

    async def close(self) -> None:
        """Ends what is in flight with Unreachable, and every connection."""
        for connection in self._pool.close():
            connection.fail(Unreachable("the client is closed"))
        await asyncio.sleep(0)  # transports close in the loop's next turn

    async def _connect(self, origin: Origin, timeouts: Timeouts, deadline: float) -> Connection:
        self._pool.check_open()
        loop = asyncio.get_running_loop()
        connection = Connection(self._pool.shelf(origin), self._pool, self._clock, loop)
        left = deadline - self._clock()
        phase = "connect" if timeouts.connect < left else "total"
        try:
            async with asyncio.timeout(max(0.0, min(timeouts.connect, left))) as limit:
                await dial(connection, origin, self._contexts)
        except TimeoutError as error:
            connection.abort()
            if limit.expired():
                raise faults.timed_out(phase) from None
            raise faults.unreachable(error) from None
        except (OSError, UnicodeError) as error:
            raise faults.unreachable(error) from None
        if self._pool.closed:
            connection.abort()
        self._pool.check_open()
        if connection.closed:
            raise faults.unreachable(None)
        self._pool.add(connection)
        return connection
