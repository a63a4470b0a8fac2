"""What an attempt brings back: a whole body, or a stream whose first event has been seen."""

import contextlib
from collections.abc import Callable
from typing import Protocol

import msgspec

from sekisho.core.contract import Facts, LooseEnd, ReplyOptions
from sekisho.core.error import UpstreamError, UpstreamTimeout
from sekisho.core.usage import Usage
from sekisho.pipeline.watch import Watch
from sekisho.upstream.response import Response

TAIL_SECONDS = 1.0
"""How long to wait, after the stream said that it is complete, for the provider to end the body, so that
its connection can be used again."""
TAIL_PIECES = 4
"""Of the body, beyond its last event, before that is given up."""


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

    def keep(self) -> None:
        """Keep what the client is told from now on, for `loose_end`. Goes before everything else."""
        ...

    def loose_end(self) -> LooseEnd | None:
        """Where the client's stream stands after an error. None: no other target could go on there."""
        ...

    def conclude(self, usage: Usage) -> bytes:
        """What completes a stream that broke off after its provider had said why it ended the answer; `usage`
        is told where none was. Raises UpstreamError where it had not."""
        ...


class Sink(Protocol):
    """Where a stream's bytes go: a client's connection."""

    @property
    def paused(self) -> bool:
        """Await `drain` before more is written."""
        ...

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...


class Rescuer(Protocol):
    """Knows what to do when a stream breaks off."""

    async def rescue(self, broken: "Stream", error: UpstreamError) -> "Stream":
        """See `Stream.rescued`."""
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


class Whole(msgspec.Struct, eq=False):
    """A complete answer in the client's dialect."""

    body: bytes


class Stream(msgspec.Struct, eq=False):
    """An answer under way: `first` goes out with the status line, then what `take` makes of
    every piece of `response`, until `relay.complete`. Must be closed, whatever happens."""

    response: Response
    relay: Relay
    watch: Watch
    first: bytes = b""
    rescuer: Rescuer | None = None
    """None: if it breaks off, the client is told."""
    closed: bool = False

    async def pass_on(self, sink: Sink, end: Callable[[bytes], None]) -> None:
        """Everything that the client gets; its last bytes go to `end`. Goes on with another target's stream
        where this one breaks off, if one can. Raises UpstreamError."""
        answer = self
        while True:
            try:
                return await answer._pass_on(sink, end)
            except UpstreamError as error:
                answer.watch.failed(error)
                answer.close()
                following = await answer.rescued(error)
            finally:
                answer.close()
            answer = following

    async def _pass_on(self, sink: Sink, end: Callable[[bytes], None]) -> None:
        """This one to its end, or to where it breaks off."""
        relay, response, data = self.relay, self.response, self.first
        while not relay.complete:
            sink.write(data)
            if sink.paused:
                await sink.drain()
            data = await response.chunk()
            data = relay.feed(data) if data else relay.finish()
        end(data)
        await self.settle()

    def outlasts(self, book: Callable[[], None]) -> bool:  # noqa: ARG002 - see `pipeline.shared.Reading`
        """Whether it goes on when its client has gone; `book` is called once it has ended then."""
        return False

    async def open(self, now: Callable[[], float]) -> None:
        """Wait for the first event, no longer than for the head. Raises UpstreamError: a fallback is still
        invisible then."""
        pieces: list[bytes] = []
        while not (self.relay.started or self.relay.complete):
            left = self.response.first_by - now()
            if left <= 0:  # comments that keep the connection alive are no answer
                raise UpstreamTimeout("no first token in time")
            pieces.append(self.take(await self.response.chunk(left)))
        self.first = b"".join(pieces)
        self.watch.answering()

    def take(self, data: bytes) -> bytes:
        """What the client gets for a piece of the provider's body; empty `data` is the body's end.

        May be empty before the stream is complete. Raises UpstreamError. (No coroutine: a stream would pay
        for one at every event.)
        """
        return self.relay.feed(data) if data else self.relay.finish()

    async def rescued(self, error: UpstreamError) -> "Stream":
        """A stream that goes on where this one broke off with `error`; this one must be closed before. Raises
        `error` where there is none."""
        if self.rescuer is None:
            raise error
        return await self.rescuer.rescue(self, error)

    def close(self) -> None:
        """An answer that is not complete stops being generated. Idempotent."""
        self.closed = True
        self.response.close()
        self.watch.end()

    async def settle(self) -> None:
        """After completion: let the provider's connection go back to its pool, or drop it."""
        if self.closed:
            return  # it broke off, and lacked nothing but its end
        self.watch.end("answered")
        try:
            with contextlib.suppress(UpstreamError):
                for _ in range(TAIL_PIECES):
                    if not await self.response.chunk(TAIL_SECONDS):
                        break
        finally:
            self.response.close()


Answer = Whole | Stream
