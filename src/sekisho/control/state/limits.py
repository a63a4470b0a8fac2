"""The counters that processes share, with everything that keeps them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from sekisho.control.state.address import Address
from sekisho.control.state.counters import keeper, orphans
from sekisho.control.state.counters.keeper import Keeper
from sekisho.control.state.counters.orphans import Orphans
from sekisho.control.state.counters.shared import SharedCounters
from sekisho.control.state.line import Line
from sekisho.core.admission import Crossed
from sekisho.telemetry.background import Background

START_PATIENCE = 5.0


class Books(keeper.Books, orphans.Ended, Protocol):
    """What counters are built and settled from."""


class SharedLimits:
    """`start`, then use `counters`."""

    def __init__(self, address: Address, books: Books, tell: Callable[[Crossed], None]):
        """`tell` is called with what is to be told, once over all processes, and must not wait."""
        self._line = Line(address, self._reached)
        self.counters = SharedCounters(self._line, time.time, tell)
        self.keeper = Keeper(self.counters, books)
        self.orphans = Orphans(self.counters, books)

    async def start(self, background: Background) -> None:
        """Returns when calls can be admitted, or after a while: what is away does not keep a gateway from
        starting."""
        background.start("limits line", self._line.run)
        background.start("limits keeper", self.keeper.run)
        background.start("limits settled", self.counters.settlements.run)
        background.start("limits orphans", self.orphans.run)
        try:
            async with asyncio.timeout(START_PATIENCE):
                await self.keeper.ready()
        except TimeoutError:
            return

    def gauges(self) -> Mapping[str, tuple[str, Callable[[], float]]]:
        """For `/metrics`: name -> what it is, and its value in this process."""
        counters = self.counters
        return {
            "limits_ready": ("1: the shared counters can be asked.", lambda: counters.epoch is not None),
            "limits_refused": ("Calls refused because they could not be asked.", lambda: counters.refused),
            "limits_passed": ("Calls admitted though they could not.", lambda: counters.passed),
            "limits_waiting": ("Settlements on their way.", lambda: counters.settlements.waiting),
            "limits_unsettled": ("Settlements given up.", lambda: counters.settlements.lost),
        }

    async def stop(self) -> None:
        """Bring in what is settled, within a second, before the background tasks are stopped. What is not in
        by then is found in the books."""
        try:
            async with asyncio.timeout(1.0):
                await self.counters.settlements.drained()
        except TimeoutError:
            return

    async def _reached(self, line: Line, run_id: str) -> None:
        await self.keeper.reached(line, run_id)
