"""Counters of one process, in its memory: exact, without locks and waits, rebuilt from the books at start."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

from sekisho.core.admission import Admission, Admitted, Crossed, Refusal
from sekisho.core.limit import MOST_TOKENS, Alike, Claim, Limit, within_reason
from sekisho.metering.counters.cells import Cell, cell_of
from sekisho.metering.counters.crossing import crossed
from sekisho.metering.counters.hold import Cells, Hold, cells_of, take

KEPT_SECONDS = 86_400.0
"""For so long after its lease a hold may still be settled."""
MOST_EACH = 100_000
"""Counters of one limit that is for each user or session: about 70 MB. A caller may send any name."""
SWEPT = 2
"""For each new counter so many are looked at, and let go of where nothing is in them: those of a million
users who called once do not stay."""
LOOKED_FOR = 50
"""The same, for each that found no room."""
MOST_ALIKE = 2_000
"""Claims that many calls have alike whose cells are kept at hand."""
LOOKED_AFTER = 1.0
"""Seconds between two looks for leases that have ended."""


class MemoryCounters:
    """Implements `core.port.Counters`. Belongs to one event loop."""

    def __init__(self, now: Callable[[], float], tell: Callable[[Crossed], None]):
        """`now`: seconds since the epoch. `tell` is called with what is to be told, and must not wait."""
        self._now = now
        self._tell = tell
        self._latest = -inf
        """When a call was last admitted or settled."""
        self._cells: dict[str, Cell] = {}
        self._told: dict[str, dict[tuple[int, int], float]] = {}
        """Counter -> amount and percent -> when it may be told again."""
        self._hand: deque[tuple[str, str]] = deque()
        """Every counter once, and its limit: whose turn it is to be looked at."""
        self._each: dict[str, int] = {}
        """Limit -> how many counters it has."""
        self._new = 0
        """Counters made since any were looked at."""
        self._at_hand: dict[int, Cells] = {}
        """By the ids of claims, which they keep from being another's."""
        self._holds: dict[str, Hold] = {}
        self._lapsed: dict[str, Hold] = {}
        """Whose lease has ended, and which may still be settled. In the order of their ends."""
        self._look = inf
        """When a lease may have ended."""

    async def admit(self, hold_id: str, claims: Sequence[Claim], lease_seconds: float) -> Admission:
        """See `core.port.Counters`."""
        return self.admit_now(hold_id, claims, lease_seconds)

    def admit_now(self, hold_id: str, claims: Sequence[Claim], lease_seconds: float) -> Admission:
        """See `core.port.Counters`."""
        now = self._now()
        if now < self._latest:
            self._put_back()
        self._latest = now
        if now >= self._look:
            self._end_leases(now)
        cells = self._at_hand.get(id(claims)) or self._find(claims, now)
        if isinstance(cells, Refusal):
            return cells
        if now >= cells.until:
            cells.turn(now)
        left = take(cells.taken)
        if len(left) < len(claims):
            cells.turn(now)  # what was booked late may be over by now
            left = take(cells.taken)
            if len(left) < len(claims):
                return self._refusal(cells, len(left), now)
        for cell, counter, amount in cells.admitted:
            sums = cell.sums
            used = sums.used = sums.used + amount
            if used >= sums.alert:
                self._notice(cell, counter, used - amount, now)
        ends = now + lease_seconds
        self._holds[hold_id] = Hold(cells, cells.places, now, ends)
        cells.hands += 1
        if ends < self._look:
            self._look = max(ends, now + LOOKED_AFTER)
        return Admitted(claims, left, cells.wholes, now, cells.requests, cells.tokens)

    def settle(self, hold_id: str, actuals: Mapping[str, int]) -> None:
        """See `core.port.Counters`."""
        now = self._now()
        if now < self._latest:
            self._put_back()
        self._latest = now
        hold = self._holds.pop(hold_id, None)
        if hold is None:
            self._settle_lapsed(hold_id, actuals, now)
            return
        cells = hold.cells
        if now >= cells.until:
            cells.turn(now)
        if hold.places is not cells.places:
            self._settle(hold, actuals, now)
        else:  # as it mostly is: the same in short
            for cell, counter, held in cells.settled:
                sums, actual = cell.sums, actuals.get(counter, 0)
                if not 0 <= actual <= MOST_TOKENS:
                    actual = within_reason(cell.limit, actual)
                sums.room += held - actual
                used = sums.used = sums.used + actual
                if used >= sums.alert:
                    self._notice(cell, counter, used - actual, now)
        for cell, _, held in cells.never:
            cell.sums.room += held
        self._put_down(cells)

    def settle_alike(self, hold_id: str, claims: Alike, cost: int, tokens: int) -> None:
        """See `core.port.Counters`."""
        hold, now = self._holds.get(hold_id), self._now()
        if (
            hold is None
            or now < self._latest
            or now >= hold.cells.until
            or hold.places is not hold.cells.places
            or hold.cells.claims is not claims
        ):
            self.settle(hold_id, claims.by_counter(cost, tokens))
            return
        self._latest, cells = now, hold.cells
        del self._holds[hold_id]
        for parts, actual in ((cells.costs, cost), (cells.counts, tokens)):
            if not 0 <= actual <= MOST_TOKENS and parts:
                actual = within_reason(parts[0][1].limit, actual)
            for sums, cell, counter, held in parts:
                sums.room += held - actual
                used = sums.used = sums.used + actual
                if used >= sums.alert:
                    self._notice(cell, counter, used - actual, now)
        for cell, _, held in cells.never:
            cell.sums.room += held
        if cells.hands > 1:
            cells.hands -= 1
        else:
            self._put_down(cells)

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
            before = cell.sums.used
            cell.book(then, amount, now)
            for percent in crossed(limit, before, cell.sums.used):
                self._told.setdefault(counter, {})[limit.amount, percent] = cell.ends(now)

    def __len__(self) -> int:
        """How many counters are in memory."""
        return len(self._cells)

    # --- counters ---------------------------------------------------------------------------------

    def _find(self, claims: Sequence[Claim], now: float) -> Cells | Refusal:
        """The cells of these claims."""
        if self._new:
            self._let_go(now)
        found: list[Cell] = []
        for claim in claims:
            if claim.amount < 0:
                raise ValueError(f"a claim of {claim.amount} for limit {claim.limit.id} is below 0")
            cell = self._cells.get(claim.counter)
            if cell is None:
                if self._each.get(claim.limit.id, 0) >= MOST_EACH:
                    self._new += LOOKED_FOR  # there may be room by the next call
                    return _crowded(claim, now)
                cell = self._make(claim.counter, claim.limit, now)
            elif cell.limit is not claim.limit and cell.limit != claim.limit:
                cell.follow(claim.limit)
                self._clear_hand()  # of what is there, some may have the limit as it was
            found.append(cell)
        cells = cells_of(claims, found)
        if isinstance(claims, Alike):
            if len(self._at_hand) >= MOST_ALIKE:
                self._clear_hand()
            cells.hands = 1
            self._at_hand[id(claims)] = cells
        return cells

    def _clear_hand(self) -> None:
        for cells in self._at_hand.values():
            self._put_down(cells)
        self._at_hand.clear()

    def _put_down(self, cells: Cells) -> None:
        cells.hands -= 1
        if cells.hands <= 0:
            for cell, _, _ in cells.parts:
                cell.open -= 1

    def _refusal(self, cells: Cells, at: int, now: float) -> Admission:
        """Of a call whose claim at this position has no room."""
        if not cells.hands:
            self._put_down(cells)
        claim, cell = cells.claims[at], cells.parts[at][0]
        room = claim.limit.amount - claim.amount
        return Refusal(
            limit=claim.limit,
            counter=claim.counter,
            reason="reached",
            claimed=claim.amount,
            used=cell.sums.used,
            held=cell.held,
            reset=cell.wait(room, now) if room >= 0 else None,
        )

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
            if cell.open or cell.sums.used or cell.held:
                self._hand.append((counter, limit_id))
            else:
                del self._cells[counter]
                self._told.pop(counter, None)
                self._each[limit_id] -= 1
                if not self._each[limit_id]:
                    del self._each[limit_id]
        self._new = 0

    def _notice(self, cell: Cell, counter: str, before: int, now: float) -> None:
        limit = cell.limit
        for percent in crossed(limit, before, cell.sums.used):
            told = self._told.setdefault(counter, {})
            if told.get((limit.amount, percent), 0.0) <= now:
                until = told[limit.amount, percent] = cell.ends(now)
                self._tell(Crossed(limit=limit, counter=counter, percent=percent, until=until))
        cell.aim()

    def _put_back(self) -> None:
        """The clock was: places may be others than they were at that time before."""
        for cells in (*self._at_hand.values(), *[hold.cells for hold in self._holds.values()]):
            cells.until = -inf

    # --- holds ------------------------------------------------------------------------------------

    def _settle(self, hold: Hold, actuals: Mapping[str, int], now: float, *, lapsed: bool = False) -> None:
        """Of what is used once it is settled, wherever it was held. Their cells have turned."""
        for (cell, counter, held), place in zip(hold.cells.settled, hold.places, strict=True):
            before = cell.sums.used
            actual = within_reason(cell.limit, actuals.get(counter, 0))
            cell.settle(place, 0 if lapsed else held, actual, hold.began, now)
            if cell.sums.used >= cell.sums.alert:
                self._notice(cell, counter, before, now)

    def _settle_lapsed(self, hold_id: str, actuals: Mapping[str, int], now: float) -> None:
        hold = self._lapsed.pop(hold_id, None)
        if hold is not None:
            hold.cells.turn(now)
            self._settle(hold, actuals, now, lapsed=True)
            self._put_down(hold.cells)

    def _end_leases(self, now: float) -> None:
        """What no settlement came for is held no longer."""
        for hold_id in [hold_id for hold_id, hold in self._holds.items() if hold.ends <= now]:
            hold = self._lapsed[hold_id] = self._holds.pop(hold_id)
            hold.cells.turn(now)
            self._settle(hold, {}, now)
            for cell, _, held in hold.cells.never:
                cell.sums.room += held
            hold.ends = now + KEPT_SECONDS
        while self._lapsed:
            hold_id, hold = next(iter(self._lapsed.items()))
            if hold.ends > now:
                break
            del self._lapsed[hold_id]
            self._put_down(hold.cells)
        first = min((hold.ends for hold in self._holds.values()), default=inf)
        kept = next((hold.ends for hold in self._lapsed.values()), inf)
        self._look = max(min(first, kept), now + LOOKED_AFTER)


def _crowded(claim: Claim, now: float) -> Refusal:
    until = cell_of(claim.limit, now).ends(now)
    return Refusal(
        limit=claim.limit,
        counter=claim.counter,
        reason="crowded",
        claimed=claim.amount,
        reset=None if until == inf else until - now,
    )
