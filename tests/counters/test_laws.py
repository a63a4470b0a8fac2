"""The laws of counters, for every kind of them."""

import asyncio
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.counters.ground import LEASE, MONDAY, Ground, admitted, claim, limit, new_id

from sekisho.core.admission import Refusal
from sekisho.core.limit import MOST, Claim, counter_of

MEASURES = [("usd", "day"), ("tokens", "minute"), ("requests", "minute"), ("concurrent", None)]
SETTLED = [("usd", "day"), ("tokens", "minute"), ("tokens", "day"), ("usd", "total")]


@pytest.mark.parametrize(("measure", "period"), MEASURES)
async def test_two_hundred_at_once_against_ten_admit_ten(ground: Ground, measure: str, period: str) -> None:
    ten = limit(measure, 10, period)
    answers = await asyncio.gather(*(ground.admit(new_id(), claim(ten)) for _ in range(200)))
    assert admitted(answers) == 10
    assert await ground.room(ten) == 0


async def test_a_call_is_admitted_by_all_its_limits_or_counts_for_none(ground: Ground) -> None:
    wide, narrow = limit("usd", 100, "day"), limit("requests", 1, "minute")
    under_way = limit("concurrent", 5)
    first = await ground.admit(new_id(), claim(wide, 10), claim(under_way), claim(narrow))
    assert not isinstance(first, Refusal)
    second = await ground.admit(new_id(), claim(wide, 10), claim(under_way), claim(narrow))
    assert isinstance(second, Refusal)
    assert (second.limit, second.reason, second.used, second.held) == (narrow, "reached", 1, 0)
    assert await ground.room(wide) == 90
    assert await ground.room(under_way) == 4


@pytest.mark.parametrize(("measure", "period"), MEASURES)
async def test_calls_that_another_limit_refuses_leave_no_trace(
    ground: Ground, measure: str, period: str
) -> None:
    first, none = limit(measure, 4, period), limit("requests", 0, "minute")
    begun = ground.clock.time
    hold = new_id()
    assert not isinstance(await ground.admit(hold, claim(first)), Refusal)
    await ground.settle(hold, {first.id: 1})
    for _ in range(300):
        ground.clock.time += 0.1
        assert isinstance(await ground.admit(new_id(), claim(first), claim(none)), Refusal)
    kept = 0 if measure == "concurrent" else 1
    assert await ground.room(first) == 4 - kept
    if period == "minute":
        ground.clock.time = begun + 60
        assert await ground.room(first) == 4


async def test_what_remains_falls_with_every_admission(ground: Ground) -> None:
    tokens, requests = limit("tokens", 1000, "minute"), limit("requests", 5, "minute")
    seen = []
    for _ in range(5):
        answer = await ground.admit(new_id(), claim(tokens, 100), claim(requests))
        assert not isinstance(answer, Refusal)
        assert [claim.limit for claim in answer.claims] == [tokens, requests]
        seen.append(tuple(answer.left))
        ground.clock.time += 1
    assert seen == [(900, 4), (800, 3), (700, 2), (600, 1), (500, 0)]


@pytest.mark.parametrize(("measure", "period"), SETTLED)
async def test_settling_replaces_what_was_held_once(ground: Ground, measure: str, period: str) -> None:
    hundred = limit(measure, 100, period)
    hold = new_id()
    await ground.admit(hold, claim(hundred, 80))
    assert await ground.room(hundred) == 20
    await ground.settle(hold, {hundred.id: 30})
    await ground.settle(hold, {hundred.id: 30})
    await ground.settle(hold, {})
    assert await ground.room(hundred) == 70


@pytest.mark.parametrize(("measure", "period"), SETTLED)
async def test_more_than_was_held_is_booked_in_full(ground: Ground, measure: str, period: str) -> None:
    hundred = limit(measure, 100, period)
    hold = new_id()
    await ground.admit(hold, claim(hundred, 10))
    await ground.settle(hold, {hundred.id: 130})
    assert await ground.room(hundred) == -30
    assert isinstance(await ground.admit(new_id(), claim(hundred, 0)), Refusal)


async def test_a_request_counts_whatever_comes_of_it(ground: Ground) -> None:
    three = limit("requests", 3, "minute")
    hold = new_id()
    await ground.admit(hold, claim(three))
    ground.counters.release(hold)
    await ground.settle(new_id(), {})
    assert await ground.room(three) == 2


@pytest.mark.parametrize(("measure", "period"), [("usd", "day"), ("tokens", "day"), ("concurrent", None)])
async def test_what_a_dead_process_held_is_free_after_its_lease(
    ground: Ground, measure: str, period: str
) -> None:
    one = limit(measure, 1, period)
    await ground.admit(new_id(), claim(one), lease=30)
    ground.clock.time += 29
    assert isinstance(await ground.admit(new_id(), claim(one)), Refusal)
    ground.clock.time += 3
    assert not isinstance(await ground.admit(new_id(), claim(one)), Refusal)


@pytest.mark.parametrize(("measure", "period"), [("usd", "day"), ("tokens", "day"), ("usd", "total")])
async def test_what_is_settled_after_its_lease_is_booked_once(
    ground: Ground, measure: str, period: str
) -> None:
    hundred = limit(measure, 100, period)
    hold = new_id()
    await ground.admit(hold, claim(hundred, 60), lease=30)
    ground.clock.time += 60
    assert await ground.room(hundred) == 100
    await ground.settle(hold, {hundred.id: 40})
    await ground.settle(hold, {hundred.id: 40})
    assert await ground.room(hundred) == 60


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("Europe/Berlin", (2026, 10, 25), 25),
        ("Asia/Tokyo", (2026, 10, 25), 24),
        ("America/Santiago", (2026, 9, 6), 23),  # its clocks are changed at midnight
    ],
)
async def test_a_day_begins_at_midnight_where_its_holder_lives(
    ground: Ground, zone: str, day: tuple[int, int, int], hours: int
) -> None:
    ground.clock.time = datetime(*day, tzinfo=ZoneInfo(zone)).timestamp() + 1
    ten = limit("usd", 10, "day", time_zone=zone)
    hold = new_id()
    await ground.admit(hold, claim(ten, 10))
    await ground.settle(hold, {ten.id: 10})
    ground.clock.time += hours * 3600 - 2
    refused = await ground.admit(new_id(), claim(ten))
    assert isinstance(refused, Refusal)
    ground.clock.time += 1
    assert await ground.room(ten) == 10


async def test_a_hold_counts_in_the_window_in_which_it_was_made(ground: Ground) -> None:
    ten = limit("usd", 10, "day")
    ground.clock.time = MONDAY + 86_399
    hold = new_id()
    await ground.admit(hold, claim(ten, 8))
    ground.clock.time += 2
    assert await ground.room(ten) == 10
    await ground.settle(hold, {ten.id: 8})
    assert await ground.room(ten) == 10


async def test_refusals_say_when_the_same_call_may_be_admitted(ground: Ground) -> None:
    daily, minutely = limit("usd", 10, "day"), limit("tokens", 10, "minute")
    total, busy = limit("usd", 10, "total"), limit("concurrent", 1)
    ground.clock.time = MONDAY + 3600
    for one in (daily, minutely, total):
        hold = new_id()
        await ground.admit(hold, claim(one, 10))
        await ground.settle(hold, {one.id: 10})
    await ground.admit(new_id(), claim(busy))
    waits = {}
    for one in (daily, minutely, total, busy):
        refusal = await ground.admit(new_id(), claim(one, 1))
        assert isinstance(refusal, Refusal)
        waits[one.id] = refusal.reset
    assert waits[daily.id] == 23 * 3600
    assert waits[total.id] is None
    assert waits[busy.id] == 1.0
    wait = waits[minutely.id]
    assert wait is not None
    assert 60 <= wait <= 60.5
    too_large = await ground.admit(new_id(), claim(daily, 11))
    assert isinstance(too_large, Refusal)
    assert too_large.reset is None
    ground.clock.time += wait
    assert not isinstance(await ground.admit(new_id(), claim(minutely, 10)), Refusal)


@pytest.mark.parametrize("amount", [2**53 - 1, 2**53 + 1, (2**53 + 1) * 100 + 7, MOST])
async def test_large_amounts_are_exact_to_the_last_unit(ground: Ground, amount: int) -> None:
    large = limit("usd", amount, "month")
    hold = new_id()
    assert not isinstance(await ground.admit(hold, claim(large, amount - 1)), Refusal)
    assert await ground.room(large) == 1
    await ground.settle(hold, {large.id: amount - 3})
    assert await ground.room(large) == 3
    assert isinstance(await ground.admit(new_id(), claim(large, 4)), Refusal)
    assert not isinstance(await ground.admit(new_id(), claim(large, 2)), Refusal)
    assert not isinstance(await ground.admit(new_id(), claim(large, 1)), Refusal)
    assert isinstance(await ground.admit(new_id(), claim(large, 1)), Refusal)


@pytest.mark.parametrize(("measure", "period"), SETTLED)
async def test_hostile_numbers_neither_make_room_nor_break_counters(
    ground: Ground, measure: str, period: str
) -> None:
    none, some = limit(measure, 0, period), limit(measure, 100, period)
    assert isinstance(await ground.admit(new_id(), claim(none)), Refusal)
    with pytest.raises(ValueError, match="below 0"):
        await ground.admit(new_id(), claim(some, -1))
    assert isinstance(await ground.admit(new_id(), claim(some, 10**40)), Refusal)
    hold = new_id()
    await ground.admit(hold, claim(some, 10))
    await ground.settle(hold, {some.id: -(10**40)})
    assert await ground.room(some) == 100
    hold = new_id()
    await ground.admit(hold, claim(some, 10))
    await ground.settle(hold, {some.id: 10**40, "of nobody": 5})
    assert isinstance(await ground.admit(new_id(), claim(some)), Refusal)


@pytest.mark.parametrize(("measure", "period"), SETTLED)
@pytest.mark.parametrize("jump", [-30.0, -7200.0, -86_400.0 * 400])
async def test_a_clock_that_is_put_back_makes_no_room(
    ground: Ground, measure: str, period: str, jump: float
) -> None:
    hundred = limit(measure, 100, period)
    ground.clock.time = MONDAY + 43_200
    hold = new_id()
    await ground.admit(hold, claim(hundred, 60))
    await ground.settle(hold, {hundred.id: 60})
    under_way = new_id()
    await ground.admit(under_way, claim(hundred, 30))
    ground.clock.time += jump
    assert await ground.room(hundred) == 10
    await ground.settle(under_way, {hundred.id: 40})
    assert await ground.room(hundred) <= 0


async def test_a_clock_put_forward_and_back_counts_both_days_as_one(ground: Ground) -> None:
    ten = limit("usd", 10, "day")
    for moved in (0.0, 86_400.0, -86_400.0):
        ground.clock.time += moved
        hold = new_id()
        await ground.admit(hold, claim(ten, 4))
        await ground.settle(hold, {ten.id: 4})
    assert await ground.room(ten) == 2
    assert isinstance(await ground.admit(new_id(), claim(ten, 4)), Refusal)


@pytest.mark.parametrize(("measure", "period"), [*SETTLED, ("requests", "minute")])
@pytest.mark.parametrize("jump", [30.0, 7200.0, 86_400.0 * 400])
async def test_what_was_counted_while_the_clock_was_ahead_still_counts_when_it_is_right_again(
    ground: Ground, measure: str, period: str, jump: float
) -> None:
    ten = limit(measure, 10, period)
    ground.clock.time += jump
    for _ in range(4):
        hold = new_id()
        assert not isinstance(await ground.admit(hold, claim(ten)), Refusal)
        await ground.settle(hold, {ten.id: 1})
    under_way = new_id()
    await ground.admit(under_way, claim(ten))
    ground.clock.time -= jump
    assert await ground.room(ten) == 5
    await ground.settle(under_way, {ten.id: 1})
    # What was held ahead of the clock may stay held for a period beside what its call came to.
    assert 4 <= await ground.room(ten) <= 5
    if period == "minute":
        ground.clock.time += 60.5
        assert await ground.room(ten) == 10


@pytest.mark.parametrize(("measure", "period"), [("usd", "day"), ("concurrent", None)])
@pytest.mark.parametrize("jump", [-7200.0, -30.0, 7200.0])
async def test_a_lease_ends_though_the_clock_jumps_and_what_was_held_is_counted_once(
    ground: Ground, measure: str, period: str, jump: float
) -> None:
    ten = limit(measure, 10, period)
    ground.clock.time = MONDAY + 43_200
    dead, slow = new_id(), new_id()
    await ground.admit(dead, claim(ten, 4), lease=30)
    await ground.admit(slow, claim(ten, 4), lease=30)
    ground.clock.time += jump
    assert await ground.room(ten) == (2 if jump < 0 else 10)
    ground.clock.time += 32 - min(jump, 0)
    assert await ground.room(ten) == 10
    await ground.settle(slow, {ten.id: 3})
    await ground.settle(slow, {ten.id: 3})
    assert await ground.room(ten) == (10 if measure == "concurrent" else 7)


async def test_each_share_of_a_limit_is_told_once_in_a_period(ground: Ground) -> None:
    hundred, requests = limit("usd", 100, "day"), limit("requests", 4, "minute", alerts=(50, 100))
    for _ in range(6):
        hold = new_id()
        await ground.admit(hold, claim(hundred, 10), claim(requests))
        await ground.settle(hold, {hundred.id: 20})
    told = [(crossed.limit.id, crossed.percent, crossed.until) for crossed in ground.told]
    assert [entry[1] for entry in told if entry[0] == requests.id] == [50, 100]
    assert [entry[1:] for entry in told if entry[0] == hundred.id] == [
        (50, MONDAY + 86_400),
        (80, MONDAY + 86_400),
    ]
    ground.told.clear()
    ground.clock.time += 86_400
    hold = new_id()
    await ground.admit(hold, claim(hundred, 10))
    await ground.settle(hold, {hundred.id: 120})
    assert [crossed.percent for crossed in ground.told] == [50, 80, 100]


async def test_each_user_has_the_amount_for_itself(ground: Ground) -> None:
    each = limit("requests", 1, "minute", each="user")
    answers = [
        await ground.admit(new_id(), Claim(each, counter_of(each, user), 1))
        for user in ("ada", "bob", "ada", None, None, "")
    ]
    assert [isinstance(answer, Refusal) for answer in answers] == [False, False, True, False, True, True]


async def test_a_lease_is_no_shorter_for_a_long_call(ground: Ground) -> None:
    """A call that lasts as long as its lease still holds what it claimed."""
    ten = limit("usd", 10, "day")
    await ground.admit(new_id(), claim(ten, 10), lease=LEASE)
    ground.clock.time += LEASE - 1
    assert await ground.room(ten) == 0


@pytest.mark.parametrize("measure", ["requests", "tokens"])
async def test_a_limit_of_few_calls_is_exact_to_the_moment(ground: Ground, measure: str) -> None:
    hourly = limit(measure, 1, "hour")
    for _ in range(3):
        hold = new_id()
        assert not isinstance(await ground.admit(hold, claim(hourly)), Refusal)
        await ground.settle(hold, {hourly.id: 1})
        ground.clock.time += 3599.5
        assert isinstance(await ground.admit(new_id(), claim(hourly)), Refusal)
        ground.clock.time += 0.5


async def test_a_total_never_comes_back(ground: Ground) -> None:
    ten = limit("usd", 10, "total")
    for _ in range(10):
        hold = new_id()
        assert not isinstance(await ground.admit(hold, claim(ten)), Refusal)
        await ground.settle(hold, {ten.id: 1})
        ground.clock.time += 86_400 * 30
    refused = await ground.admit(new_id(), claim(ten))
    assert isinstance(refused, Refusal)
    assert refused.reset is None


async def test_a_changed_time_zone_holds_from_the_next_window_on(ground: Ground) -> None:
    in_utc = limit("usd", 10, "day")
    in_tokyo = replace(in_utc, time_zone="Asia/Tokyo")
    hold = new_id()
    await ground.admit(hold, claim(in_utc, 4))
    await ground.settle(hold, {in_utc.id: 4})
    for hour, left in ((0, 6), (16, 6), (24, 10), (38, 10)):
        ground.clock.time = MONDAY + hour * 3600
        assert await ground.room(in_tokyo) == left
    hold = new_id()
    await ground.admit(hold, claim(in_tokyo, 4))
    await ground.settle(hold, {in_utc.id: 4})
    ground.clock.time = MONDAY + 39 * 3600  # midnight in Tokyo
    assert await ground.room(in_tokyo) == 10
