"""Bring a database to this version's tables, whoever else is starting at the same moment.

Alembic is loaded only where there is something to do: it costs more than starting the server.
"""

import fcntl
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect

from sekisho.control.store.engine import Store, StoreError

HEAD = "0004"
"""The newest file in `migrations/versions`."""


def migrate(store: Store) -> None:
    """Raises StoreError where the database cannot be reached, or was written by a newer version."""
    if store.file is not None and store.file.exists() and _version(store) == HEAD:
        return
    with _one_process(store.file):
        store.prepare()
        version = _version(store)
        if version == HEAD:
            return
        upgrade = importlib.import_module("sekisho.control.store.upgrade")
        if not upgrade.knows(version):
            msg = f"the database is at version {version}, which only a newer Sekisho knows"
            raise StoreError(msg)
        with store.write() as connection:
            upgrade.run(connection)


def _version(store: Store) -> str | None:
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return version


@contextmanager
def _one_process(file: Path | None) -> Iterator[None]:
    if file is None:
        yield
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = file.with_name(file.name + ".migrate").open("wb")
    except OSError as error:
        raise StoreError(f"{file.parent} cannot be made or written: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
