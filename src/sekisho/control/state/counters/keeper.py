"""Keeps this process in the present epoch of the shared counters, and begins a new one when they are lost.

They are lost if there is no marker, or one of another run of the server: it was restarted or flushed, or a
replica took its place. One process then counts anew from the books, and sets the marker. After that everybody
tells what it alone knows: what its calls under way hold, and what was settled lately, which the books may not
have had yet. Only then are calls admitted again. Why nothing is missed or counted twice: docs/decisions/0009.
"""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby, islice
from typing import Any, Protocol

import structlog

from sekisho.control.state.counters.epoch import TOLD_AGAIN, Epoch, marker_at, read_marker
from sekisho.control.state.counters.packing import MICRO, pack
from sekisho.control.state.counters.scripts import ADMIT, FILL, SETTLE
from sekisho.control.state.counters.shared import SharedCounters
from sekisho.control.state.line import Away, Line
from sekisho.core.error import Unavailable
from sekisho.core.limit import Limit

POLL = 0.5
"""Seconds between two looks at the marker, for processes that have no calls."""
GATHER = 3 * POLL
"""Seconds in which every process notices a new epoch and tells what it holds, before it admits calls."""
PATIENCE = 10.0
"""Seconds for telling it."""
LOCKED = 60.0
"""Seconds that one process has for counting anew, before another may."""
EPOCH_DAYS = 300
"""An epoch ends before totals that nobody uses do (400 days): those are then counted anew, not forgotten."""
FORGET = 30.0
"""Seconds between two looks at whether the books have what was settled."""
CHUNK = 200
log = structlog.get_logger()

Entry = tuple[Limit, str, float, int]
"""A limit, one of its counters, seconds since the epoch, and what a call of then came to."""


class Books(Protocol):
    """What was counted, as the database has it. Everything raises Unavailable."""

    async def limits(self) -> list[Limit]:
        """All there are, of all holders."""
        ...

    async def used(self, limits: Sequence[Limit], ended: float) -> tuple[list[Entry], list[str]]:
        """What counts in the present periods of the limits, and the ids of all calls that ended at `ended`
        (seconds since the epoch) or later: both from one state of the database."""
        ...

    async def caught_up(self) -> None:
        """Wait until all is on the books that this host's journal had when asked."""
        ...


class Keeper:
    """Keep `run` running; hand `reached` to the line."""

    def __init__(self, counters: SharedCounters, books: Books):
        self._counters = counters
        self._books = books
        self._run_id = ""
        self._look = asyncio.Event()
        self._ready = asyncio.Event()
        self._looked = float("inf")
        """When the books were last asked what they have, monotonic."""
        counters.lost = self._look.set
        self.fills = 0
        """How often this process counted anew."""

    async def ready(self) -> None:
        """Wait until calls can be admitted."""
        await self._ready.wait()

    async def reached(self, line: Line, run_id: str) -> None:
        """See `Line`."""
        epoch = self._counters.epoch or self._counters.booking
        if epoch is not None and epoch.run_id != run_id:
            self._leave()  # before anybody asks: the marker may have been restored with what was counted
        self._run_id = run_id
        await asyncio.gather(*(line.ask(b"SCRIPT", b"LOAD", each.text) for each in (ADMIT, SETTLE, FILL)))
        self._look.set()

    async def run(self) -> None:
        """For ever."""
        self._looked = asyncio.get_running_loop().time()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), POLL)
            self._look.clear()
            try:
                await self._keep()
            except (Away, Unavailable, TimeoutError) as error:
                if self._counters.epoch is None:
                    log.warning("counters_wait", reason=str(error) or "it takes too long")

    # --- epochs -----------------------------------------------------------------------------------

    async def _keep(self) -> None:
        root = self._counters.root
        there = read_marker(await self._ask(b"GET", marker_at(root)), root)
        if there is None or there.run_id != self._run_id:
            self._leave()
            if await self._fill():
                self._look.set()
        elif there != self._counters.epoch:
            self._leave()
            async with asyncio.timeout(PATIENCE):
                await self._join(there)
        else:
            await self._forget()

    def _leave(self) -> None:
        self._counters.epoch = self._counters.booking = None
        self._ready.clear()

    async def _join(self, epoch: Epoch) -> None:
        counters = self._counters
        counters.settlements.begin()
        counters.booking = epoch
        while untold := [hold for hold in counters.holds.values() if hold.epoch != epoch]:
            for hold in untold:
                answer = await counters.ask_admission(epoch, hold, forced=True)
                if answer[0] not in (0, 4):
                    raise Away("another epoch has begun", sent=False)
                hold.epoch = epoch
        await counters.settlements.drained()
        left = await self._ask(b"PTTL", epoch.key("opening"))
        await asyncio.sleep(max(0, left) / 1000)
        counters.epoch = epoch
        self._ready.set()
        log.info("counters_joined", epoch=epoch.token, holds=len(counters.holds))

    async def _forget(self) -> None:
        """What is settled need not be told again once the books have it."""
        done, now = self._counters.settlements.done, asyncio.get_running_loop().time()
        if now - self._looked < FORGET:
            return
        self._looked = now
        self._counters.forget()
        if not done:
            return
        count, first = len(done), done[0]
        await self._books.caught_up()
        if done and done[0] is first:  # no epoch has begun meanwhile
            for _ in range(count):
                done.popleft()

    # --- counting anew ----------------------------------------------------------------------------

    async def _fill(self) -> bool:
        """False: another process is at it."""
        root = self._counters.root
        epoch, lock = Epoch(self._run_id, secrets.token_hex(4), root), f"{root}filling".encode()
        locked = b"%d" % round(LOCKED * 1000)
        if await self._ask(b"SET", lock, epoch.token.encode(), b"NX", b"PX", locked) is None:
            return False
        try:
            now = self._counters.server_time()
            limits = await self._books.limits()
            entries, ids = await self._books.used(limits, now / MICRO - TOLD_AGAIN)
            for chunk in _chunks(_by_counter(entries), CHUNK):
                await self._count(epoch, chunk, now)
            for some in _chunks(iter(ids), CHUNK):
                await self._ask(b"SADD", epoch.counted, *(each.encode() for each in some))
            await self._ask(b"PEXPIRE", epoch.counted, b"%d" % round(4000 * TOLD_AGAIN))
            await self._ask(b"SET", epoch.key("opening"), b"1", b"PX", b"%d" % round(GATHER * 1000))
            await self._ask(b"SET", epoch.place, epoch.marker, b"EX", b"%d" % (EPOCH_DAYS * 86_400))
        finally:
            with suppress(Away):
                await self._ask(b"DEL", lock)
        self.fills += 1
        log.warning("counters_filled", epoch=epoch.token, entries=len(entries), calls=len(ids))
        return True

    async def _count(self, epoch: Epoch, counters: list[list[Entry]], now: int) -> None:
        keys, packed = [], []
        for entries in counters:
            limit, counter, _, _ = entries[0]
            shape = self._counters.shapes.of(limit)
            keys.append(epoch.counter(counter))
            used = [(round(then * MICRO), *shape.actual(amount)) for _, _, then, amount in entries]
            packed.append((shape.kind, *shape.stretch(now), *used))
        given = self._counters.given_time()
        await self._ask(b"EVALSHA", FILL.digest, b"%d" % len(keys), *keys, given, pack(packed))

    async def _ask(self, *parts: bytes) -> Any:
        return await self._counters.ask(*parts)


def _by_counter(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Every counter's together, ascending in time."""
    ordered = sorted(entries, key=lambda entry: (entry[1], entry[2]))
    return (list(group) for _, group in groupby(ordered, key=lambda entry: entry[1]))


def _chunks(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while chunk := list(islice(items, size)):
        yield chunk
