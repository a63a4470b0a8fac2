"""The database as the services see it: transactions, and one error for everything that goes wrong."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from sekisho.control.store.error import StoreError
from sekisho.control.store.postgresql import Postgresql
from sekisho.control.store.sqlite import Sqlite

__all__ = ["Store", "StoreError"]


class Backend(Protocol):
    """What differs between databases, beyond what SQLAlchemy evens out."""

    @property
    def file(self) -> Path | None:
        """The database's file; None where it has none."""
        ...

    @property
    def parameters(self) -> dict[str, Any]:
        """What the driver's own functions connect with, where it has any."""
        ...

    def connect(self, lock_wait: float) -> Engine:
        """An engine whose transactions wait `lock_wait` seconds for another writer. Connects to nothing yet.
        Transactions that write say so by the execution option `writes`. Raises StoreError."""
        ...

    def abandon(self) -> None:
        """Break off whatever waits for the database at this moment, from another thread."""
        ...

    def exists(self) -> bool:
        """Whether there may be a database already."""
        ...

    def moved(self) -> bool:
        """Whether kept connections lead elsewhere by now. Raises StoreError where the database is gone."""
        ...

    def prepared(self, engine: Engine) -> AbstractContextManager[None]:
        """Around a migration: the database is there, and where it has no locks of its own, one is held."""
        ...

    def lock(self, connection: Connection, name: str) -> None:
        """Wait until no other transaction holds this lock, and hold it until this one ends."""
        ...

    def unhurried(self, connection: Connection) -> None:
        """Let this transaction wait and work as long as it takes."""
        ...

    def told(self, error: BaseException) -> str:
        """What the driver's error says, without secrets and values."""
        ...


BACKENDS: dict[str, Callable[[URL], Backend]] = {"sqlite": Sqlite, "postgresql": Postgresql}


class Store:
    """One database. Not for the event loop: everything here waits (see `StoreThread`)."""

    def __init__(self, url: str, *, lock_wait: float = 5.0):
        """Connects to nothing yet. `lock_wait`: seconds to wait for another writer.

        Raises StoreError for a URL that names no database this version can use.
        """
        self.url = _checked(url)
        self._backend = BACKENDS[self.url.get_backend_name()](self.url)
        self._engine = self._backend.connect(lock_wait)

    @property
    def file(self) -> Path | None:
        """The database's file; None where it has none."""
        return self._backend.file

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.url.get_backend_name()

    @property
    def parameters(self) -> dict[str, Any]:
        """What the driver connects with; holds the password."""
        return self._backend.parameters

    def told(self, error: BaseException) -> str:
        """What the driver's error says, without secrets and values."""
        return self._backend.told(error)

    def abandon(self) -> None:
        """Break off whatever another thread is waiting for. Its transaction fails, and is undone."""
        self._backend.abandon()

    def exists(self) -> bool:
        """Whether there may be a database already; False: it is still to be made, by `alone`."""
        return self._backend.exists()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises StoreError."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write, committed at the end unless an error passes. Raises StoreError."""
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """The same while every other process that asks for this waits, as long as it takes; the database is
        made where there is none. For migrations."""
        with self._errors_named(), self._backend.prepared(self._engine), self.write() as connection:
            self._backend.unhurried(connection)
            self._backend.lock(connection, "migrate")
            yield connection

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection without a transaction, for statements that go in none. Raises StoreError."""
        with self._errors_named(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT", writes=True)

    def lock(self, connection: Connection, name: str) -> None:
        """Wait until no other transaction holds the lock of this name; this one holds it to its end."""
        self._backend.lock(connection, name)

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        if self._backend.moved():
            self._engine.dispose()
        with self._errors_named(), self._engine.connect() as connection:
            connection = connection.execution_options(writes=writes)
            with connection.begin():
                yield connection

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(self._backend.told(error.orig or error)) from error
        except self._engine.dialect.loaded_dbapi.Error as error:  # before SQLAlchemy is in charge
            raise StoreError(self._backend.told(error)) from error

    def close(self) -> None:
        """Give all connections back. The store may be used again."""
        self._engine.dispose()


def _checked(url: str) -> URL:
    if url.startswith("postgres://"):  # as many hosts of databases still write it
        url = url.replace("postgres://", "postgresql://", 1)
    try:
        parsed = make_url(url)
        name = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        name = None
    if name is None:
        msg = (
            "the database URL is not one; examples: sqlite:////var/lib/sekisho/db,"
            " postgresql://user:password@host:5432/sekisho"
        )
        raise StoreError(msg)
    if name not in BACKENDS:
        raise StoreError(f"the database URL names {name}; records are kept in sqlite or postgresql only")
    return parsed
