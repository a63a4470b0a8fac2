"""What only counters in memory have: bounds, and being rebuilt from the books."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.counters.ground import MONDAY, FakeClock, claim, in_memory, limit, new_id

from sekisho.core.admission import Refusal
from sekisho.core.limit import Alike, Claim, counter_of
from sekisho.metering.counters import memory
from sekisho.metering.counters.memory import MemoryCounters


async def test_users_who_called_once_do_not_stay_in_memory() -> None:
    clock = FakeClock()
    counters = MemoryCounters(clock.now, lambda _: None)
    requests, busy = limit("requests", 5, "minute", each="user"), limit("concurrent", 2, each="user")
    largest = 0
    for number in range(50_000):
        clock.time += 0.01  # so that 6,000 users call in a minute
        user = f"user-{number}"
        hold = new_id()
        await counters.admit(hold, [Claim(one, counter_of(one, user), 1) for one in (requests, busy)], 600.0)
        counters.release(hold)
        largest = max(largest, len(counters))
    assert largest <= 3 * 6_000


async def test_more_users_than_are_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_EACH", 10)
    ground = in_memory(FakeClock())
    each, shared = limit("usd", 100, "day", each="user"), limit("usd", 10_000, "day")
    for number in range(30):
        user, hold = Claim(each, counter_of(each, str(number)), 1), new_id()
        answer = await ground.admit(hold, claim(shared), user)
        await ground.settle(hold, dict.fromkeys((user.counter, shared.id), 1))
        if number < 10:
            assert not isinstance(answer, Refusal)
        else:
            assert isinstance(answer, Refusal)
            assert (answer.reason, answer.reset) == ("crowded", 86_400)
    assert await ground.room(shared) == 10_000 - 10
    ground.clock.time += 86_400
    await ground.admit(new_id(), claim(shared), user)  # looks for those of the day before
    assert not isinstance(await ground.admit(new_id(), claim(shared), user), Refusal)


async def test_what_is_settled_where_it_no_longer_counts_tells_nobody() -> None:
    ground = in_memory(FakeClock())
    hundred, late = limit("tokens", 100, "minute"), new_id()
    await ground.admit(late, claim(hundred, 10))
    for passed in (1, 30):
        ground.clock.time += passed
        hold = new_id()
        await ground.admit(hold, claim(hundred, 30))
        await ground.settle(hold, {hundred.id: 55})
    ground.clock.time += 35  # half of the amount is used still, and may be told again
    await ground.settle(late, {hundred.id: 10})
    assert [crossed.percent for crossed in ground.told] == [50, 80, 100]


moves = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.3, 0.7, 20.0, 61.0, -0.2, -30.0, 90_000.0, -90_000.0]),
        st.integers(0, 2),
        st.one_of(st.none(), st.integers(0, 60)),
    ),
    min_size=1,
    max_size=60,
)
"""Seconds that the clock is moved by; the kind of the call that comes; what the oldest is settled with, if it
is."""


@settings(max_examples=200, deadline=None, database=None)
@given(moves)
async def test_what_calls_have_in_common_counts_like_what_each_claims_by_itself(
    plan: list[tuple[float, int, int | None]],
) -> None:
    clock = FakeClock()
    common, own = in_memory(clock), in_memory(clock)
    day, minute = limit("usd", 100, "day"), limit("tokens", 100, "minute")
    limits = [day, minute, limit("requests", 20, "minute"), limit("concurrent", 5)]
    kinds = [
        Alike(claim(one, amount if one in (day, minute) else 1) for one in limits) for amount in (0, 7, 40)
    ]
    under_way: list[tuple[str, Alike]] = []
    for moved, kind, actual in plan:
        clock.time += moved
        if actual is not None and under_way:
            settled, claims = under_way.pop(0)
            common.counters.settle_alike(settled, claims, actual, actual // 2)
            await own.settle(settled, {day.id: actual, minute.id: actual // 2})
        hold = new_id()
        answers = [
            await common.counters.admit(hold, kinds[kind], 100.0),
            await own.counters.admit(hold, tuple(kinds[kind]), 100.0),
        ]
        assert answers[0] == answers[1]
        if not isinstance(answers[0], Refusal):
            under_way.append((hold, kinds[kind]))
        assert [await common.room(one) for one in limits] == [await own.room(one) for one in limits]
        assert common.told == own.told
    for hold, _ in under_way:
        await common.settle(hold, {})
    clock.time = max(clock.time, MONDAY) + 3 * 86_400
    assert [await common.room(one) for one in limits] == [100, 100, 20, 5]


calls = st.lists(st.tuples(st.floats(0, 40.0), st.integers(0, 30)), min_size=1, max_size=100)


@settings(max_examples=40, deadline=None, database=None)
@given(calls)
async def test_rebuilt_from_the_books_counters_are_what_they_were(plan: list[tuple[float, int]]) -> None:
    clock = FakeClock(MONDAY + 86_000.0)
    before = in_memory(clock)
    limits = [
        limit("usd", 10**9, "day", alerts=(1, 50)),
        limit("usd", 10**9, "total"),
        limit("tokens", 10**9, "minute"),
        limit("requests", 10**9, "hour"),
        limit("concurrent", 10**9),
    ]
    books: list[tuple[float, int]] = []
    for passed, amount in plan:
        clock.time += passed
        hold = new_id()
        await before.admit(hold, *(claim(one, 1 if one.measure == "requests" else 100) for one in limits))
        await before.settle(hold, {one.id: amount for one in limits})
        books.append((clock.time, amount))

    after = in_memory(clock)
    for one in limits:
        assert isinstance(after.counters, MemoryCounters)
        after.counters.restore(one, entries(one.id, one.measure, books))
    for passed in (0.0, 20.0, 41.0, 3500.0, 7 * 86_400.0):
        clock.time += passed
        assert [await after.room(one) for one in limits] == [await before.room(one) for one in limits]
    assert after.told == []


def entries(counter: str, measure: str, books: list[tuple[float, int]]) -> Iterator[tuple[str, float, int]]:
    for then, amount in books:
        if measure != "concurrent":
            yield counter, then, 1 if measure == "requests" else amount
