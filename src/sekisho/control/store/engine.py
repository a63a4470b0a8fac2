"""The database as the services see it: transactions, and one error for everything that goes wrong."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError


class StoreError(Exception):
    """The database did not do it. The text says why, and holds neither statements nor values."""


class Store:
    """One database. Not for the event loop: everything here waits (see `StoreThread`)."""

    def __init__(self, url: str, *, lock_wait: float = 5.0):
        """Connects to nothing yet. `lock_wait`: seconds to wait for another writer.

        Raises StoreError for a URL that names no database this version can use.
        """
        self.url = _checked(url)
        self._engine = _engine(self.url, lock_wait)
        self._identity: tuple[int, int] | None = None

    @property
    def file(self) -> Path | None:
        """The database's file; None where it has none."""
        name = self.url.database
        return Path(name) if name and name != ":memory:" else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises StoreError."""
        self._check_file()
        with _errors_named(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write, committed at the end unless an error passes. Raises StoreError."""
        self._check_file()
        with _errors_named(), self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def prepare(self) -> None:
        """Make the database's file, for this user only, and set what the file itself remembers.

        Only one process may do this at a time. Raises StoreError.
        """
        if self.file is not None:
            try:
                self.file.touch(mode=0o600)
            except OSError as error:
                raise StoreError(f"{self.file} cannot be written: {error.strerror}") from error
        with _errors_named(), self._engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA journal_mode = WAL")

    def _check_file(self) -> None:
        """A deleted database would take every write and lose it: notice, and never make an empty one."""
        if self.file is None:
            return
        try:
            stat = self.file.stat()
        except OSError as error:
            raise StoreError(f"{self.file} cannot be opened: {error.strerror}") from error
        identity = (stat.st_dev, stat.st_ino)
        if identity != self._identity:
            self._engine.dispose()
            self._identity = identity

    def close(self) -> None:
        """Give all connections back. The store may be used again."""
        self._engine.dispose()


@contextmanager
def _errors_named() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreError(str(error.orig)) from error
    except sqlite3.Error as error:  # while connecting, before SQLAlchemy is in charge
        raise StoreError(str(error)) from error


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise StoreError("the database URL is not one; an example: sqlite:////var/lib/sekisho/db") from None
    if backend != "sqlite":
        msg = f"the database URL names {backend}; this version keeps its records in sqlite only"
        raise StoreError(msg)
    return parsed.set(drivername="sqlite")


def _engine(url: URL, lock_wait: float) -> Engine:
    # hide_parameters: an error's text must not hold a key's digest.
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": lock_wait})

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
