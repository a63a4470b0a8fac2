"""Counters that all processes share: one script for an admission, whatever the number of its limits.

What is settled waits in this process until it is in (`settling`). Without an epoch (`epoch`) nobody is asked:
the server is away, or it lost what was counted and is being told again (`keeper`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from sekisho.control.state.counters.epoch import LIMITS, Epoch
from sekisho.control.state.counters.packing import BUSY, MICRO, NEVER, Shape, Shapes
from sekisho.control.state.counters.scripts import ADMIT
from sekisho.control.state.counters.settling import OTHER_EPOCH, Hold, Settlement, Settlements
from sekisho.control.state.line import Away, Line
from sekisho.core.admission import UNCOUNTED, Admission, Admitted, Crossed, Refusal
from sekisho.core.limit import Alike, Claim, Measure

LONGEST_LEASE = 86_400.0
AGAIN = 1.0
"""Seconds after which asking again makes sense while counters are lost."""
ADMITTED, REFUSED, OTHER_WINDOW = 0, 1, 3
"""What the script answers, and 4: the hold is void."""


class SharedCounters:
    """Implements `core.port.Counters`. Keep the line, the keeper and `settlements` running."""

    def __init__(
        self,
        line: Line,
        now: Callable[[], float],
        tell: Callable[[Crossed], None],
        given: Callable[[], float] | None = None,
    ):
        """`now`: seconds since the epoch. `tell` must not wait. `given`: in place of the server's clock."""
        self._line = line
        self.root = line.address.root + LIMITS
        """What all keys begin with."""
        self._now = now
        self._given = given
        self._ahead = 0
        """Microseconds that the server's clock is ahead of ours, when it last answered."""
        self.shapes = Shapes()
        self.epoch: Epoch | None = None
        """The one that this process has told all it holds: in it calls are admitted."""
        self.booking: Epoch | None = None
        """The one that calls are settled in."""
        self.lost: Callable[[], None] = lambda: None
        """Called when an answer shows that the epoch is over. Must not wait."""
        self.holds: dict[str, Hold] = {}
        """Of calls under way."""
        self.settlements = Settlements(self, self.shapes, tell)
        self.passed = 0
        """Calls admitted uncounted, because the counters could not be asked and their limits let them."""
        self.refused = 0
        """Calls refused because the counters could not be asked."""

    # --- asking -----------------------------------------------------------------------------------

    def ask(self, *parts: bytes) -> asyncio.Future[Any]:
        """Raises Away."""
        return self._line.ask(*parts)

    def given_time(self) -> bytes:
        """For scripts: nothing where the server's own clock counts."""
        return b"" if self._given is None else b"%d" % round(self._given() * MICRO)

    def server_time(self) -> int:
        """About when it is there, in microseconds."""
        return round((self._given or self._now)() * MICRO) + self._ahead

    # --- the port ---------------------------------------------------------------------------------

    async def admit(self, hold_id: str, claims: Sequence[Claim], lease_seconds: float) -> Admission:
        """See `core.port.Counters`."""
        for claim in claims:
            if claim.amount < 0:
                raise ValueError(f"a claim of {claim.amount} for limit {claim.limit.id} is below 0")
        epoch = self.epoch
        if epoch is None:
            return self._uncounted(hold_id, claims, sent=False)
        hold = Hold(hold_id, tuple(claims), 0, lease_seconds, epoch)
        try:
            answer = await self.ask_admission(epoch, hold)
        except Away as error:
            return self._uncounted(hold_id, claims, sent=error.sent)
        except asyncio.CancelledError:
            self._withdraw(hold_id, claims)
            raise
        if answer[0] == ADMITTED:
            return self._admitted(hold, answer)
        if answer[0] == REFUSED:
            return _refusal(claims, answer)
        if answer[0] == OTHER_EPOCH and self.epoch == epoch:
            self.epoch = self.booking = None
            self.lost()
        return self._uncounted(hold_id, claims, sent=False)

    def admit_now(self, _hold_id: str, _claims: Sequence[Claim], _lease_seconds: float) -> None:
        """See `core.port.Counters`: the server is asked for each."""

    def settle(self, hold_id: str, actuals: Mapping[str, int]) -> None:
        """See `core.port.Counters`."""
        hold = self.holds.pop(hold_id, None)
        if hold is None:  # another process may have admitted it, or an earlier run of this one
            hold = Hold(hold_id, (), 0, 0.0, self.booking)
        self.settlements.add(Settlement(hold, actuals))

    def settle_alike(self, hold_id: str, claims: Alike, cost: int, tokens: int) -> None:
        """See `core.port.Counters`."""
        self.settle(hold_id, claims.by_counter(cost, tokens))

    def release(self, hold_id: str) -> None:
        """See `core.port.Counters`."""
        self.settle(hold_id, {})

    def forget(self) -> None:
        """Calls that nobody settled here: another process did, or nobody will."""
        before = self.server_time() - round(2 * LONGEST_LEASE * MICRO)
        for hold in [hold for hold in self.holds.values() if hold.made < before]:
            del self.holds[hold.id]

    # --- admission --------------------------------------------------------------------------------

    async def ask_admission(self, epoch: Epoch, hold: Hold, *, forced: bool = False) -> list[int]:
        """What the script answers, once it agrees in which window of the calendar we are: asked a second time
        where one ended on the way. `forced`: held whatever there is room for. Raises Away."""
        lease = b"%d" % (min(hold.lease, LONGEST_LEASE) * MICRO)
        keys = [epoch.place, epoch.leases, epoch.hold(hold.id)]
        keys += [epoch.counter(claim.counter) for claim in hold.claims]
        head = (b"EVALSHA", ADMIT.digest, b"%d" % len(keys), *keys, epoch.marker)
        answer: list[int] = []
        for _ in range(2):
            now = self.server_time()
            packed = self.shapes.pack(hold.claims, now)
            answer = await self.ask(*head, self.given_time(), lease, packed, b"1" if forced else b"")
            if answer[0] in (ADMITTED, REFUSED, OTHER_WINDOW):
                self._ahead = answer[1] - round((self._given or self._now)() * MICRO)
            if answer[0] != OTHER_WINDOW:
                break
        return answer

    def _admitted(self, hold: Hold, answer: list[int]) -> Admitted:
        now = hold.made = answer[1]
        self.holds[hold.id] = hold
        left: list[int] = []
        whole: list[float] = []
        told: dict[Measure, list[int]] = {"requests": [], "tokens": []}
        remains = iter(answer[2:])
        for at, claim in enumerate(hold.claims):
            limit, shape = claim.limit, self.shapes.of(claim.limit)
            remaining = shape.joined(next(remains), next(remains))
            until = shape.until(now)
            if shape.final:
                used = shape.most - remaining
                self.settlements.notice(limit, claim.counter, (used - claim.amount, used), until)
            left.append(remaining)
            whole.append(until / MICRO if until < NEVER and shape.kind != BUSY else inf)
            if limit.measure in told:
                told[limit.measure].append(at)
        return Admitted(hold.claims, left, whole, now / MICRO, told["requests"], told["tokens"])

    def _withdraw(self, hold_id: str, claims: Sequence[Claim]) -> None:
        """Whether it was admitted is not known: it shall not be, nor be admitted later."""
        nothing = [Claim(claim.limit, claim.counter, 0) for claim in claims]
        hold = Hold(hold_id, tuple(nothing), self.server_time(), 0.0, None)
        self.settlements.add(Settlement(hold, {}))

    def _uncounted(self, hold_id: str, claims: Sequence[Claim], *, sent: bool) -> Admission:
        for claim in claims:
            if claim.limit.when_lost == "refuse":
                self.refused += 1
                if sent:
                    self._withdraw(hold_id, claims)
                return Refusal(
                    limit=claim.limit,
                    counter=claim.counter,
                    reason="lost",
                    claimed=claim.amount,
                    reset=AGAIN,
                )
        self.passed += 1
        made = self.server_time()
        self.holds[hold_id] = Hold(hold_id, tuple(claims), made, LONGEST_LEASE, None, passed=True)
        return UNCOUNTED


def _refusal(claims: Sequence[Claim], answer: list[int]) -> Refusal:
    _, _, index, used_high, used_low, held_high, held_low, wait = answer
    claim = claims[index - 1]
    shape = Shape(claim.limit)
    return Refusal(
        limit=claim.limit,
        counter=claim.counter,
        reason="reached",
        claimed=claim.amount,
        used=shape.joined(used_high, used_low),
        held=shape.joined(held_high, held_low),
        reset=None if wait < 0 else wait / MICRO,
    )
