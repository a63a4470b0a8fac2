"""One client's connection: HTTP/1.1 in, a performance out."""

import asyncio
from collections import deque
from typing import Protocol, cast

import httptools

from sekisho.testkit.provider.performance import Performance
from sekisho.testkit.provider.player import Player


class Received:
    """A request as it came, byte for byte."""

    __slots__ = ("body", "headers", "method", "path", "query")

    def __init__(self, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes):
        self.method = method
        self.path, _, self.query = target.partition("?")
        """Both as they came, escapes included."""
        self.headers = headers
        """In order of arrival, names in lower case."""
        self.body = body

    def header(self, name: str) -> str | None:
        """The first header of this name."""
        wanted = name.encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), None)


class Turn(Protocol):
    """What a server makes of one request."""

    performance: Performance

    def finished(self) -> None:
        """The last bytes are about to go."""
        ...

    def abandoned(self) -> None:
        """The client left before them."""
        ...


class Answering(Protocol):
    def take(self, request: Received) -> Turn: ...

    def connected(self, connection: "Connection") -> None: ...

    def disconnected(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Requests that are sent ahead wait until the answer before them is over."""

    def __init__(self, server: Answering, loop: asyncio.AbstractEventLoop):
        self._server = server
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._waiting: deque[Received] = deque()
        self._turn: Turn | None = None
        self._player: Player | None = None

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._server.connected(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._waiting.clear()
        self._server.disconnected(self)
        turn, self._turn = self._turn, None
        if self._player is not None:
            self._player.stop()
        if turn is not None:
            turn.abandoned()

    def pause_writing(self) -> None:
        if self._player is not None:
            self._player.pause()

    def resume_writing(self) -> None:
        if self._player is not None and self._transport is not None:
            self._player.resume(self._transport)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # --- httptools ---

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = []
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._transport is not None and (b"expect", b"100-continue") in self._headers:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("ascii")
        target = self._url.decode("latin-1")
        self._waiting.append(Received(method, target, self._headers, b"".join(self._body)))
        if self._turn is None:
            self._next()

    # --- answering ---

    def _next(self) -> None:
        while self._waiting and self._turn is None and self._transport is not None:
            turn = self._server.take(self._waiting.popleft())
            performance = turn.performance
            if len(performance.steps) == 1 and performance.ending == "keep" and not performance.steps[0][0]:
                turn.finished()
                self._transport.write(performance.steps[0][1])
                continue
            self._turn = turn
            self._player = Player(self._loop, performance, turn.finished, self._over)
            self._player.start(self._transport)

    def _over(self) -> None:
        self._turn = None
        self._player = None
        self._loop.call_soon(self._next)
