"""Which processes serve on one database, so that no two count limits each for itself.

Every process has a row, and counts it up while it lives. Whether another one lives is seen from its row
changing, never from a time in it: no two hosts have the same clock. Of processes with the same data directory
a lock tells it at once, so that nobody waits after a crash.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import socket
from pathlib import Path

import structlog
from sqlalchemy import delete, insert, select, update

from sekisho.control.services.lasting import read_or_make
from sekisho.control.services.ledger import IDENTITY
from sekisho.control.store.announce import hold_changes
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.tables import processes
from sekisho.control.store.thread import StoreThread
from sekisho.core.message import Value

BEAT = 5.0
"""Seconds between two signs of life."""
GONE = 30.0
"""Seconds without one after which a process is taken for dead."""
LOOK = 0.5
SUFFIX = ".lock"
log = structlog.get_logger()


class Process(Value, frozen=True, kw_only=True):
    """A row."""

    id: str
    host: str
    pid: int
    journal: str
    """The name of its data directory's journal."""
    shares: bool
    """It counts limits together with all others that do."""
    beats: int = 0

    @property
    def text(self) -> str:
        return f"process {self.pid} on {self.host}"


class Presence:
    """`enter`, keep `run` running, then `leave`."""

    def __init__(self, store: Store, thread: StoreThread, data_dir: Path, journal: Path, *, shares: bool):
        self._store = store
        self._thread = thread
        self._folder = data_dir / "processes"
        self._journal = journal
        self._shares = shares
        self._own: Process | None = None
        self._lock: int | None = None

    async def enter(self) -> list[Process]:
        """Be known to the others. Returns those that were there before, live, and do not count together with
        this one. Waits for `GONE` where one may be dead. Raises StoreError, OSError."""
        own = Process(
            id=secrets.token_hex(8),
            host=socket.gethostname(),
            pid=os.getpid(),
            journal=read_or_make(self._journal / IDENTITY, lambda: secrets.token_hex(16)),
            shares=self._shares,
        )
        self._take_lock(own.id)
        self._own = own
        before = await self._thread.run(lambda: self._register(own))
        apart = [each for each in before if not (each.shares and own.shares)]
        alive = await asyncio.gather(*(self._lives(each, own.journal) for each in apart))
        return [each for each, lives in zip(apart, alive, strict=True) if lives]

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(BEAT)
            with contextlib.suppress(StoreError):  # nobody can start without a database either
                await self._thread.run(self._beat)

    async def leave(self) -> None:
        """Raises StoreError."""
        own, self._own = self._own, None
        if own is None:
            return
        if self._lock is not None:
            os.close(self._lock)
        self._path(own.id).unlink(missing_ok=True)
        await self._thread.run(lambda: self._forget(own.id))

    # --- the table --------------------------------------------------------------------------------

    def _register(self, own: Process) -> list[Process]:
        """Those that were there before: of two that start at once, one sees the other."""
        with self._store.write() as connection:
            hold_changes(connection)
            rows = connection.execute(select(processes)).mappings().all()
            connection.execute(insert(processes).values(_row(own)))
        return [Process(**row) for row in rows]

    def _beat(self) -> None:
        own = self._own
        if own is None:
            return
        counted = update(processes).where(processes.c.id == own.id).values(beats=processes.c.beats + 1)
        with self._store.write() as connection:
            if not connection.execute(counted).rowcount:
                connection.execute(insert(processes).values(_row(own)))
                log.error("taken_for_dead", reason="another process started while this one gave no sign")

    def _beats(self, process_id: str) -> int | None:
        with self._store.read() as connection:
            wanted = select(processes.c.beats).where(processes.c.id == process_id)
            found: int | None = connection.execute(wanted).scalar()
            return found

    def _forget(self, process_id: str) -> None:
        with self._store.write() as connection:
            connection.execute(delete(processes).where(processes.c.id == process_id))

    # --- who lives --------------------------------------------------------------------------------

    async def _lives(self, other: Process, journal: str) -> bool:
        path = self._path(other.id)
        if other.journal == journal and path.exists():
            if _is_locked(path):
                return True
            path.unlink(missing_ok=True)
        elif await self._beats_on(other):
            return True
        await self._thread.run(lambda: self._forget(other.id))
        return False

    async def _beats_on(self, other: Process) -> bool:
        log.info("process_watched", other=other.text, seconds=GONE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE):
                while True:
                    beats = await self._thread.run(lambda: self._beats(other.id))
                    if beats != other.beats:
                        return beats is not None
                    await asyncio.sleep(LOOK)
        return False

    def _take_lock(self, process_id: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        self._lock = os.open(self._path(process_id), flags, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def _path(self, process_id: str) -> Path:
        return self._folder / f"{process_id}{SUFFIX}"


def _row(process: Process) -> dict[str, object]:
    return {name: getattr(process, name) for name in process.__struct_fields__}


def _is_locked(path: Path) -> bool:
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
