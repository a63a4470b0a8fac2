"""Looks after the records in the background: partitions are made ahead, hours become days, and what is old
goes.

It has a connection and a thread of its own, waits for nobody for long, and rests four times as long as it
worked, so that loading and reading do not notice it.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sekisho.control.store import expiry, rollups, tallies, uncounted
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.telemetry.log import Shout

ROUND_SECONDS = 600.0
RETRY_SECONDS = 15.0
LOCK_WAIT = 0.5
HOURS_KEPT = 45 * 86_400.0
"""Seconds after which the sums of a day's hours become the day's."""
REST = 4.0
SHORTEST_REST = 0.02
T = TypeVar("T")


class Upkeep:
    """`run` it; `keep` may change meanwhile."""

    def __init__(self, store: Store, thread: StoreThread, clock: Clock):
        self._store = store
        self._thread = thread
        self._clock = clock
        self.keep: float | None = None
        """Seconds for which calls are kept; None: for ever. Whole days go, by UTC."""
        self._failed = Shout("records_not_looked_after", clock.monotonic)

    async def run(self) -> None:
        """Every ten minutes, until cancelled."""
        while True:
            pause = ROUND_SECONDS
            try:
                await self.once()
            except StoreError as error:
                self._failed.error(error=str(error))
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    async def once(self) -> None:
        """All that there is to do now. Raises StoreError."""
        now = self._clock.now()
        await self._gently(lambda: expiry.make_partitions(self._store, now))
        while await self._gently(lambda: rollups.fold(self._store, now - HOURS_KEPT)):
            pass
        while await self._gently(lambda: tallies.fold(self._store, now - HOURS_KEPT)):
            pass
        await self._gently(lambda: uncounted.sweep(self._store, now))
        if self.keep is None:
            return
        before = (now - self.keep) // expiry.DAY * expiry.DAY
        await self._gently(lambda: rollups.mark_expired(self._store, before))
        await self._gently(lambda: expiry.drop_partitions(self._store, before))
        while await self._gently(lambda: expiry.delete_some(self._store, before)):
            pass

    async def _gently(self, work: Callable[[], T]) -> T:
        began = self._clock.monotonic()
        done = await self._thread.run(work)
        await asyncio.sleep(max(SHORTEST_REST, REST * (self._clock.monotonic() - began)))
        return done
