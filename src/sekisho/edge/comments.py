"""Comments that keep a client's connection alive below `/api/v1`, while a stream's first token or its next
one is waited for: proxies and clients take silence for death.

The first comment goes out with status 200, before anybody has answered: an error after it stands in the
stream.
"""

import asyncio
from collections.abc import Callable

from sekisho.core.exchange import Exchange
from sekisho.edge.connection import Connection

COMMENT = b": OPENROUTER PROCESSING\n\n"
"""In OpenRouter's words: clients look for them."""
SECONDS = 15.0
"""Of silence. OpenRouter is quicker, but nobody's limit is this short, and most answers need no comment."""
BREAKING = (b"openai/go", b"okhttp/")
"""What the user agents of clients begin with that take a comment for an event: openai-go
(github.com/docker/docker-agent/issues/2349) and openai4j (github.com/Lambdua/openai4j/issues/90), 2026-11."""


class Comments:
    """Of one call: what is written through it goes to the client, and so do comments whenever it is silent.
    To be stopped, whatever happens."""

    __slots__ = ("_begin", "_last", "_loop", "_out", "_seconds", "_timer", "drain")

    def __init__(self, out: Connection, seconds: float, begin: Callable[[], bool]):
        """`begin`: begins the answer, unless it has begun; False where it is no stream of events."""
        self._out = out
        self._seconds = seconds
        self._begin = begin
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer = self._loop.call_later(seconds, self._tick)
        self.drain = out.drain

    @property
    def paused(self) -> bool:
        return self._out.paused

    def write(self, data: bytes) -> None:
        """Whole events only; nothing, where a provider said what the client is not told: that is silence."""
        if data:
            self._last = self._loop.time()
            self._out.write(data)

    def stop(self) -> None:
        self._timer.cancel()

    def _tick(self) -> None:
        silent = self._loop.time() - self._last
        if silent >= self._seconds:
            if not self._begin():
                return
            if not self.paused:
                self.write(COMMENT)
            silent = 0.0
        self._timer = self._loop.call_later(self._seconds - silent, self._tick)


def wanted(exchange: Exchange) -> bool:
    """Whether this client is sent comments."""
    agent = exchange.named.get(b"user-agent", b"").lower()
    return exchange.show_money and not agent.startswith(BREAKING)
