"""One stream that several clients read: identical calls of a route that coalesces.

The stream belongs to none of their connections. A task of its own reads it, rescues it where it breaks off,
and gives every piece to all readers; who comes later gets what there was so far first. A reader that goes
away takes nobody with it, and the one whose call it was is booked when the stream has ended. When the last
one has gone, it stops being generated.
"""

import asyncio
from collections.abc import Callable
from copy import copy

import structlog

from sekisho.core.error import InternalError, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.pipeline.answer import Sink, Stream

KEPT = 256 * 1024
"""Bytes of a stream's beginning that are kept for those who come later; after that nobody may join."""
log = structlog.get_logger()


class SharedStream:
    """`leader` is the call that the stream belongs to."""

    paused = False

    def __init__(self, stream: Stream, leader: Exchange, over: Callable[[], object]):
        self.leader = leader
        self.error: SekishoError | None = None
        self.joinable = True
        """All of it that came so far is there for one more reader."""
        self.ended = False
        """There is nothing more to come: its last bytes are there, or its error, or all readers have gone."""
        self._over = over
        """Called once, when nobody else is to join: it has ended, or its beginning is no longer kept."""
        self._beginning: list[bytes] = []
        self._kept = 0
        self._readers: set[Reading] = set()
        self._booked: Callable[[], None] | None = None
        self._task = asyncio.get_running_loop().create_task(self._run(stream))
        self._task.add_done_callback(lambda _: stream.close())  # if it was cancelled before it began
        self._task.add_done_callback(self._done)

    def read(self, exchange: Exchange) -> "Reading":
        """From the beginning on. While it is `joinable`."""
        reading = Reading(self, exchange, self._beginning)
        self._readers.add(reading)
        return reading

    def write(self, data: bytes) -> None:
        """A piece of the stream (see `pipeline.answer.Sink`)."""
        if self.joinable:
            self._beginning.append(data)
            self._kept += len(data)
            if self._kept > KEPT:
                self._forget()
                self._over()
        for reading in self._readers:
            reading.add(data)

    async def drain(self) -> None:
        """No reader holds up the others: what waits for a slow one are the same bytes that all others had."""

    def leave(self, reading: "Reading") -> None:
        """Idempotent."""
        self._readers.discard(reading)
        if not self._readers and not self.ended:
            self._task.cancel()
            self._end()
            self._forget()

    def book_later(self, book: Callable[[], None]) -> bool:
        """Whether others read on; `book` is called when the stream has ended then."""
        if self.ended:
            return False
        self._booked = book
        return True

    async def _run(self, stream: Stream) -> None:
        try:
            await stream.pass_on(self, self._complete)
        except SekishoError as error:
            self.error = error
            self._end()

    def _done(self, task: asyncio.Task[None]) -> None:
        bug = None if task.cancelled() else task.exception()
        if bug is not None:  # every client learns the id, the log learns the place
            log.error("shared_stream_crashed", id=self.leader.id, error=type(bug).__name__, exc_info=bug)
            self.error = InternalError(f"internal error; the request id is {self.leader.id}")
        self._end()

    def _complete(self, data: bytes) -> None:
        self.write(data)
        self._end()

    def _end(self) -> None:
        if self.ended:
            return
        self.ended = True
        if self.joinable:
            self._over()
        for reading in self._readers:
            reading.wake()
        if self._booked is not None:
            self._booked()

    def _forget(self) -> None:
        self.joinable = False
        self._beginning = []


class Reading:
    """A client's own place in a shared stream. An answer, as `pipeline.answer.Stream` is one."""

    def __init__(self, shared: SharedStream, exchange: Exchange, beginning: list[bytes]):
        self._shared = shared
        self._exchange = exchange
        self._waiting = list(beginning)
        self._news = asyncio.Event()
        if beginning or shared.ended:
            self._news.set()

    def add(self, data: bytes) -> None:
        self._waiting.append(data)
        self._news.set()

    def wake(self) -> None:
        self._news.set()

    async def pass_on(self, sink: Sink, end: Callable[[bytes], None]) -> None:
        """See `Stream.pass_on`."""
        shared = self._shared
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                data = b"".join(self._waiting)
                self._waiting.clear()
                if shared.ended and shared.error is None:
                    break
                sink.write(data)
                if sink.paused:
                    await sink.drain()
                if shared.ended and not self._waiting and shared.error is not None:
                    raise copy(shared.error)  # one raised by many would gather all their tracebacks
        finally:
            self._exchange.endpoint, self._exchange.facts = shared.leader.endpoint, shared.leader.facts
            shared.leave(self)
        end(data)

    def outlasts(self, book: Callable[[], None]) -> bool:
        """See `Stream.outlasts`: the call that the stream belongs to is booked when it has ended."""
        return self._exchange is self._shared.leader and self._shared.book_later(book)
