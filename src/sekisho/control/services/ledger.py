"""The ledger: brings every record from the journal to the database, exactly once.

Rows and the offset up to which a segment is loaded are committed together, so a crash at any point
loses nothing and repeats nothing. Segments of all processes are loaded, by whichever process
comes first; the others let it.
"""

import asyncio
import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from sekisho.control.services.lasting import read_or_make
from sekisho.control.store import rollups
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.positions import Position, claim, move
from sekisho.control.store.thread import Latest, StoreThread
from sekisho.core.clock import Clock
from sekisho.metering import segment
from sekisho.metering.segment import Portion
from sekisho.telemetry.log import Shout

LOAD_SECONDS = 1.0
"""A batch costs as much as 50 records: who cannot wait asks for a `flush`."""
LONGEST_PAUSE = 10.0
"""Seconds between two attempts while the database refuses."""
FLUSH_PAUSE = 0.02
FLUSH_ATTEMPTS = 100
ABANDONED_SECONDS = 3600.0
LOCK = "loading.lock"
IDENTITY = "journal.id"
"""The file that holds the journal's own name: hosts that load into one database may call segments alike."""


class Ledger:
    """Loads the journal in `directory`. `store` and `thread` are its own: others must not wait for it."""

    def __init__(self, directory: Path, store: Store, thread: StoreThread, clock: Clock):
        self._directory = directory
        self._store = store
        self._thread = thread
        self._now = clock.now
        self._journal = ""
        """The journal's own name; empty: not read yet."""
        self._sizes: dict[str, int] = {}
        """How much of a living segment is known to be loaded: nothing to ask the database about."""
        self._latest = Latest(self._load_now, FLUSH_PAUSE)
        self._not_loaded = Shout("journal_not_loaded", clock.monotonic)
        self._damaged = Shout("journal_lines_damaged", clock.monotonic)

    @property
    def failures(self) -> int:
        """Loads that failed since the start."""
        return self._not_loaded.count

    async def run(self) -> None:
        """Load what is new, once a second, until cancelled."""
        await self._thread.run(lambda: segment.sweep(self._directory, self._now() - ABANDONED_SECONDS))
        pause = LOAD_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await self._thread.run(self.load)
                pause = LOAD_SECONDS
            except (StoreError, OSError) as error:
                self._tell(error)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def flush(self) -> None:
        """Load what the journal holds now. Gives up, loudly, where the database refuses.

        Another process that is loading is waited for, two seconds at most.
        """
        await self._latest()

    async def _load_now(self) -> None:
        try:
            for _ in range(FLUSH_ATTEMPTS):
                if await self._thread.run(self.load):
                    return
                await asyncio.sleep(FLUSH_PAUSE)
        except (StoreError, OSError) as error:
            self._tell(error)

    def _tell(self, error: StoreError | OSError) -> None:
        self._not_loaded.error(error=str(error) if isinstance(error, StoreError) else error.strerror)

    def load(self) -> bool:
        """Load everything there is, unless another process is at it: then False.

        Waits for disk and database. Raises StoreError, or OSError for the folder as a whole; what was
        loaded until then stays.
        """
        with self._one_process() as ours:
            if not ours:
                return False
            if not self._journal:
                self._journal = read_or_make(self._directory / IDENTITY, lambda: secrets.token_hex(16))
            paths = segment.find(self._directory)
            for path in paths:
                try:
                    self._load_segment(path)
                except FileNotFoundError:
                    continue  # its writer found it empty and took it away
                except OSError as error:
                    self._tell(error)  # one bad file must not keep the others off the books
            names = {path.name for path in paths}
            self._sizes = {name: size for name, size in self._sizes.items() if name in names}
            return True

    def _load_segment(self, path: Path) -> None:
        # Asked first: what a segment's writer left behind is complete only after the writer has gone.
        final = not segment.alive(path)
        if not final and path.stat().st_size == self._sizes.get(path.name):
            return
        ended = False
        while not ended:
            with self._store.write() as connection:
                position = claim(connection, self._journal, path.name)
                if position.done:
                    break
                portion = segment.read(path, position.offset, final=final)
                rollups.add(self._store, connection, book(connection, portion.records))
                ended = portion.ended
                position = Position(portion.next_offset, position.damaged + portion.damaged, final and ended)
                move(connection, self._journal, path.name, position)
            self._sizes[path.name] = portion.next_offset
            self._report(path, portion)
        if final:
            _dispose(path, position.damaged)

    def _report(self, path: Path, portion: Portion) -> None:
        if portion.damaged:
            self._damaged.error(segment=path.name, lines=portion.damaged)
        if portion.torn:
            structlog.get_logger().warning("journal_tail_torn", segment=path.name)

    @contextmanager
    def _one_process(self) -> Iterator[bool]:
        with (self._directory / LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _dispose(path: Path, damaged: int) -> None:
    """A loaded segment goes; one with lines that could not be read is kept beside, for people to look at."""
    if damaged:
        path.rename(path.with_suffix(".damaged"))
    else:
        path.unlink()
