"""The books for a command: beside a running server, or without one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sekisho.control.plane import JOURNAL, Places
from sekisho.control.services.ledger import FLUSH_PAUSE, Ledger
from sekisho.control.store.counted import read_limits
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock

PATIENCE = 2.0
"""Seconds for another process that is loading the journal."""


@contextmanager
def open_books(places: Places) -> Iterator[Store]:
    """The database, with everything in it that the journal holds at this moment. Raises StoreError, or
    OSError for the journal's folder."""
    store = Store(places.database_url)
    try:
        migrate(store)
        directory = places.data_dir / JOURNAL
        if directory.is_dir():
            _load(Ledger(directory, store, StoreThread("ledger"), Clock()))
        yield store
    finally:
        store.close()


def have_books(places: Places) -> bool:
    """Whether there is a database that commands would not have to make first. Raises StoreError."""
    store = Store(places.database_url)
    try:
        return store.exists()
    finally:
        store.close()


def any_limits(database_url: str) -> bool:
    """Whether a key has a limit, or anything that keys belong to. Raises StoreError."""
    store = Store(database_url)
    try:
        migrate(store)
        with store.read() as connection:
            return bool(read_limits(connection))
    finally:
        store.close()


def _load(ledger: Ledger) -> None:
    until = time.monotonic() + PATIENCE
    while not ledger.load() and time.monotonic() < until:
        time.sleep(FLUSH_PAUSE)
