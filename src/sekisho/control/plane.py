"""The control plane of one process, built and started as a whole."""

import asyncio
import contextlib
import importlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from sekisho.control.http import admin, marketplace
from sekisho.control.http.table import Route, Table
from sekisho.control.services import upkeep
from sekisho.control.services.counted import CountedBooks
from sekisho.control.services.keycache import KeyCache
from sekisho.control.services.keys import KeyService
from sekisho.control.services.ledger import Ledger
from sekisho.control.services.presence import Presence, Process
from sekisho.control.services.signing import SigningSecret
from sekisho.control.services.upkeep import Upkeep
from sekisho.control.services.usage import StoredBooks
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.migrate import migrate
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.telemetry.background import Background

JOURNAL = "journal"
"""The journal's folder in the data directory."""
LEDGER_LOCK_WAIT = 2.0
CLOSE_PATIENCE = 5.0
"""Seconds that the end waits for a database that does not answer."""


class Places(Protocol):
    """What the control plane needs of the settings."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def database_url(self) -> str: ...
    @property
    def admin_key(self) -> str | None: ...
    @property
    def sigv4_secret(self) -> str | None: ...
    @property
    def state_url(self) -> str | None: ...


class ControlPlane:
    """`start`, then use `keys` and `books`, then `close`.

    The ledger has a connection and a thread of its own: while it waits for a locked database, keys are
    still read, so that a revoked key stops in time.
    """

    def __init__(self, settings: Places, background: Background, clock: Clock):
        """Touches nothing yet. Raises StoreError for a database URL that cannot be used."""
        self._background = background
        self._store = Store(settings.database_url)
        self._ledger_store = Store(settings.database_url, lock_wait=LEDGER_LOCK_WAIT)
        self._thread = StoreThread("store")
        self._ledger_thread = StoreThread("ledger")
        self._service = KeyService(self._store, clock)
        self._journal = settings.data_dir / JOURNAL
        self._makes_first_key = settings.admin_key is None
        self._signing = SigningSecret(settings.data_dir, settings.sigv4_secret)
        self.keys = KeyCache(self._store, self._thread, clock, self._signing, settings.admin_key)
        self.ledger = Ledger(self._journal, self._ledger_store, self._ledger_thread, clock)
        self._upkeep_store = Store(settings.database_url, lock_wait=upkeep.LOCK_WAIT)
        self._upkeep_thread = StoreThread("upkeep")
        self.upkeep = Upkeep(self._upkeep_store, self._upkeep_thread, clock)
        self.books = StoredBooks(self._store, self._thread, self.ledger, clock)
        self.counted = CountedBooks(self._upkeep_store, self._upkeep_thread, self.ledger, clock)
        self.administration = self._table(admin.routes(self._store, clock))
        self.marketplace = self._table(marketplace.routes(self._store, clock))
        self._presence = Presence(
            self._upkeep_store,
            self._upkeep_thread,
            settings.data_dir,
            self._journal,
            shares=settings.state_url is not None,
        )
        self.beside: Sequence[Process] = ()
        """Processes that were there at the start, and count limits apart from this one."""
        self.first_admin_key: str | None = None
        """Made by `start` where there was no key at all. Show it once, to a person, and never log it."""

    def _table(self, routes: Sequence[Route]) -> Table:
        return Table(routes, self._thread, self.keys, self.ledger)

    async def start(self) -> None:
        """Bring the database up to date, read the keys, begin to load the journal. Raises StoreError, or
        OSError where the data directory cannot be used."""
        self._journal.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._signing.load()
        try:
            await self._thread.run(lambda: migrate(self._store))
            if self._makes_first_key:
                self.first_admin_key = await self._thread.run(self._service.ensure_admin_key)
            await self.keys.load()
            self.beside = await self._presence.enter()
        except StoreError:
            await self._let_go()
            raise
        self._background.start("keys", self.keys.poll)
        if self._store.dialect == "postgresql":
            listening = importlib.import_module("sekisho.control.store.listen")
            self._background.start("announcements", partial(listening.listen, self._store, self.keys.wake))
        self._background.start("presence", self._presence.run)
        self._background.start("ledger", self.ledger.run)
        self._background.start("upkeep", self.upkeep.run)

    async def close(self) -> None:
        """Load the rest of the journal and let go of the database.

        Stop the background tasks before, and close the journal, so that it is loaded to its end.
        """
        with contextlib.suppress(TimeoutError):  # the next start loads what is left
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self.ledger.flush()
        with contextlib.suppress(TimeoutError, StoreError):  # it is seen from the lock, or in a while
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self._presence.leave()
        await self._let_go()

    async def _let_go(self) -> None:
        for thread, store in (
            (self._upkeep_thread, self._upkeep_store),
            (self._ledger_thread, self._ledger_store),
            (self._thread, self._store),
        ):
            try:
                async with asyncio.timeout(CLOSE_PATIENCE):
                    await thread.close()
            except TimeoutError:
                store.abandon()
                await thread.close()
            store.close()
