"""The books: what calls were made and what they cost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import Connection, String, cast, func, not_, select

from sekisho.control.services.credits import charges
from sekisho.control.services.ledger import Ledger
from sekisho.control.store import calls
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.outages import read_uptimes
from sekisho.control.store.spent import spending
from sekisho.control.store.tables import calls as table
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.error import Unavailable
from sekisho.core.limit import Limit
from sekisho.core.port import Spending, Uptime
from sekisho.core.record import CallRecord, paid
from sekisho.metering.currency import USD

PATIENCE = 5.0
"""Seconds that a client waits for a database that does not answer."""
LONG_PATIENCE = 60.0
"""Where no client waits, and much is to be read."""


class StoredBooks:
    """Implements `core.port.Books` over the database. Raises Unavailable where it cannot be read."""

    def __init__(self, store: Store, thread: StoreThread, ledger: Ledger, clock: Clock):
        self._store = store
        self._thread = thread
        self._ledger = ledger
        self._clock = clock

    async def generation(self, call_id: str) -> CallRecord | None:
        """See `core.port.Books`."""
        return await self._look(lambda connection: calls.find(connection, call_id))

    async def answered(self, key_id: str, upstream_id: str) -> CallRecord | None:
        """See `core.port.Books`."""
        return await self._look(lambda connection: calls.find_answer(connection, key_id, upstream_id))

    async def spending(self, key_id: str) -> Spending:
        """See `core.port.Books`, and `store.spent`."""
        async with _answered():
            await self._ledger.flush()
            return await self._thread.run(lambda: self._spending(key_id))

    async def charged(self, paid: Limit) -> int:
        """See `core.port.Books`."""
        async with _answered():
            await self._ledger.flush()
            return await self._thread.run(lambda: self._charged(paid))

    async def uptimes(self) -> Mapping[tuple[str, str], Uptime]:
        """See `core.port.Books`."""

        def read() -> Mapping[tuple[str, str], Uptime]:
            with self._store.read() as connection:
                return read_uptimes(connection, self._clock.now())

        async with _answered():
            return await self._thread.run(read)

    async def spent_at(self, provider: str, since: float, apart_from: Callable[[], Collection[str]]) -> int:
        """See `core.port.Books`."""
        async with _answered(LONG_PATIENCE):
            await self._ledger.flush()
            return await self._thread.run(lambda: self._spent_at(provider, since, apart_from))

    async def _look(self, find: Callable[[Connection], CallRecord | None]) -> CallRecord | None:
        def read() -> CallRecord | None:
            with self._store.read() as connection:
                return find(connection)

        async with _answered():
            record = await self._thread.run(read)
            if record is None:
                await self._ledger.flush()  # it may stand in the journal only
                record = await self._thread.run(read)
            return record

    def _spent_at(self, provider: str, since: float, apart_from: Callable[[], Collection[str]]) -> int:
        with self._store.read() as connection:
            return spent_at(connection, provider, since, apart_from())

    def _charged(self, paid: Limit) -> int:
        with self._store.read() as connection:
            return USD.shown(charges(connection, paid, self._clock.now()).charge)

    def _spending(self, key_id: str) -> Spending:
        with self._store.read() as connection:
            return spending(connection, [key_id], self._clock.now()).get(key_id, Spending())


def spent_at(connection: Connection, provider: str, since: float, apart_from: Collection[str] = ()) -> int:
    """See `core.port.Books`."""
    # An answer of several targets says in its attempts what each was paid; it is the exception, and read
    # whole.
    shared = cast(table.c.attempts, String).like('%"usage"%')
    counted = (table.c.started >= since, table.c.id.not_in(frozenset(apart_from)))
    plain = select(func.coalesce(func.sum(table.c.cost), 0)).where(
        *counted, table.c.provider == provider, not_(shared)
    )
    spent = int(connection.execute(plain).scalar_one())
    return spent + sum(paid(record, provider) for record in calls.select(connection, *counted, shared))


@asynccontextmanager
async def _answered(patience: float | None = None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(PATIENCE if patience is None else patience):
            yield
    except (StoreError, TimeoutError):
        raise Unavailable("the books cannot be read at the moment; calls go on", retry_after=5) from None
