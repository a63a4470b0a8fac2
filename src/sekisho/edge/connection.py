"""One client connection: HTTP/1.1 on asyncio.Protocol and httptools.

A call gets its whole body before its task starts, answers through `send` or `start`/`write`/`end`, and is
cancelled the moment the client goes away. Requests that are pipelined wait their turn. Timeouts are one
attribute, compared by the server's sweeper, so that an idle connection costs no timer.
"""

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from sekisho.core.error import BadRequest, BodyTooLarge, RequestTimeout, SekishoError
from sekisho.edge.message import STATUS_LINES, Request, error_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.edge.server import Server

WITHOUT_CONTENT = (204, 304)
JOIN_BELOW = 65_536
"""Bytes. A smaller reply is joined into one write; a larger one is not copied again."""


class Connection(asyncio.Protocol):
    """Owned by one `Server`. The handler's side is `send`, `start`, `write`, `end`, `drain`, `paused`."""

    __slots__ = (
        "_bodiless",
        "_body",
        "_chunked",
        "_drained",
        "_headers",
        "_keep_alive",
        "_lingering",
        "_named",
        "_parser",
        "_peer",
        "_pending",
        "_quiet",
        "_responding",
        "_server",
        "_size",
        "_started_reading",
        "_task",
        "_transport",
        "_unread",
        "_url",
        "deadline",
        "outlives",
        "paused",
    )

    def __init__(self, server: "Server"):
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._pending: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._responding = False
        self._lingering = False
        self._bodiless = False
        self._keep_alive = True
        self._chunked = True
        self.paused = False
        self.outlives: Callable[[], bool] | None = None
        """Whether the call under way goes on though its client has gone; None: it does not. The handler says
        so."""
        self._unread = 0
        self._start_message()

    # --- transport ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's looks like one, but is none
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        self._server.connections.add(self)
        self.deadline = self._server.now + self._server.limits.head_seconds

    def connection_lost(self, _error: Exception | None) -> None:
        self._pending.clear()
        self._wake_writer()
        del self._parser  # it holds this object: the pair would wait for the garbage collector
        if self._task is not None and self._responding:
            if self.outlives is not None and self.outlives():
                self.outlives, self.deadline = None, math.inf
                self._task.add_done_callback(lambda _: self._server.forget(self))
                return
            self._task.cancel()
        self._task = self.outlives = None
        self._server.forget(self)  # after the cancelling: who drains must find the call's record written

    def eof_received(self) -> bool:
        return False  # a client that closes its side has gone

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        limits = self._server.limits
        self._quiet += len(data)
        if self._started_reading is None and not self._responding:
            due = self._server.now + limits.head_seconds
            if due < self.deadline:
                self.deadline = due
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.reject(BadRequest("protocol upgrades are not served here"))
        except httptools.HttpParserError as error:
            self.reject(BadRequest(f"not a well-formed HTTP/1.1 request: {error}"))
        else:
            if self._quiet > limits.head_bytes:
                self.reject(BadRequest("the request's headers are too large"), status=431)

    def pause_writing(self) -> None:
        self.paused = True
        self._watch_reader()

    def resume_writing(self) -> None:
        self.paused = False
        self._wake_writer()
        if self._responding:
            self.deadline = math.inf
        elif not self._lingering and not self._transport.is_closing():
            self._go_on()

    def _watch_reader(self) -> None:
        """The client must read something of what is unread now, or is cut off."""
        self._unread = self._transport.get_write_buffer_size()
        self.deadline = self._server.now + self._server.limits.write_stall_seconds

    def _wake_writer(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # --- parser ---------------------------------------------------------------------------------

    def _start_message(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._named: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._quiet = 0
        """Bytes that came since the message began, or since its body last grew: head, trailers, framing."""
        self._started_reading: float | None = None

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._started_reading is None:  # a trailer is no header, and nobody here needs it
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._started_reading = self._server.now
        # In the middle of another answer there is no place for a "100 Continue": such a client soon sends
        # its body unasked.
        expects = False
        if not self._responding:
            self.deadline = self._server.now + self._server.limits.body_seconds
        named = self._named = dict(reversed(self._headers))
        if int(named.get(b"content-length", b"0")) > self._server.limits.body_bytes:
            self._reject_body()
        if b"expect" in named:
            expects = named[b"expect"].lower() == b"100-continue" and not self._responding
        if expects and not self._lingering:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._lingering:
            return
        self._quiet = 0
        self._body.append(body)
        self._size += len(body)
        if self._size > self._server.limits.body_bytes:
            self._body.clear()
            self._reject_body()

    def on_message_complete(self) -> None:
        if self._lingering:
            return
        parser = self._parser
        url, _, query = self._url.partition(b"?")
        request = Request(
            method=parser.get_method().decode("latin-1"),
            target=self._url,
            path=url.decode("latin-1"),
            query=query,
            headers=self._headers,
            named=self._named,
            body=b"".join(self._body),
            peer=self._peer,
            keep_alive=parser.should_keep_alive(),
            chunked=parser.get_http_version() != "1.0",
        )
        self._start_message()
        if self._responding or self.paused:
            self._pending.append(request)
            self._transport.pause_reading()  # one call at a time; the rest waits in the socket
        else:
            self._begin(request)

    # --- the life of one call -------------------------------------------------------------------

    def _begin(self, request: Request) -> None:
        self._responding = True
        self._bodiless = request.method == "HEAD"
        self._chunked = request.chunked
        # A client of HTTP/1.0 would have to be told that it may go on; its connection ends instead.
        self._keep_alive = request.keep_alive and request.chunked and not self._server.draining
        self.deadline = math.inf
        # Not by the loop's `create_task`: that would count up a name for each, which nobody reads.
        server = self._server
        self._task = asyncio.Task(server.handle(request, self), loop=server.loop, name="call")

    def send(self, status: int, headers: bytes, body: bytes) -> None:
        """The whole answer, of which HEAD gets no more than the headers. `headers` are rendered lines, each
        ended by CRLF."""
        if self._transport.is_closing():
            self._finish()
            return
        length = b"" if status in WITHOUT_CONTENT else b"content-length: %d\r\n" % len(body)
        head = b"%b%b%b%b\r\n" % (STATUS_LINES[status], headers, self._connection_header(), length)
        if self._bodiless:
            self._transport.write(head)
        elif len(body) < JOIN_BELOW:
            self._transport.write(head + body)
        else:
            self._transport.writelines([head, body])
        self._finish()

    def start(self, status: int, headers: bytes) -> None:
        """Begin an answer whose length is not known."""
        # HTTP/1.0 knows no chunks: the end is the connection's.
        framing = b"transfer-encoding: chunked\r\n\r\n" if self._chunked else b"\r\n"
        self._transport.write(
            b"%b%b%b%b" % (STATUS_LINES[status], headers, self._connection_header(), framing)
        )

    def write(self, data: bytes) -> None:
        """More of an answer begun by `start`. When `paused`, await `drain` before writing more."""
        if data and not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self, data: bytes = b"") -> None:
        """The last of an answer begun by `start`."""
        if not self._transport.is_closing():
            if not self._chunked:
                self._transport.write(data)
            elif data:
                self._transport.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data))
            else:
                self._transport.write(b"0\r\n\r\n")
        self._finish()

    async def drain(self) -> None:
        """Wait until the client has read enough. A client that reads nothing is cut off by the sweeper."""
        if self.paused:
            if self._drained is None:
                self._drained = self._server.loop.create_future()
            await self._drained

    def _connection_header(self) -> bytes:
        if self._keep_alive and not self._server.draining:
            return self._server.date_header
        self._keep_alive = False
        return self._server.date_header + b"connection: close\r\n"

    def _finish(self) -> None:
        self._responding = False
        self._task = self.outlives = None
        if self._transport.is_closing():
            return
        if not self._keep_alive:
            self._watch_reader()
            self._transport.close()
        elif not self.paused:  # else the client reads this answer before it gets another one
            self._go_on()

    def _go_on(self) -> None:
        """The next request that waits, or the wait for one."""
        if not self._pending:
            self.deadline = self._server.now + self._server.limits.keep_alive_seconds
            return
        request = self._pending.popleft()
        if not self._pending:
            self._transport.resume_reading()
        self._begin(request)

    # --- refusals -------------------------------------------------------------------------------

    def _reject_body(self) -> None:
        limit = self._server.limits.body_bytes
        self.reject(
            BodyTooLarge(
                f"the request body is larger than {limit} bytes; raise `server.body_limit` or send less"
            )
        )

    def reject(self, error: SekishoError, *, status: int | None = None) -> None:
        """Refuse what is being read, and take nothing more from this connection."""
        if self._lingering:
            return
        self._lingering = True
        self._keep_alive = False
        if self._responding:  # an earlier call is being answered: its end is the end of the connection
            return
        path = self._url.partition(b"?")[0].decode("latin-1")
        headers, body = self._server.refuse(path, error)
        self._transport.write(
            b"%b%b%bcontent-length: %d\r\n\r\n%b"
            % (
                STATUS_LINES[status or error_status(error)],
                headers,
                self._connection_header(),
                len(body),
                body,
            )
        )
        # Closing with unread bytes would reset the connection and could destroy the answer on its way.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.deadline = self._server.now + self._server.limits.linger_seconds

    def expire(self) -> None:
        """The deadline has passed: called by the sweeper."""
        if self._started_reading is not None and not self._lingering and not self._responding:
            allowed = self._server.limits.body_seconds + self._size / self._server.limits.body_rate
            if self._server.now < self._started_reading + allowed:
                self.deadline = self._started_reading + allowed
                return
        if self.paused or self._transport.is_closing():
            if self._transport.get_write_buffer_size() < self._unread:
                self._watch_reader()
            else:
                self._transport.abort()  # a client that stopped reading; its call is cancelled with it
        elif self._is_reading and not self._lingering:
            self.reject(RequestTimeout("the request took too long to arrive"))
        else:
            self._transport.close()

    def shut(self) -> None:
        """Draining: close unless a call is under way."""
        self._keep_alive = False
        if not self._responding and not self._is_reading:
            self._transport.close()

    @property
    def _is_reading(self) -> bool:
        return self._quiet > 0 or self._started_reading is not None

    def abort(self) -> None:
        """Drop the connection and cancel its call."""
        if self._task is not None and self._transport.is_closing():
            self._task.cancel()  # it outlives its client
        self._transport.abort()
