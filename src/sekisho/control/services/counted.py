"""What limits have used, as the books have it: from that counters are built."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from sekisho.control.services.credits import charges
from sekisho.control.services.ledger import Ledger
from sekisho.control.services.usage import spent_at
from sekisho.control.store import calls, counted, uncounted
from sekisho.control.store.counted import Entry
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.tables import calls as table
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.error import Unavailable
from sekisho.core.limit import Limit
from sekisho.core.record import CallRecord
from sekisho.metering.currency import USD

T = TypeVar("T")


class CountedBooks:
    """`store` and `thread` are such as nobody else waits for. Everything raises Unavailable."""

    def __init__(self, store: Store, thread: StoreThread, ledger: Ledger, clock: Clock):
        self._store = store
        self._thread = thread
        self._ledger = ledger
        self._clock = clock

    async def limits(self) -> list[Limit]:
        """All there are, of all holders and keys, also of those that are disabled: they may come back."""
        return await self._read(counted.read_limits)

    async def used(self, limits: Sequence[Limit], ended: float) -> tuple[list[Entry], list[str]]:
        """What counts in the present periods of the limits, and the ids of all calls that ended at `ended`
        (seconds since the epoch) or later: both from one state of the database, which has all that this
        host's journal had when asked."""

        def read(connection: Connection) -> tuple[list[Entry], list[str]]:
            now = self._clock.now()
            entries = list(counted.used(connection, limits, now))
            for limit in limits:
                if limit.tariffs is not None:
                    charge = USD.shown(charges(connection, limit, now).charge)
                    entries.append((limit, limit.id, now, max(0, charge)))
            return entries, counted.ended_since(connection, ended)

        await self.caught_up()
        return await self._read(read)

    async def spent(self, provider: str, since: float, ended: float) -> tuple[int, list[str]]:
        """Nano-USD of calls at one provider that began at `since` (seconds since the epoch) or later, and the
        ids of all calls that ended at `ended` or later: as `used` reads."""
        await self.caught_up()
        return await self._read(
            lambda connection: (
                spent_at(connection, provider, since),
                counted.ended_since(connection, ended),
            )
        )

    async def ended(self, call_ids: Sequence[str]) -> list[CallRecord]:
        """The records of those calls that the books have."""
        return await self._read(lambda found: list(calls.select(found, table.c.id.in_(call_ids))))

    async def uncounted(self, since: float, most: int) -> list[CallRecord]:
        """The records of calls that passed while counters were away, ended at `since` or later, and are not
        seen to: the first ones."""

        def read(connection: Connection) -> list[CallRecord]:
            ids = uncounted.find(connection, since, most)
            return list(calls.select(connection, table.c.id.in_(ids))) if ids else []

        return await self._read(read)

    async def seen_to(self, call_ids: Sequence[str]) -> None:
        """They are in the counters now."""

        def write() -> None:
            with self._store.write() as connection:
                uncounted.remove(connection, call_ids)

        await self._run(write)

    async def caught_up(self) -> None:
        """Wait until all is on the books that this host's journal had when asked."""
        failures = self._ledger.failures
        await self._ledger.flush()
        if self._ledger.failures > failures:
            raise Unavailable("the journal cannot be brought to the books, for limits to be counted from")

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._store.read() as connection:
                return work(connection)

        return await self._run(read)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await self._thread.run(work)
        except StoreError as error:
            raise Unavailable(f"what limits have used cannot be read: {error}", retry_after=5) from None
