"""What calls came to, on its way to the shared counters: in batches, tried until they are in, each once.

An answer may be lost, and the batch is sent again: a hold that was settled is gone by then. What the epoch
has no hold of is booked by when its call was admitted and leaves a mark instead, unless the books counted it
already, which its id tells.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from sekisho.control.state.counters.epoch import Epoch
from sekisho.control.state.counters.packing import MICRO, Shapes, pack
from sekisho.control.state.counters.scripts import SETTLE
from sekisho.control.state.line import Away
from sekisho.core.admission import Crossed
from sekisho.core.limit import MOST, Claim, Limit
from sekisho.core.money import NANO
from sekisho.metering.counters.crossing import crossed

TOGETHER = 64
"""Settlements in one batch."""
PATIENCE = 0.1
"""Seconds until the next attempt."""
MOST_KEPT = 500_000
"""Settlements that wait, or that are kept in case the counters are lost."""
OTHER_EPOCH = 2
"""What the script answers."""
BROKEN = "user_script"
"""In the error of a script that broke on what it was given."""
LATEST = 9_000_000_000_000
"""Milliseconds: for what is told once and never again."""
log = structlog.get_logger()


@dataclass(slots=True)
class Hold:
    id: str
    claims: tuple[Claim, ...]
    made: int
    """Microseconds since the epoch, by the server's clock."""
    lease: float
    """Seconds."""
    epoch: Epoch | None
    """That it is known in for certain; None: it may be in none."""
    passed: bool = False
    """Its call was admitted though nobody could be asked: others may settle it from the books."""


@dataclass(frozen=True, slots=True)
class Settlement:
    hold: Hold
    actuals: Mapping[str, int]


class Asks(Protocol):
    """What settling needs of the counters."""

    @property
    def booking(self) -> Epoch | None: ...

    def ask(self, *parts: bytes) -> asyncio.Future[Any]: ...

    def given_time(self) -> bytes: ...


class Settlements:
    """Keep `run` running."""

    def __init__(self, asks: Asks, shapes: Shapes, tell: Callable[[Crossed], None]):
        self._asks = asks
        self._shapes = shapes
        self._tell = tell
        self._waiting: deque[Settlement] = deque()
        self._untold: deque[Crossed] = deque()
        self._in_flight = 0
        self._some = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.done: deque[Settlement] = deque()
        """Those that are in, until the books are known to have them."""
        self.lost = 0
        """Settlements given up: too many waited, or the script broke on them."""

    @property
    def waiting(self) -> int:
        return len(self._waiting) + self._in_flight

    def add(self, settlement: Settlement) -> None:
        """Does not wait."""
        self._waiting.append(settlement)
        if len(self._waiting) > MOST_KEPT:
            self._waiting.popleft()
            self.lost += 1
        self._wake()

    def notice(self, limit: Limit, counter: str, used: tuple[int, int], until: int) -> None:
        """What is used of a counter went from the first to the second, in a period that ends then."""
        if not limit.alerts or used[1] * 100 < limit.alerts[0] * limit.amount:
            return
        for percent in crossed(limit, *used):
            crossing = Crossed(limit=limit, counter=counter, percent=percent, until=until / MICRO)
            self._untold.append(crossing)
            self._wake()

    def begin(self) -> None:
        """Another epoch: whatever the last one knew, this one may not."""
        self._waiting.extendleft(reversed(self.done))
        self.done.clear()
        self._wake()

    async def drained(self) -> None:
        """Wait until nothing waits."""
        await self._idle.wait()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._some.wait()
            try:
                while self._waiting:
                    await self._send()
                while self._untold:
                    await self._claim_telling()
            except Away:
                await asyncio.sleep(PATIENCE)
                continue
            self._some.clear()
            self._idle.set()

    def _wake(self) -> None:
        self._idle.clear()
        self._some.set()

    async def _send(self) -> None:
        epoch = self._asks.booking
        if epoch is None:
            raise Away("no epoch has begun", sent=False)
        batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        self._in_flight = len(batch)
        try:
            answer = await self._ask(epoch, batch)
        except Away as error:
            if BROKEN not in str(error):
                self._waiting.extendleft(reversed(batch))
                raise
            # Nothing that one call came to may keep all others from being counted.
            self.lost += len(batch)
            log.exception("settlements_lost", settlements=len(batch))
            return
        finally:
            self._in_flight = 0
        self.done.extend(batch)
        while len(self.done) > MOST_KEPT:
            self.done.popleft()
        self._read(batch, answer)

    async def _ask(self, epoch: Epoch, batch: list[Settlement]) -> list[int]:
        keys = [epoch.place, epoch.leases, epoch.counted]
        keys += [epoch.hold(settlement.hold.id) for settlement in batch]
        packed = pack([self._packed(settlement, epoch) for settlement in batch])
        head = (b"EVALSHA", SETTLE.digest, b"%d" % len(keys), *keys)
        answer: list[int] = await self._asks.ask(*head, epoch.marker, self._asks.given_time(), packed)
        if answer[0] == OTHER_EPOCH or self._asks.booking != epoch:
            raise Away("another epoch has begun", sent=False)
        return answer

    def _packed(self, settlement: Settlement, epoch: Epoch) -> list[Any]:
        hold = settlement.hold
        late = bool(hold.claims) and (hold.passed or hold.epoch != epoch)
        counters: list[Any] = []
        for counter, claim in _counters(settlement):
            actual = settlement.actuals.get(counter, 0)
            key = epoch.counter(counter).decode()
            if claim is None:
                counters.append((key, 0, *divmod(min(max(actual, 0), MOST), NANO), 0, 0))
                continue
            shape = self._shapes.of(claim.limit)
            amount = shape.actual(claim.amount if shape.final else actual)
            counters.append((key, shape.kind, *amount, *shape.stretch(hold.made)))
        return [int(late), hold.id if late else "", hold.made, *counters]

    def _read(self, batch: list[Settlement], answer: list[int]) -> None:
        used = iter(answer[1:])
        for settlement in batch:
            for counter, claim in _counters(settlement):
                before, after = (next(used), next(used)), (next(used), next(used))
                if claim is not None and after[0] >= 0:
                    shape = self._shapes.of(claim.limit)
                    until = shape.until(settlement.hold.made)
                    self.notice(claim.limit, counter, (shape.joined(*before), shape.joined(*after)), until)

    async def _claim_telling(self) -> None:
        """Of all processes that see a share crossed, and of all times that it is, the first tells it."""
        epoch, crossing = self._asks.booking, self._untold[0]
        if epoch is None:
            raise Away("no epoch has begun", sent=False)
        key = epoch.key(f"told:{crossing.counter}:{crossing.limit.amount}:{crossing.percent}")
        until = b"%d" % min(round(crossing.until * 1000), LATEST)
        ours = await self._asks.ask(b"SET", key, b"1", b"NX", b"PXAT", until)
        self._untold.popleft()
        if ours is not None:
            self._tell(crossing)


def _counters(settlement: Settlement) -> Iterator[tuple[str, Claim | None]]:
    """Those that something is used of. None: only the process that admitted the call knows the claim."""
    if settlement.hold.claims:
        for claim in settlement.hold.claims:
            if claim.limit.measure != "concurrent":
                yield claim.counter, claim
    else:
        for counter in settlement.actuals:
            yield counter, None
