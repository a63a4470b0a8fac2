"""What an attempt brings back: a whole body, or a stream whose first event has been seen."""

import contextlib
from dataclasses import dataclass
from typing import Protocol

from sekisho.core.contract import Facts, ReplyOptions
from sekisho.core.error import UpstreamError
from sekisho.upstream.response import Response

TAIL_SECONDS = 1.0
"""How long to wait, after the stream said that it is complete, for the provider to end the body, so that
its connection can be used again."""


class Relay(Protocol):
    """Provider's bytes in, client's bytes out."""

    @property
    def facts(self) -> Facts: ...
    @property
    def started(self) -> bool: ...
    @property
    def complete(self) -> bool: ...

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamError where the stream is broken or reports an error."""
        ...

    def finish(self) -> bytes:
        """The provider ended the body. Raises Truncated unless the stream is complete by then."""
        ...


class Passage(Protocol):
    """One request on its way to one endpoint, spliced or translated, and what to do with the answer."""

    @property
    def body(self) -> bytes: ...
    @property
    def header_lines(self) -> bytes:
        """Beside those of the endpoint itself."""
        ...

    @property
    def dropped(self) -> tuple[str, ...]:
        """Tuning knobs that the endpoint cannot express."""
        ...

    @property
    def show_usage(self) -> bool:
        """Whether the client asked to see usage in a stream."""
        ...

    def whole(self, body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
        """(facts, body for the client) of a whole answer. Raises UpstreamError."""
        ...

    def relay(self, options: ReplyOptions) -> Relay:
        """For a streamed answer."""
        ...


@dataclass(slots=True)
class Whole:
    """A complete answer in the client's dialect."""

    body: bytes


@dataclass(slots=True)
class Stream:
    """An answer under way: `first` goes out with the status line, then `next` until `relay.complete`."""

    response: Response
    relay: Relay
    first: bytes = b""

    async def open(self, seconds: float) -> None:
        """Wait for the first event. Raises UpstreamError: a fallback is still invisible then."""
        pieces: list[bytes] = []
        while not (self.relay.started or self.relay.complete):
            pieces.append(self._take(await self.response.chunk(seconds)))
        self.first = b"".join(pieces)

    async def next(self) -> bytes:
        """More bytes for the client; empty only when the stream is complete. Raises UpstreamError."""
        while True:
            data = self._take(await self.response.chunk())
            if data or self.relay.complete:
                return data

    async def settle(self) -> None:
        """After completion: let the provider's connection go back to its pool, or drop it."""
        try:
            with contextlib.suppress(UpstreamError):
                while await self.response.chunk(TAIL_SECONDS):
                    pass
        finally:
            self.response.close()

    def _take(self, data: bytes) -> bytes:
        return self.relay.feed(data) if data else self.relay.finish()


Answer = Whole | Stream
