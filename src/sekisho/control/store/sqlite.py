"""SQLite: one file, one writer at a time, its locks as the kernel knows them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from sekisho.control.store.error import StoreError


class Sqlite:
    """Implements `engine.Backend`."""

    def __init__(self, url: URL):
        self._url = url.set(drivername="sqlite")
        name = url.database
        self.file = Path(name) if name and name != ":memory:" else None
        self.parameters: dict[str, Any] = {}
        self._identity: tuple[int, int] | None = None

    def connect(self, lock_wait: float) -> Engine:
        """See `engine.Backend`."""
        # hide_parameters: an error's text must not hold a key's digest.
        engine = create_engine(self._url, hide_parameters=True, connect_args={"timeout": lock_wait})

        @event.listens_for(engine, "connect")
        def set_up(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # transactions are begun below, not by the driver
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # A transaction that reads first and then writes would fail at once, without waiting, if another
            # process wrote in between. Taking the write lock at the start waits instead.
            writes = connection.get_execution_options().get("writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def abandon(self) -> None:
        """See `engine.Backend`. It waits for locks alone, and for each only so long."""

    def exists(self) -> bool:
        """See `engine.Backend`."""
        return self.file is not None and self.file.exists()

    def moved(self) -> bool:
        """See `engine.Backend`. A deleted database would take every write and lose it: notice, and never
        make an empty one."""
        if self.file is None:
            return False
        try:
            stat = self.file.stat()
        except OSError as error:
            raise StoreError(f"{self.file} cannot be opened: {error.strerror}") from error
        before, self._identity = self._identity, (stat.st_dev, stat.st_ino)
        return before != self._identity

    @contextmanager
    def prepared(self, engine: Engine) -> Iterator[None]:
        """See `engine.Backend`. Makes the file, for this user only, and sets what it remembers itself."""
        if self.file is None:
            yield
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = self.file.with_name(self.file.name + ".migrate").open("wb")
        except OSError as error:
            raise StoreError(f"{self.file.parent} cannot be made or written: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                self.file.touch(mode=0o600)
            except OSError as error:
                raise StoreError(f"{self.file} cannot be written: {error.strerror}") from error
            with engine.connect() as connection:
                driver: Any = connection.connection.dbapi_connection
                driver.execute("PRAGMA journal_mode = WAL")
            yield

    def lock(self, connection: Connection, name: str) -> None:
        """See `engine.Backend`. There is one writer anyway."""

    def unhurried(self, connection: Connection) -> None:
        """See `engine.Backend`. Nothing hurries it."""

    def told(self, error: BaseException) -> str:
        """See `engine.Backend`."""
        return str(error)
