"""Counters against a list of everything that was ever admitted: never over, and never refused for nothing."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.counters.ground import MONDAY, Ground, claim, exact, limit, new_id

from sekisho.core.admission import Refusal
from sekisho.core.limit import STRETCH, Limit

SLOT = 1 / 120
"""Of a period: so much later than it must, a counter may let go of what it counted."""
LEASE = 40.0
LEASE_LATE = 1.0
MINUTE = STRETCH["minute"]

examples = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
steps = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0.01, 2.0), st.sampled_from([7.3, 30.0, 59.9, 60.0, 60.6])),
        st.integers(0, 7),
        st.one_of(st.none(), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=60,
)
"""Seconds that pass; what is claimed; what the oldest call under way is settled with, if it is."""


@dataclass
class Entry:
    """Of the list: one admitted call."""

    hold: str
    at: float
    amount: int
    settled: bool

    def counts(self, now: float, of: Limit, *, late: bool) -> int:
        """`late`: what it may count for at most, as long as counters may keep it."""
        slack = SLOT * MINUTE if late else 0.0
        over = not self.settled and now - self.at >= LEASE + (LEASE_LATE if late else 0.0)
        if of.measure == "concurrent":
            return 0 if over or self.settled else self.amount
        if of.measure == "usd":
            passed = self.at // MINUTE != now // MINUTE
        else:
            passed = now - self.at >= MINUTE + slack
        return 0 if over or passed else self.amount


@pytest.mark.parametrize(
    ("measure", "period"),
    [("usd", "minute"), ("requests", "minute"), ("tokens", "minute"), ("concurrent", None)],
)
@examples
@given(plan=steps, amount=st.integers(1, 25))
async def test_admitted_is_exactly_what_there_is_room_for(
    ground: Ground, measure: str, period: str, plan: list[tuple[float, int, int | None]], amount: int
) -> None:
    of = limit(measure, amount, period)
    ground.clock.time = MONDAY + 100.0
    entries: list[Entry] = []
    for passed, wanted, actual in plan:
        ground.clock.time += exact(passed)
        now = ground.clock.time
        waiting = next((entry for entry in entries if not entry.settled), None)
        if actual is not None and waiting is not None:
            await ground.settle(waiting.hold, {of.id: actual})
            waiting.settled, waiting.amount = True, actual
        hold = new_id()
        answer = await ground.admit(hold, claim(of, wanted), lease=LEASE)
        at_least = sum(entry.counts(now, of, late=False) for entry in entries)
        at_most = sum(entry.counts(now, of, late=True) for entry in entries)
        if isinstance(answer, Refusal):
            assert at_most + wanted > amount, "refused, though there was room"
            assert at_least <= answer.used + answer.held <= at_most
        else:
            assert at_least + wanted <= amount, "admitted, though there was no room"
            assert amount - at_most - wanted <= answer.left[0] <= amount - at_least - wanted
            entries.append(Entry(hold, now, wanted, settled=measure == "requests"))


@pytest.mark.timeout(400)  # tens of thousands of round trips
@pytest.mark.parametrize(("measure", "each"), [("requests", 1), ("tokens", 7)])
@settings(examples, max_examples=15)
@given(amount=st.integers(1, 400), pressure=st.floats(1.0, 5.0), begin=st.floats(0, 120))
async def test_steady_demand_gets_98_percent_of_a_sliding_limit(
    ground: Ground, measure: str, each: int, amount: int, pressure: float, begin: float
) -> None:
    of = limit(measure, amount * each, "minute")
    begun = ground.clock.time = MONDAY + exact(begin)
    between = MINUTE / (amount * pressure)
    minutes = 4
    admitted: list[float] = []
    calls = 0
    while ground.clock.time < begun + minutes * MINUTE:
        hold = new_id()
        if not isinstance(await ground.admit(hold, claim(of, each)), Refusal):
            admitted.append(ground.clock.time)
            ground.counters.settle(hold, {of.id: each})
        calls += 1
        ground.clock.time = begun + exact(calls * between)
    for first in range(len(admitted) - amount):
        assert admitted[first + amount] - admitted[first] >= MINUTE
    # The last minute may have been used at its beginning alone, so whole minutes are what is compared.
    # And what gets free waits for the next call, which is a part of a minute where few are allowed.
    assert len(admitted) >= 0.98 * amount * minutes * MINUTE / (MINUTE + between) - 1
