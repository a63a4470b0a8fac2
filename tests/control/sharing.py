"""For tests of shared counters: limits, what one process has of the counters, and a Valkey that hangs."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time

import msgspec
from tests.services import Valkey

from sekisho.control.state.counters.keeper import Keeper
from sekisho.control.state.counters.orphans import Orphans
from sekisho.control.state.counters.shared import SharedCounters
from sekisho.control.state.line import Away
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import holders
from sekisho.core.admission import Refusal
from sekisho.core.explanation import Explanation
from sekisho.core.limit import Claim, Limit
from sekisho.core.record import CallRecord

BUDGET = Limit("lim_budget", "key", "key_a", "usd", 1000, "total")
REQUESTS = Limit("lim_requests", "key", "key_a", "requests", 1000, "day")
BUSY = Limit("lim_busy", "key", "key_a", "concurrent", 1000)
OPEN = Limit("lim_open", "key", "key_a", "usd", 1000, "month", when_lost="admit")
REQUESTS_OPEN = Limit("lim_requests_open", "key", "key_a", "requests", 1000, "day", when_lost="admit")
LIMITS = (BUDGET, REQUESTS, BUSY, OPEN, REQUESTS_OPEN)


@dataclass
class Process:
    """What one gateway process has of the counters."""

    counters: SharedCounters
    keeper: Keeper
    store: Store
    record: Callable[..., CallRecord]
    orphans: Orphans

    async def admit(self, call_id: str, *limits: Limit, amount: int = 10) -> bool:
        claims = [Claim(each, each.id, amount if each.measure == "usd" else 1) for each in limits]
        return not isinstance(await self.counters.admit(call_id, claims, 600.0), Refusal)

    def ended(self, call_id: str, cost: int, *, booked: bool = True) -> None:
        """The call came to that; its record reaches the database now, or later."""
        self.counters.settle(call_id, dict.fromkeys((BUDGET.id, OPEN.id), cost))
        if booked:
            self.book(call_id, cost)

    def book(self, call_id: str, cost: int, *, uncounted: bool = False) -> None:
        told = Explanation(uncounted=True) if uncounted else None
        record = self.record(call_id, started=time(), cost=cost, provider="local", explanation=told)
        with self.store.write() as connection:
            book(connection, [record])

    async def look(self) -> None:
        """For calls that their processes do not settle."""
        epoch = self.counters.epoch
        assert epoch is not None
        while True:
            try:  # whoever looked last has done so long ago
                await self.counters.ask(b"DEL", epoch.key("looking"))
                break
            except Away:
                await asyncio.sleep(0.01)
        await self.orphans.look(epoch)

    async def left(self, limit: Limit) -> int:
        """What there is room for, once everything is told."""
        await self.keeper.ready()
        await self.counters.settlements.drained()
        refusal = await self.counters.admit("gen-asking", [Claim(limit, limit.id, 10**9)], 1.0)
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "reached"
        return limit.amount - refusal.used - refusal.held


@contextmanager
def hung(valkey: Valkey) -> Iterator[None]:
    """It takes everything, and answers nothing until the end."""
    with valkey.client() as client:
        pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def have_limits(store: Store) -> None:
    with store.write() as connection:
        connection.execute(
            holders.insert().values(
                id="org_limits",
                kind="organisation",
                name="limits",
                organisation="org_limits",
                created=0.0,
                allowance={},
                limits=msgspec.to_builtins(LIMITS),
                metadata={},
            )
        )


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
