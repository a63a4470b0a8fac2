"""Providers' budgets: what is left, who is ruled out by them, and when they begin anew."""

from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.routing.endpoints import Clock, names, planned, route, target

from sekisho.core.preference import SELECTORS
from sekisho.core.provider import Budget
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.route import Target
from sekisho.core.usage import Usage
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board
from sekisho.routing.plan import plan
from sekisho.routing.spent import Spent

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


def kept(*targets: Target, now: float = NOON) -> tuple[Clock, Board]:
    """A board that keeps their budgets; its clock tells the seconds since the epoch."""
    clock = Clock()
    clock.time = now
    board = Board(Clock(), spent=Spent(clock))
    for name, _ in board.spent.begin(each.endpoint.provider for each in targets):
        board.spent.found(name, 0)
    return clock, board


def call(provider: str, cost: int | None, at: float = NOON, **more: Any) -> CallRecord:
    members: dict[str, Any] = {"id": "gen-1", "status": 200, "outcome": "ok", **more}
    return CallRecord(
        started=at, key_id="k", operation="chat", dialect="openai_chat", requested_model="m",
        provider=provider, cost=cost, **members,
    )  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 400), st.floats(-2 * DAY, 0)), max_size=20))
def test_what_is_left_is_exactly_what_calls_of_this_period_did_not_spend(
    calls: list[tuple[str, int, float]],
) -> None:
    one = target("a", budget=Budget(1000, "day"))
    _, board = kept(one, target("b"))
    for name, cost, ago in calls:
        board.observe(call(name, cost, NOON + ago))
    spent = sum(cost for name, cost, ago in calls if name == "a" and ago >= -DAY / 2)
    assert board.spent.share_left("a") == pytest.approx(max(0, 1 - spent / 1000))
    assert (board.spent.closed_until("a") is not None) == (spent >= 1000)
    assert board.spent.share_left("b") == 1.0


def test_each_provider_is_charged_its_own_part_of_an_answer_that_several_made() -> None:
    _, board = kept(target("a", budget=Budget(100, "day")), target("b", budget=Budget(100, "day")))
    parts = [
        AttemptRecord(provider="a", upstream_model="m", milliseconds=1, usage=Usage(output=1), cost=30),
        AttemptRecord(provider="c", upstream_model="m", milliseconds=1, code="x"),
        AttemptRecord(provider="b", upstream_model="m", milliseconds=1, usage=Usage(output=1), cost=12),
    ]
    board.observe(call("b", 42, attempts=tuple(parts)))
    assert board.spent.shares_left() == {("a",): pytest.approx(0.7), ("b",): pytest.approx(0.88)}


@pytest.mark.parametrize("select", SELECTORS)
def test_who_has_used_up_a_budget_is_tried_by_no_selector_and_the_plan_says_why(select: Any) -> None:
    poor = target("poor", 1.0, budget=Budget(100, "day"), quality=9.0)
    _, board = kept(poor)
    board.observe(call("poor", 100))
    found = planned(route(poor, target("rich", 2.0), select=select), board)
    assert names(found) == ["rich"]
    [(ruled_out, reason)] = found.rejected
    assert (ruled_out, reason) == (poor, "has used up its budget until 2026-11-23T00:00:00Z")


def test_where_nobody_is_left_the_plan_says_when_the_first_budget_begins_anew() -> None:
    day, hour = target("day", budget=Budget(1, "day", "Asia/Tokyo")), target("hour", budget=Budget(1, "hour"))
    clock, board = kept(day, hour)
    board.observe(call("day", 5))
    assert planned(route(day), board).reopens == NOON + 3 * 3600  # midnight in Tokyo
    board.observe(call("hour", 5))
    found = planned(route(day, hour), board)
    assert (found.targets, found.reopens) == ((), NOON + 3600)
    clock.time = NOON + 3600
    assert names(planned(route(day, hour), board)) == ["hour"]
    assert board.spent.share_left("hour") == 1.0


def test_a_call_that_began_in_the_last_period_is_not_charged_to_this_one() -> None:
    one = target("a", budget=Budget(10, "hour"))
    clock, board = kept(one)
    clock.time = NOON + 3601
    board.observe(call("a", 10, NOON + 3599))
    assert board.spent.share_left("a") == 1.0


@pytest.mark.parametrize("jump", [3600, DAY, 40 * DAY])
def test_a_clock_that_is_put_forward_and_back_makes_no_room_and_counts_on(jump: float) -> None:
    one = target("a", budget=Budget(10, "hour"))
    clock, board = kept(one)
    board.observe(call("a", 4))
    clock.time = NOON + jump
    assert board.spent.share_left("a") == 1.0
    board.observe(call("a", 3, NOON + jump))
    clock.time = NOON + 60
    assert board.spent.share_left("a") == pytest.approx(0.3)
    board.observe(call("a", 3, NOON + 60))
    assert board.spent.closed_until("a") == NOON + 3600
    clock.time = NOON + 3600
    assert board.spent.closed_until("a") is None


@pytest.mark.parametrize("back", [3600, 40 * DAY])
def test_who_used_up_a_budget_before_the_clock_was_put_back_waits_for_one_period_at_most(back: float) -> None:
    clock, board = kept(target("a", budget=Budget(10, "hour")))
    board.observe(call("a", 10))
    clock.time = NOON - back
    assert board.spent.closed_until("a") == NOON - back + 3600
    clock.time += 3600
    assert board.spent.share_left("a") == 1.0


def test_by_budget_targets_come_first_as_often_as_their_share_that_is_left_says() -> None:
    half, full, none = (
        target("half", budget=Budget(1000, "month")),
        target("full", budget=Budget(7, "day")),
        target("none"),
    )
    _, board = kept(half, full, none)
    board.observe(call("half", 500))
    random, where = Random(5), route(half, full, none, select="budget")
    first = Counter(names(plan(where, Ask(), board, random))[0] for _ in range(4000))
    assert {name: count / 4000 for name, count in first.items()} == pytest.approx(
        {"half": 0.2, "full": 0.4, "none": 0.4}, abs=0.03
    )


def test_a_reload_keeps_what_is_spent_unless_the_period_is_another() -> None:
    _, board = kept(target("a", budget=Budget(100, "day")))
    spent = board.spent
    board.observe(call("a", 60))
    assert spent.begin([target("a", budget=Budget(60, "day")).endpoint.provider]) == []
    assert spent.closed_until("a") is not None
    assert spent.begin([target("a", budget=Budget(120, "day")).endpoint.provider]) == []
    assert spent.closed_until("a") is None
    assert spent.share_left("a") == 0.5
    weekly = target("a", budget=Budget(120, "week")).endpoint.provider
    assert spent.begin([weekly]) == [("a", NOON - 6.5 * DAY)]
    board.observe(call("a", 20, id="gen-now"))
    assert spent.seen("a") == ("gen-now",)
    spent.found("a", 80)
    assert spent.share_left("a") == pytest.approx(1 / 6)
    spent.keep([])
    assert (spent.shares_left(), spent.used_up) == ({}, {})
