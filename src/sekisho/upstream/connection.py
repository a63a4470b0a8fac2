"""One HTTP/1.1 connection to a provider: a protocol that parses as bytes arrive and wakes one waiter.

No task, queue or stream stands between the socket and the call. The waiter is woken once for what it
waits for; a small answer that arrives in one packet costs one wake-up in all.
"""

import asyncio
import math
from collections.abc import Callable, MutableSequence
from typing import Protocol, cast

import httptools

from sekisho.core.error import Malformed, UpstreamError
from sekisho.core.pace import Pace
from sekisho.core.route import Timeouts
from sekisho.upstream import faults

MAX_HEAD = 64 * 1024
"""Bytes of headers, trailers or chunk framing that may come without a byte of body."""
HIGH_WATER = 256 * 1024
"""Undelivered bytes of body above which reading pauses."""
_ONE_WRITE = 64 * 1024
"""Bodies up to this size are joined to their head; copying them costs less than a second buffer."""
_PIECE = 256 * 1024
_HEAD, _CHUNK, _WHOLE = 1, 2, 3


class Owner(Protocol):
    def forget(self, connection: "Connection") -> None:
        """It is closed: keep no reference to it. Must be idempotent."""
        ...


class Connection(asyncio.Protocol):
    """States: idle (`in_use` False), in use, closed. All of an exchange's state is reset by `start`."""

    __slots__ = (
        "_bodiless",
        "_clock",
        "_limit",
        "_owner",
        "_parser",
        "_paused",
        "_phase",
        "_pieces",
        "_quiet",
        "_since",
        "_taken",
        "_timeouts",
        "_total",
        "_transport",
        "_unsent",
        "_waiter",
        "_wants",
        "_writing_paused",
        "closed",
        "complete",
        "deadline",
        "encoding",
        "expires",
        "failure",
        "headers",
        "in_use",
        "loop",
        "pace",
        "reusable",
        "shelf",
        "silent",
        "status",
    )

    def __init__(
        self,
        shelf: "MutableSequence[Connection]",
        owner: Owner,
        clock: Callable[[], float],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.shelf = shelf
        """The idle connections of its origin, where it rests between calls."""
        """`host:port`, for messages."""
        self._owner = owner
        self._clock = clock
        self.loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._writing_paused = False
        self._unsent: memoryview | None = None
        self.closed = False
        self.in_use = False
        self.complete = True
        self.reusable = False
        self.failure: UpstreamError | None = None
        self.silent = False
        """The failure is a connection lost before a single byte of answer."""
        self.expires = math.inf
        """When the present wait, or the idle life in the pool, is over; on the monotonic clock."""
        self.deadline = math.inf
        """When the whole call is over."""
        self.status = 0

    # --- what the client and the response call ------------------------------------------------------

    def attach(self, transport: asyncio.Transport) -> None:
        """The transport to use from now on (it changes when TLS begins inside a tunnel)."""
        self._transport = transport

    def start(self, head: bytes, body: bytes, timeouts: Timeouts, deadline: float, limit: int) -> None:
        """Send a request. The connection must be idle and open."""
        self.in_use = True
        self.complete = self.reusable = self.silent = False
        self.failure = None
        self.status = 0
        self.pace = Pace()
        self.headers: list[tuple[bytes, bytes]] = []
        self.encoding = b""
        self._pieces: list[bytes] = []
        self._total = self._taken = self._quiet = 0
        self._limit = limit
        self._timeouts = timeouts
        self.deadline = deadline
        self._bodiless = not body and head.startswith(b"HEAD ")
        transport = self._transport
        assert transport is not None
        if not body and head.startswith((b"GET ", b"HEAD ")):
            transport.write(head + b"\r\n")
        elif len(body) <= _ONE_WRITE:
            transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        else:
            transport.write(b"%bcontent-length: %d\r\n\r\n" % (head, len(body)))
            self._unsent = memoryview(body)
            self._send_more()

    def expect_head(self) -> asyncio.Future[None]:
        """Done once the final status and headers are in, or `failure` is set. Goes right after `start`. Who
        awaits it must `abort` when cancelled. (No coroutine: every call awaits this.)"""
        return self._expect(_HEAD, self._timeouts.first_token, "first byte")

    def expect_chunk(self, seconds: float | None) -> asyncio.Future[None]:
        """Done once there is body to take, the answer is complete, or `failure` is set; not to be asked for
        if that is so already. Who awaits it must `abort` when cancelled. (No coroutine: this is awaited at
        every event of a stream.)"""
        if seconds is None:
            return self._expect(_CHUNK, self._timeouts.idle, "idle")
        return self._expect(_CHUNK, seconds, "first byte")

    async def wait_whole(self) -> None:
        """Until the answer is complete or `failure` is set; not if so already."""
        if self._paused:
            self._resume()
        try:
            await self._expect(_WHOLE, self._timeouts.idle, "idle")
        except (asyncio.CancelledError, GeneratorExit):
            self.abort()  # the call is over: a generation that nobody reads must not go on costing
            raise

    def limit(self, size: int) -> None:
        """More than `size` bytes of body are a failure from now on. Raises Malformed if they are there."""
        self._limit = size
        if self._total > size:
            raise self._too_large()

    def take(self) -> bytes:
        """The body that has arrived and was not taken yet."""
        pieces = self._pieces
        if not pieces:
            return b""
        self._taken = self._total
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if self._paused:
            self._resume()
        return data

    def rest(self) -> None:
        """Becomes idle, its answer done with. The pool sets `expires`."""
        self.in_use = False
        self.deadline = math.inf
        if self._paused:
            self._resume()

    def abort(self) -> None:
        """Close at once, so that the provider sees it; nothing is flushed. Idempotent."""
        if self.closed:
            return
        self.closed = True
        self.reusable = False
        self._unsent = None
        self._owner.forget(self)
        if self._transport is not None:
            self._transport.abort()

    def fail(self, failure: UpstreamError) -> None:
        """End the exchange with `failure`, unless it already ended."""
        if self.failure is None and not self.complete:
            self.failure = failure
        self.abort()
        self._wake()

    def expire(self, now: float) -> None:
        """Called by the sweeper once `expires` or `deadline` has passed."""
        if not self.in_use:
            self.abort()
        elif self.deadline <= now:
            self.fail(faults.timed_out("total"))
        elif self._waiter is not None:
            self.fail(faults.timed_out(self._phase))

    # --- waiting ------------------------------------------------------------------------------------

    def _expect(self, wants: int, seconds: float, phase: str) -> asyncio.Future[None]:
        if self._waiter is not None:
            raise RuntimeError("two readers of one answer")
        self._wants = wants
        self._phase = phase
        now = self._since = self._clock()
        self.expires = now + seconds
        waiter = self._waiter = self.loop.create_future()
        return waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            if self._taken and (gap := self._clock() - self._since) > self.pace.longest_gap:
                self.pace.longest_gap = gap
            waiter.set_result(None)

    # --- asyncio.Protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        if not self.in_use or self.complete:
            self.abort()  # nobody asked: whatever this is, it must not become the next answer
            return
        self._quiet += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if not self.complete:
                self.fail(faults.broken(error))
        if self._quiet > MAX_HEAD and not self.complete:
            self.fail(Malformed(f"it sent more than {MAX_HEAD} bytes of headers"))
        if self.failure is None:
            self._advance()

    def _advance(self) -> None:
        """After new bytes: wake whoever has what it waits for, and stop reading what nobody takes."""
        waiter = self._waiter
        if self._total - self._taken > HIGH_WATER and (waiter is None or self._wants != _WHOLE):
            self._pause()
        if waiter is None:
            return
        wants = self._wants  # asked here, not in a method: this runs at every event of a stream
        if (
            self.complete
            or (wants == _CHUNK and self._total > self._taken)
            or (wants == _HEAD and self.status != 0)
        ):
            self._wake()
        elif not self._quiet:
            self.expires = self._clock() + self._timeouts.idle  # body came: only silence times out

    def eof_received(self) -> None:
        self._lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(exc)
        self._transport = None
        del self._parser  # it holds this object: the pair would wait for the garbage collector

    def _lost(self, error: Exception | None) -> None:
        if self.closed:
            return
        if not self.in_use or self.complete:
            self.abort()
        elif self.status and error is None and self._ends_with_connection():
            self.complete = True
            self.abort()
            self._wake()
        elif self.status:
            self.fail(faults.lost(in_body=True))
        elif self._quiet:
            self.fail(faults.lost(in_body=False))
        else:
            self.silent = True
            self.fail(faults.unreachable(error))

    def _ends_with_connection(self) -> bool:
        return not any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    # --- sending ------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if not self.in_use or self.complete:
            return
        if not self.status:
            # Progress: the wait for the first byte begins when our last one has left.
            self.expires = self._clock() + self._timeouts.first_token
        self._send_more()

    def _send_more(self) -> None:
        """Hand over the body piece by piece, as fast as the provider takes it, and no faster."""
        while self._unsent is not None and not self._writing_paused and not self.closed:
            piece, rest = self._unsent[:_PIECE], self._unsent[_PIECE:]
            self._unsent = rest if len(rest) else None
            cast("asyncio.Transport", self._transport).write(piece)

    def _pause(self) -> None:
        if not self._paused and not self.complete:
            self._paused = True
            cast("asyncio.Transport", self._transport).pause_reading()

    def _resume(self) -> None:
        self._paused = False
        if not self.closed:
            cast("asyncio.Transport", self._transport).resume_reading()

    # --- the parser's callbacks ---------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.complete:
            raise Malformed("bytes after the end of the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # else it is a trailer
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                raise Malformed(f"it answered with status {status}")
            self.headers = []  # interim: the answer is still to come
            return
        if self._quiet > MAX_HEAD and sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            raise Malformed(f"it sent more than {MAX_HEAD} bytes of headers")
        named = dict(self.headers)
        if b"content-encoding" in named:
            self.encoding = named[b"content-encoding"]
        if b"transfer-encoding" in named and named[b"transfer-encoding"].strip().lower() != b"chunked":
            raise Malformed("it uses a transfer encoding other than chunked")
        self.status = status
        if self._bodiless:
            self.complete = True

    def on_body(self, data: bytes) -> None:
        if self.complete:
            return
        self._quiet = 0
        self._total += len(data)
        if self._total > self._limit:
            raise self._too_large()
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self.status and not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive() and self._unsent is None

    def _too_large(self) -> Malformed:
        return Malformed(f"it sent an answer of more than {self._limit} bytes")
