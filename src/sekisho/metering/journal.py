"""The journal: every finished call as a line on disk before its last byte leaves.

Records of one turn of the event loop share one write. After a write they survive a `kill -9`; at most a
second later they are synced and survive a power cut too. A broken disk never holds up traffic: records
wait in memory, within a bound, until it takes them again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import structlog

from sekisho.core.clock import Clock
from sekisho.core.record import CallRecord
from sekisho.metering import frame
from sekisho.metering.segment import Segment
from sekisho.telemetry.log import Shout


@dataclass(frozen=True, slots=True)
class JournalLimits:
    segment_bytes: int = 64 * 1024 * 1024
    segment_seconds: float = 600.0
    """After either, the next write begins a new segment, so that loaded ones can be deleted."""
    waiting_bytes: int = 64 * 1024 * 1024
    """What may wait in memory for a broken disk; beyond it the oldest records are lost."""
    retry_seconds: float = 1.0
    sync_seconds: float = 1.0


RETRY_BYTES = 1024 * 1024
"""Written in one turn of the loop while catching up."""


class FileJournal:
    """Implements `core.port.Journal` on files. Belongs to one event loop; not for other threads."""

    def __init__(self, directory: Path, *, clock: Clock | None = None, limits: JournalLimits | None = None):
        """Opens the first segment. Raises OSError where the directory cannot be made or written."""
        self._directory = directory
        self._clock = clock or Clock()
        self._limits = limits or JournalLimits()
        self._lines: list[bytes] = []
        self._releases: list[Callable[[], None]] = []
        self._scheduled = False
        self._waiting: deque[bytes] = deque()
        self._retry_timer: asyncio.TimerHandle | None = None
        self._sync_timer: asyncio.TimerHandle | None = None
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="journal-sync")
        self._write_failed = Shout("journal_write_failed", self._clock.monotonic)
        self._sync_failed = Shout("journal_sync_failed", self._clock.monotonic)
        self._record_lost = Shout("journal_record_lost", self._clock.monotonic)
        self.waiting_bytes = 0
        """Bytes of records in memory that no disk has taken yet. More than 0: calls are served unsaved."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._segment: Segment | None = self._open()

    @property
    def failures(self) -> int:
        """Writes and syncs that failed since the start."""
        return self._write_failed.count + self._sync_failed.count

    @property
    def lost(self) -> int:
        """Records that were given up since the start. Each is a call that is on no books."""
        return self._record_lost.count

    def append(self, record: CallRecord, release: Callable[[], None]) -> None:
        """See `core.port.Journal`."""
        try:
            self._lines.append(frame.encode(record))
        except (ValueError, OverflowError, TypeError) as error:
            self._record_lost.error(call=record.id, error=type(error).__name__)
        self._releases.append(release)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def close(self) -> None:
        """Write what is left, sync it and give the segment up. Records that no disk takes now are lost."""
        self._flush()
        if self._waiting:
            self._waiting_to_disk(self.waiting_bytes)
        for timer in (self._retry_timer, self._sync_timer):
            if timer is not None:
                timer.cancel()
        for line in self._waiting:
            self._record_lost.error(bytes=len(line), error="the disk did not take it before the end")
        if self._segment is not None:
            self._retire(self._segment)
            self._segment = None
        await asyncio.get_running_loop().run_in_executor(None, self._syncer.shutdown)

    # --- writing ----------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._scheduled = False
        lines, self._lines = self._lines, []
        releases, self._releases = self._releases, []
        if self._waiting:
            self._keep(lines)  # behind those that wait already
        elif lines:
            unwritten = self._write(lines)
            if unwritten:
                self._keep(unwritten)
                self._retry_later()
        self._release(iter(releases))

    def _release(self, releases: Iterator[Callable[[], None]]) -> None:
        try:
            for release in releases:
                release()
        finally:
            # One that raises (the loop reports it) must not leave the others waiting for ever.
            rest = list(releases)
            if rest:
                asyncio.get_running_loop().call_soon(self._release, iter(rest))

    def _write(self, lines: list[bytes]) -> list[bytes]:
        """Append lines to the segment. Returns those that did not reach the disk.

        A segment that failed is never written again: whatever it ends in then stays its end.
        """
        try:
            segment = self._usable()
        except OSError as error:
            self._shout(error)
            return lines
        before = segment.size
        try:
            segment.write(b"".join(lines))
        except OSError as error:
            self._shout(error)
            self._segment = None
            self._retire(segment)
            return _after(lines, segment.size - before)
        if self._sync_timer is None:
            self._sync_later()
        return []

    def _usable(self) -> Segment:
        """The segment to write to: the present one, or a new one where it is full, old or gone."""
        segment = self._segment
        if segment is not None:
            age = self._clock.monotonic() - self._opened
            full = segment.size >= self._limits.segment_bytes
            if not full and (age < self._limits.segment_seconds or segment.size == 0):
                return segment
            self._segment = None
            self._retire(segment)
        self._segment = self._open()
        return self._segment

    def _open(self) -> Segment:
        self._opened = self._clock.monotonic()
        return Segment(self._directory, self._clock.now())

    def _shout(self, error: OSError) -> None:
        self._write_failed.error(error=error.strerror, code=error.errno, waiting_bytes=self.waiting_bytes)

    # --- a disk that does not take it -------------------------------------------------------------

    def _keep(self, lines: list[bytes]) -> None:
        self._waiting.extend(lines)
        self.waiting_bytes += sum(map(len, lines))
        while self.waiting_bytes > self._limits.waiting_bytes:
            line = self._waiting.popleft()
            self.waiting_bytes -= len(line)
            self._record_lost.error(bytes=len(line), error="too much waits for the disk already")

    def _retry_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._retry_timer = loop.call_later(self._limits.retry_seconds, self._retry)

    def _retry(self) -> None:
        if self._waiting_to_disk(RETRY_BYTES):
            self._retry_later()
        elif self._waiting:
            self._retry_timer = asyncio.get_running_loop().call_later(0, self._retry)
        else:
            self._retry_timer = None

    def _waiting_to_disk(self, at_most: int) -> bool:
        """Write some of the waiting lines. Returns whether that failed."""
        lines: list[bytes] = []
        size = 0
        while self._waiting and size < at_most:
            lines.append(self._waiting.popleft())
            size += len(lines[-1])
        self.waiting_bytes -= size
        unwritten = self._write(lines)
        self._waiting.extendleft(reversed(unwritten))
        self.waiting_bytes += sum(map(len, unwritten))
        if not self._waiting:
            structlog.get_logger().info("journal_caught_up")
        return bool(unwritten)

    # --- syncing ----------------------------------------------------------------------------------

    def _sync_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._sync_timer = loop.call_later(self._limits.sync_seconds, self._sync)

    def _sync(self) -> None:
        segment = self._segment
        if segment is None:
            self._sync_timer = None
            return
        written = segment.size
        future = asyncio.get_running_loop().run_in_executor(self._syncer, self._sync_segment, segment)
        future.add_done_callback(lambda _: self._synced(segment, written))

    def _synced(self, segment: Segment, written: int) -> None:
        self._sync_timer = None
        current = self._segment
        if current is not None and (current is not segment or segment.size > written):
            self._sync_later()

    def _sync_segment(self, segment: Segment) -> None:
        # Runs in the one syncing thread, as closing does: no descriptor is closed under a sync.
        try:
            segment.sync()
        except OSError as error:
            self._sync_failed.error(error=error.strerror, code=error.errno)

    def _retire(self, segment: Segment) -> None:
        self._syncer.submit(self._sync_and_close, segment)

    def _sync_and_close(self, segment: Segment) -> None:
        self._sync_segment(segment)
        segment.close()


def _after(lines: list[bytes], written: int) -> list[bytes]:
    """The lines that follow the first `written` bytes."""
    for index, line in enumerate(lines):
        if written <= 0:
            return lines[index:]
        written -= len(line)
    return []
