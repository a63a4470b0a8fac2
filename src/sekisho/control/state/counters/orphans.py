"""Calls whose process died between writing their record and settling them: settled from the books.

A call that passed while nobody could be asked holds nothing. It is known by its record: settled by whoever
comes first, and once, since that leaves a mark.

A hold is looked up before its lease ends, so that what its call came to counts when what it held does not.
What was not found then is looked up for a day longer: the host that has its journal may come back.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from sekisho.control.state.counters.epoch import TOLD_AGAIN, Epoch
from sekisho.control.state.counters.packing import MICRO, pack
from sekisho.control.state.counters.scripts import SETTLE
from sekisho.control.state.counters.shared import LONGEST_LEASE, SharedCounters
from sekisho.control.state.line import Away
from sekisho.core.error import Unavailable
from sekisho.core.limit import Limit
from sekisho.core.record import CallRecord
from sekisho.metering.counted import came_to, counter_for, falls_under

LOOK = 5.0
"""Seconds between two looks, by one process of all."""
BEFORE = 30.0
"""Seconds before the end of a lease in which its hold is looked up."""
AT_ONCE = 200
log = structlog.get_logger()


class Ended(Protocol):
    """Everything raises Unavailable."""

    async def limits(self) -> list[Limit]:
        """All there are, of all holders."""
        ...

    async def ended(self, call_ids: Sequence[str]) -> list[CallRecord]:
        """The records of those that the books have."""
        ...

    async def uncounted(self, since: float, most: int) -> list[CallRecord]:
        """Of calls that passed while counters were away, ended at `since` (seconds since the epoch) or later,
        and were not seen to: the first ones."""
        ...

    async def seen_to(self, call_ids: Sequence[str]) -> None:
        """They are in the counters now."""
        ...


class Orphans:
    """Keep `run` running."""

    def __init__(self, counters: SharedCounters, books: Ended):
        self._counters = counters
        self._books = books
        self._passed = 0
        """How many of those whose lease has ended were looked up in this round."""
        self.settled = 0

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK)
            epoch = self._counters.epoch
            if epoch is not None:
                try:
                    await self.look(epoch)
                except (Away, Unavailable) as error:
                    log.info("orphans_wait", reason=str(error))

    async def look(self, epoch: Epoch) -> None:
        """Settle what the books have of the holds that nobody settles. Raises Away or Unavailable."""
        lock = b"%d" % round(LOOK * 900)
        if await self._ask(b"SET", epoch.key("looking"), b"1", b"NX", b"PX", lock) is None:
            return
        now = self._counters.server_time()
        soon = await self._holds(epoch, b"-inf", b"%d" % (now + round(BEFORE * MICRO)), 0)
        # Holds whose lease has ended are kept for two days, and stand behind those of the longest lease.
        late = await self._holds(epoch, b"%d" % (now + round(LONGEST_LEASE * MICRO)), b"+inf", self._passed)
        self._passed = self._passed + len(late) if len(late) == AT_ONCE else 0
        keys = {epoch.call_of(key): key for key in (*soon, *late)}
        if keys:
            records = await self._books.ended(list(keys))
            limits = {limit.id: limit for limit in (await self._books.limits() if records else ())}
            for record in records:
                await self._settle_held(epoch, keys[record.id], record, limits)
        await self._look_for_uncounted(epoch, now / MICRO - TOLD_AGAIN)

    async def _holds(self, epoch: Epoch, first: bytes, last: bytes, skip: int) -> list[bytes]:
        part = (b"LIMIT", b"%d" % skip, b"%d" % AT_ONCE)
        found: list[bytes] = await self._ask(b"ZRANGEBYSCORE", epoch.leases, first, last, *part)
        return found

    async def _look_for_uncounted(self, epoch: Epoch, since: float) -> None:
        records = await self._books.uncounted(since, AT_ONCE)
        if not records:
            return
        limits = await self._books.limits()
        for record in records:
            theirs = [limit for limit in limits if falls_under(limit, record)]
            names = [counter_for(limit, record.user, record.session) for limit in theirs]
            keys = [epoch.counter(name).decode() for name in names]
            came = self._came_to(record, zip(keys, theirs, strict=True))
            await self._settle(epoch, epoch.hold(record.id), (1, record.id, *came))
        await self._books.seen_to([record.id for record in records])

    async def _settle_held(
        self, epoch: Epoch, key: bytes, record: CallRecord, limits: Mapping[str, Limit]
    ) -> None:
        packed = await self._ask(b"GET", key)
        if packed is None:
            return  # settled meanwhile
        names = [name for name, *_ in msgspec.msgpack.decode(packed)[1:]]
        held = [(name, limits[id_]) for name in names if (id_ := epoch.limit_of(name)) in limits]
        await self._settle(epoch, key, (0, "", *self._came_to(record, held)))

    def _came_to(self, record: CallRecord, under: Iterable[tuple[str, Limit]]) -> list[Any]:
        """When the call began, and for each of these counters what it came to, as the script takes them."""
        made = round(record.started * MICRO)
        came: list[Any] = [made]
        for name, limit in under:
            if limit.measure != "concurrent":
                shape = self._counters.shapes.of(limit)
                amount = shape.actual(came_to(limit, record))
                came.append((name, shape.kind, *amount, *shape.stretch(made)))
        return came

    async def _settle(self, epoch: Epoch, key: bytes, settlement: Sequence[Any]) -> None:
        keys = (epoch.place, epoch.leases, epoch.counted, key)
        given, packed = self._counters.given_time(), pack([settlement])
        await self._ask(b"EVALSHA", SETTLE.digest, b"%d" % len(keys), *keys, epoch.marker, given, packed)
        self.settled += 1
        log.info("orphan_settled", call=epoch.call_of(key))

    async def _ask(self, *parts: bytes) -> Any:
        return await self._counters.ask(*parts)
