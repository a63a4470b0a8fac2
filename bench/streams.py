"""Load: many event streams at once over bare protocols, counted and checked to their end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import uvloop

from bench.gateways import HOST, Subject
from bench.load import LoadFailed
from bench.proc import Process

_DONE = b"data: [DONE]\n\n\r\n0\r\n\r\n"


@dataclass(slots=True)
class Tally:
    opened: int = 0
    complete: int = 0
    done: int = 0
    """Of those, that end in the terminator of OpenAI's chat streams: one that broke off ends in an error."""
    broken: int = 0
    events: int = 0
    said: bytes = b""
    """The first answer that was no stream."""
    peak: int = 0
    """Resident bytes of the subject when all streams were open."""
    before: int = 0
    open_at_peak: int = 0


class _Stream(asyncio.Protocol):
    """One call; it ends at the terminating chunk, or after `leave_after` events."""

    __slots__ = ("_leave_after", "_on_end", "_request", "_seen", "_tail", "_tally", "_transport")

    def __init__(self, request: bytes, tally: Tally, leave_after: int, on_end: Callable[[], None]):
        self._request = request
        self._tally = tally
        self._leave_after = leave_after
        self._on_end = on_end
        self._tail = b""
        self._seen = 0
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if not self._seen:
            if not data.startswith(b"HTTP/1.1 200"):
                self._tally.said = self._tally.said or data[:500]
                self._close()
                return
            self._tally.opened += 1
        events = data.count(b"data: ")
        self._seen += events or 1
        self._tally.events += events
        self._tail = (self._tail + data)[-len(_DONE) :]
        if self._tail.endswith(b"0\r\n\r\n"):
            self._tally.complete += 1
            self._tally.done += self._tail == _DONE
            self._close()
        elif self._leave_after and self._seen >= self._leave_after:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._on_end is not None:
            self._finish(broken=True)

    def _close(self) -> None:
        assert self._transport is not None
        self._finish(broken=False)
        self._transport.close()

    def _finish(self, *, broken: bool) -> None:
        ended, self._on_end = self._on_end, None  # type: ignore[assignment]
        if ended is not None:
            self._tally.broken += broken
            ended()


def run(
    subject: Subject,
    body: bytes,
    *,
    streams: int,
    ramp: float,
    watch: Process | None = None,
    tally: Tally | None = None,
) -> Tally:
    """Open `streams` streams evenly over `ramp` seconds and read all to their end.

    With `watch`, its memory is read before the first and once all are open. A `tally` of the caller's can be
    looked at meanwhile.
    """
    return uvloop.run(_run(subject.port, subject.raw(body), (streams, ramp), watch, tally or Tally()))


async def _run(
    port: int, request: bytes, numbers: tuple[int, float], watch: Process | None, tally: Tally
) -> Tally:
    streams, ramp = numbers
    loop = asyncio.get_running_loop()
    all_over = asyncio.Event()
    left = streams

    def over() -> None:
        nonlocal left
        left -= 1
        if not left:
            all_over.set()

    if watch is not None:
        tally.before = watch.memory()[0]
    start = loop.time()
    for number in range(streams):
        wait = start + ramp * number / streams - loop.time()
        if wait > 0.001:
            await asyncio.sleep(wait)
        await _open(loop, port, _Stream(request, tally, 0, over))
    if watch is not None:
        await asyncio.sleep(1.5)  # the last ones opened get their first events
        tally.peak = watch.memory()[0]
        tally.open_at_peak = left
    async with asyncio.timeout(300):
        await all_over.wait()
    if tally.said:
        raise LoadFailed(tally.said.decode("utf-8", "replace"))
    return tally


async def _open(loop: asyncio.AbstractEventLoop, port: int, stream: _Stream) -> None:
    try:
        await loop.create_connection(lambda: stream, HOST, port)
    except OSError as error:
        raise LoadFailed(f"connecting: {error}") from None


def abandon(subject: Subject, body: bytes, *, streams: int, at_once: int, after: int) -> Tally:
    """`streams` streams, `at_once` at a time, each left in the middle after `after` events."""
    return uvloop.run(_abandon(subject.port, subject.raw(body), (streams, at_once, after)))


async def _abandon(port: int, request: bytes, numbers: tuple[int, int, int]) -> Tally:
    streams, at_once, after = numbers
    loop = asyncio.get_running_loop()
    tally = Tally()
    places = asyncio.Semaphore(at_once)
    for _ in range(streams):
        await places.acquire()
        await _open(loop, port, _Stream(request, tally, after, places.release))
    for _ in range(at_once):
        await places.acquire()
    if tally.said:
        raise LoadFailed(tally.said.decode("utf-8", "replace"))
    return tally
