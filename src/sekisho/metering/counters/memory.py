"""Counters of one process, in its memory: exact, without locks and waits, rebuilt from the books at start."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

import msgspec

from sekisho.core.admission import Admission, Crossed, Refusal, Standing
from sekisho.core.limit import MOST_TOKENS, Claim, Limit, within_reason
from sekisho.metering.counters.cells import Cell, cell_of
from sekisho.metering.counters.crossing import crossed

KEPT_SECONDS = 86_400.0
"""For so long after its lease a hold may still be settled."""
MOST_EACH = 100_000
"""Counters of one limit that is for each user or session: about 40 MB. A caller may send any name."""
SWEPT = 2
"""For each new counter so many are looked at, and let go of where nothing is in them: those of a million
users who called once do not stay."""
LOOKED_FOR = 50
"""The same, for each that found no room."""

Part = tuple[Claim, Cell, float]
"""What is held, and its place in the cell."""


class Hold(msgspec.Struct, gc=False):
    parts: list[Part]
    ends: int
    """Whole seconds since the epoch: of the lease, then of the time that it is kept for."""
    lapsed: bool = False


class MemoryCounters:
    """Implements `core.port.Counters`. Belongs to one event loop."""

    def __init__(self, now: Callable[[], float], tell: Callable[[Crossed], None]):
        """`now`: seconds since the epoch. `tell` is called with what is to be told, and must not wait."""
        self._now = now
        self._tell = tell
        self._cells: dict[str, Cell] = {}
        self._told: dict[str, dict[tuple[int, int], float]] = {}
        """Counter -> amount and percent -> when it may be told again."""
        self._hand: deque[tuple[str, str]] = deque()
        """Every counter once, and its limit: whose turn it is to be looked at."""
        self._each: dict[str, int] = {}
        """Limit -> how many counters it has."""
        self._new = 0
        """Counters made since any were looked at."""
        self._holds: dict[str, Hold] = {}
        self._ending: dict[int, set[str]] = {}
        """Holds by their end."""
        self._swept = int(now())

    async def admit(self, hold_id: str, claims: Sequence[Claim], lease_seconds: float) -> Admission:
        """See `core.port.Counters`."""
        now = self._now()
        if int(now) != self._swept:
            self._end_leases(now)
        if self._new:
            self._let_go(now)
        found = self._find(claims, now)
        if isinstance(found, Refusal):
            return found
        parts: list[Part] = []
        standings, reached = [], []
        for claim, cell in zip(claims, found, strict=True):
            limit, amount = claim.limit, claim.amount
            if cell.limit is not limit:
                cell.follow(limit)
            if not cell.since <= now < cell.until:
                cell.turn(now)
            left = limit.amount - cell.used - cell.held - amount
            if left < 0 or amount < 0:
                _withdraw(parts)
                return _refusal(claim, cell, now)
            parts.append((claim, cell, cell.hold(amount, now)))
            cell.open += 1
            if cell.used >= cell.alert:
                reached.append((claim, cell))
            standings.append(Standing(claim, left, cell.whole, now))
        self._keep(hold_id, Hold(parts, int(now + lease_seconds) + 1))
        if reached:
            self._notice_admitted(reached, now)
        return tuple(standings)

    def settle(self, hold_id: str, actuals: Mapping[str, int]) -> None:
        """See `core.port.Counters`."""
        hold = self._holds.pop(hold_id, None)
        if hold is None:
            return
        self._ending[hold.ends].discard(hold_id)
        now, lapsed = self._now(), hold.lapsed
        for claim, cell, place in hold.parts:
            if not cell.since <= now < cell.until:
                cell.turn(now)
            cell.open -= 1
            actual = actuals.get(claim.counter, 0)
            if not 0 <= actual <= MOST_TOKENS:
                actual = within_reason(claim.limit, actual)
            before = cell.used
            cell.settle(place, 0 if lapsed else claim.amount, actual, now)
            if cell.used >= cell.alert:
                self._notice(claim, cell, before, now)

    def release(self, hold_id: str) -> None:
        """See `core.port.Counters`."""
        self.settle(hold_id, {})

    def restore(self, limit: Limit, entries: Iterable[tuple[str, float, int]]) -> None:
        """Put back what the books say: counter, seconds since the epoch, amount. Nobody is told of it again.

        Only before the first admission, and only what lies in the present periods.
        """
        now = self._now()
        for counter, then, amount in entries:
            cell = self._cells.get(counter) or self._make(counter, limit, now)
            cell.turn(now)
            before = cell.used
            cell.book(cell.place_at(then), amount, now)
            for percent in crossed(limit, before, cell.used):
                self._told.setdefault(counter, {})[limit.amount, percent] = cell.ends(now)

    def __len__(self) -> int:
        """How many counters are in memory."""
        return len(self._cells)

    # --- counters ---------------------------------------------------------------------------------

    def _find(self, claims: Sequence[Claim], now: float) -> list[Cell] | Refusal:
        """The cells of these claims."""
        try:
            return [self._cells[claim.counter] for claim in claims]
        except KeyError:
            found = []
        for claim in claims:
            cell = self._cells.get(claim.counter)
            if cell is None and self._each.get(claim.limit.id, 0) >= MOST_EACH:
                self._new += LOOKED_FOR  # there may be room by the next call
                return _crowded(claim, now)
            found.append(cell or self._make(claim.counter, claim.limit, now))
        return found

    def _make(self, counter: str, limit: Limit, now: float) -> Cell:
        self._new += 1
        self._each[limit.id] = self._each.get(limit.id, 0) + 1
        self._hand.append((counter, limit.id))
        cell = self._cells[counter] = cell_of(limit, now)
        return cell

    def _let_go(self, now: float) -> None:
        for _ in range(min(self._new * SWEPT, len(self._hand))):
            counter, limit_id = self._hand.popleft()
            cell = self._cells[counter]
            cell.turn(now)
            if cell.open or cell.used or cell.held:
                self._hand.append((counter, limit_id))
            else:
                del self._cells[counter]
                self._told.pop(counter, None)
                self._each[limit_id] -= 1
                if not self._each[limit_id]:
                    del self._each[limit_id]
        self._new = 0

    def _notice(self, claim: Claim, cell: Cell, before: int, now: float) -> None:
        limit = claim.limit
        if not limit.alerts or cell.used * 100 < limit.alerts[0] * limit.amount:
            return
        for percent in crossed(limit, before, cell.used):
            told = self._told.setdefault(claim.counter, {})
            if told.get((limit.amount, percent), 0.0) <= now:
                until = told[limit.amount, percent] = cell.ends(now)
                self._tell(Crossed(limit=limit, counter=claim.counter, percent=percent, until=until))

    def _notice_admitted(self, reached: Iterable[tuple[Claim, Cell]], now: float) -> None:
        """Of a call that is admitted some things are used already."""
        for claim, cell in reached:
            if not cell.settles:
                self._notice(claim, cell, cell.used - claim.amount, now)

    # --- holds ------------------------------------------------------------------------------------

    def _keep(self, hold_id: str, hold: Hold) -> None:
        self._holds[hold_id] = hold
        self._ending.setdefault(hold.ends, set()).add(hold_id)

    def _end_leases(self, now: float) -> None:
        """Once a second: what no settlement came for is held no longer."""
        self._swept = int(now)
        for second in [second for second in self._ending if second <= now]:
            for hold_id in self._ending.pop(second):
                hold = self._holds[hold_id]
                if hold.lapsed:
                    self._forget(hold_id, hold)
                else:
                    self._lapse(hold_id, hold, now)

    def _lapse(self, hold_id: str, hold: Hold, now: float) -> None:
        for claim, cell, place in hold.parts:
            cell.turn(now)
            cell.settle(place, claim.amount, 0, now)
        hold.lapsed = True
        hold.ends = int(now + KEPT_SECONDS)
        self._keep(hold_id, hold)

    def _forget(self, hold_id: str, hold: Hold) -> None:
        del self._holds[hold_id]
        for _, cell, _ in hold.parts:
            cell.open -= 1


def _withdraw(parts: Iterable[Part]) -> None:
    """Of a call that another limit has no room for."""
    for claim, cell, place in parts:
        cell.withdraw(place, claim.amount)
        cell.open -= 1


def _refusal(claim: Claim, cell: Cell, now: float) -> Refusal:
    if claim.amount < 0:
        raise ValueError(f"a claim of {claim.amount} for limit {claim.limit.id} is below 0")
    room = claim.limit.amount - claim.amount
    return Refusal(
        limit=claim.limit,
        counter=claim.counter,
        reason="reached",
        claimed=claim.amount,
        used=cell.used,
        held=cell.held,
        reset=cell.wait(room, now) if room >= 0 else None,
    )


def _crowded(claim: Claim, now: float) -> Refusal:
    until = cell_of(claim.limit, now).ends(now)
    return Refusal(
        limit=claim.limit,
        counter=claim.counter,
        reason="crowded",
        claimed=claim.amount,
        reset=None if until == inf else until - now,
    )
