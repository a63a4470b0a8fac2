"""Tells whoever is to know that a limit is used to some percent: each channel once."""

import asyncio
from collections import deque
from typing import Protocol

import msgspec
import structlog

from sekisho.control.services import limits
from sekisho.core.admission import Crossed

PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds before each further try."""
MOST = 200
"""Alerts that are on their way or wait; more are dropped, and said so."""
log = structlog.get_logger()


class Alert(msgspec.Struct, frozen=True):
    """As JSON, what a webhook gets."""

    text: str
    """A sentence for people."""
    limit: str
    definition: str
    """As limits are written."""
    level: str
    holder: str
    percent: int


class NotTaken(Exception):
    """What it says goes into the log: why, without any secret."""

    def __init__(self, reason: str, *, again: bool):
        """`again`: another try may help."""
        super().__init__(reason)
        self.again = again


class Channel(Protocol):
    @property
    def name(self) -> str:
        """For logs: no secret."""
        ...

    async def deliver(self, alert: Alert) -> None:
        """Try once. Raises NotTaken."""
        ...


class Alerts:
    """`tell` it, and keep `run` running. `channels` may change meanwhile."""

    def __init__(self) -> None:
        self._waiting: deque[Alert] = deque()
        self._woken = asyncio.Event()
        self._underway: set[asyncio.Task[None]] = set()
        self.channels: tuple[Channel, ...] = ()
        self.failures = 0
        """Alerts that some channel never took."""

    def tell(self, crossed: Crossed) -> None:
        """Does not wait."""
        alert = _alert(crossed)
        log.warning("limit_crossed", limit=alert.limit, holder=alert.holder, percent=alert.percent)
        if not self.channels:
            return
        if len(self._waiting) + len(self._underway) >= MOST:
            self.failures += 1
            log.error(
                "alert_dropped", limit=alert.limit, percent=alert.percent, reason="too many are waiting"
            )
            return
        self._waiting.append(alert)
        self._woken.set()

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                while self._waiting:
                    alert = self._waiting.popleft()
                    for channel in self.channels:
                        task = asyncio.create_task(self._deliver(alert, channel))
                        self._underway.add(task)
                        task.add_done_callback(self._underway.discard)
        finally:
            for task in self._underway:
                task.cancel()

    async def _deliver(self, alert: Alert, channel: Channel) -> None:
        reason = ""
        for pause in (0.0, *PAUSES):
            await asyncio.sleep(pause)
            try:
                await channel.deliver(alert)
            except NotTaken as error:
                reason = str(error)
                if not error.again:
                    break
            else:
                return
        self.failures += 1
        log.error("alert_not_taken", by=channel.name, limit=alert.limit, percent=alert.percent, reason=reason)


def _alert(crossed: Crossed) -> Alert:
    limit = crossed.limit
    definition = limits.write(limit)
    one = f" by one {limit.each}" if limit.each else ""
    return Alert(
        text=f"Sekisho: {crossed.percent} % of `{definition}` used{one}: {limit.level} {limit.holder}",
        limit=limit.id,
        definition=definition,
        level=limit.level,
        holder=limit.holder,
        percent=crossed.percent,
    )
