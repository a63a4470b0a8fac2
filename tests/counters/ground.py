"""What the laws of counters need: a clock to set, limits, and the two kinds of counters behind one door."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from sekisho.control.state import line as line_module
from sekisho.control.state.address import read_address
from sekisho.control.state.counters.epoch import Epoch
from sekisho.control.state.counters.scripts import ADMIT, SETTLE
from sekisho.control.state.counters.shared import SharedCounters
from sekisho.control.state.line import Line
from sekisho.core.admission import Admission, Crossed, Refusal
from sekisho.core.limit import Claim, Limit
from sekisho.core.port import Counters
from sekisho.metering.counters.memory import MemoryCounters

MONDAY = 1_793_577_600.0
"""2026-11-02, midnight UTC."""
LEASE = 600.0
_numbers = count()


@dataclass
class FakeClock:
    time: float = MONDAY

    def now(self) -> float:
        return self.time


@dataclass(repr=False)
class Ground:
    """Counters, and what was made beside them."""

    counters: Counters
    clock: FakeClock
    told: list[Crossed] = field(default_factory=list)
    drain: Callable[[], Awaitable[None]] | None = None

    def __repr__(self) -> str:
        return "ground"  # Hypothesis would write down everything that is counted

    async def admit(self, hold: str, *claims: Claim, lease: float = LEASE) -> Admission:
        return await self.counters.admit(hold, claims, lease)

    async def settle(self, hold: str, actuals: Mapping[str, int]) -> None:
        """And wait until it is in."""
        self.counters.settle(hold, actuals)
        if self.drain is not None:
            await self.drain()

    async def room(self, limit: Limit, counter: str | None = None) -> int:
        """What is left: found by asking, without a trace."""
        counter = counter or limit.id
        answer = await self.counters.admit(new_id("room"), (Claim(limit, counter, limit.amount + 1),), LEASE)
        assert isinstance(answer, Refusal)
        return limit.amount - answer.used - answer.held


def in_memory(clock: FakeClock) -> Ground:
    told: list[Crossed] = []
    return Ground(MemoryCounters(clock.now, told.append), clock, told)


@asynccontextmanager
async def in_valkey(url: str, clock: FakeClock) -> AsyncIterator[Ground]:
    """In an epoch of its own, which begins at once."""

    async def reached(line: Line, run_id: str) -> None:
        for script in (ADMIT, SETTLE):
            await line.ask(b"SCRIPT", b"LOAD", script.text)
        epoch = Epoch(run_id, new_id("epoch"))
        await line.ask(b"SET", epoch.place, epoch.marker)
        counters.epoch = counters.booking = epoch
        up.set()

    told: list[Crossed] = []
    up = asyncio.Event()
    patience = pytest.MonkeyPatch()
    patience.setattr(line_module, "TIMEOUT", 20.0)  # how late a busy machine answers is another question
    line = Line(read_address(url), reached)
    counters = SharedCounters(line, time.time, told.append, clock.now)
    tasks = [asyncio.create_task(work) for work in (line.run(), counters.settlements.run())]
    try:
        await up.wait()
        yield Ground(counters, clock, told, counters.settlements.drained)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        patience.undo()


def exact(seconds: float) -> float:
    """Nearly the same, and such that a period is as long in floats as in whole microseconds of scripts."""
    return round(seconds * 1024) / 1024


def new_id(prefix: str = "gen") -> str:
    return f"{prefix}-{next(_numbers)}"


def limit(measure: Any, amount: int, period: Any = None, **more: Any) -> Limit:
    """A fresh one."""
    return Limit(new_id("lim"), "key", "key-1", measure, amount, period, **more)


def claim(of: Limit, amount: int = 1) -> Claim:
    return Claim(of, of.id, amount)


def admitted(answers: Sequence[Admission]) -> int:
    return sum(not isinstance(answer, Refusal) for answer in answers)
