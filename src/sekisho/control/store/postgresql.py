"""PostgreSQL 14 or newer, through psycopg.

Nothing waits for it without an end: connecting, a statement, a lock and a connection that went silent
each have their time. All settings are made within a transaction, so that a pooler may stand between.
"""

import contextlib
import os
import socket
import weakref
import zlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from sekisho.control.store.error import StoreError

OLDEST = 140_000
STATEMENT_SECONDS = 30.0
IDLE_SECONDS = 10.0
"""For which a transaction that writes may ask for nothing. Else its host has vanished, and others wait for
what it locked; by itself the server would notice after a quarter of an hour."""
CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    # A host that vanished is noticed in 20 seconds, not in the two hours that TCP itself takes.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "sekisho",
    # Statements that are prepared on the server do not survive a pooler.
    "prepare_threshold": None,
}
"""What the driver is told, unless the URL says otherwise."""


class Postgresql:
    """Implements `engine.Backend`."""

    file: None = None

    def __init__(self, url: URL):
        self._url = url.set(drivername="postgresql+psycopg")
        self._where = f"PostgreSQL at {url.host or 'the local socket'}:{url.port or 5432}"
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        """The driver's connections."""
        self.parameters: dict[str, Any] = {}
        """What the driver connects with. Filled by `connect`."""
        self._secrets = [each for each in (url.password, url.query.get("password")) if isinstance(each, str)]

    def connect(self, lock_wait: float) -> Engine:
        """See `engine.Backend`."""
        told = {name: value for name, value in CONNECTION.items() if name not in self._url.query}
        try:
            engine = create_engine(self._url, hide_parameters=True, pool_pre_ping=True, connect_args=told)
        except ModuleNotFoundError:
            raise StoreError(
                "PostgreSQL needs its driver, which is not installed: pip install 'sekisho[postgresql]'"
            ) from None

        @event.listens_for(engine, "connect")
        def check(connection: Any, _record: object) -> None:
            self._open.add(connection)
            if connection.info.server_version < OLDEST:
                found = connection.info.server_version // 10_000
                raise StoreError(
                    f"{self._where} is version {found}; Sekisho needs {OLDEST // 10_000} or newer"
                )

        statement, lock = _ms(STATEMENT_SECONDS), _ms(lock_wait)
        waits = f"SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}"
        ends = f"SET LOCAL idle_in_transaction_session_timeout = {_ms(IDLE_SECONDS)}; "

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            writes = connection.get_execution_options().get("writes", False)
            mode = ends if writes else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
            connection.exec_driver_sql(mode + waits)

        self.parameters = {**engine.dialect.create_connect_args(self._url)[1], **told}
        return engine

    def abandon(self) -> None:
        """See `engine.Backend`. A thread that waits for a silent server can be woken in no other way."""
        for connection in list(self._open):
            if not connection.closed:
                with socket.socket(fileno=os.dup(connection.fileno())) as end, contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def exists(self) -> bool:
        """See `engine.Backend`."""
        return True

    def moved(self) -> bool:
        """See `engine.Backend`. The pool notices by itself."""
        return False

    @contextlib.contextmanager
    def prepared(self, engine: Engine) -> Iterator[None]:  # noqa: ARG002 - SQLite needs it
        """See `engine.Backend`. The lock is the migration's own."""
        yield

    def lock(self, connection: Connection, name: str) -> None:
        """See `engine.Backend`."""
        number = zlib.crc32(f"sekisho {name}".encode())
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (number,))

    def unhurried(self, connection: Connection) -> None:
        """See `engine.Backend`."""
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} = 0")

    def told(self, error: BaseException) -> str:
        """See `engine.Backend`. A server's error has its values in the details, which are left out."""
        diagnosis = getattr(error, "diag", None)
        text = (diagnosis and diagnosis.message_primary) or " ".join(str(error).split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f"{self._where}: {text}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
