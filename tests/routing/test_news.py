"""What processes tell each other of health, and what they make of it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.routing.endpoints import Clock

from sekisho.routing.board import Board
from sekisho.routing.health import DEFAULT, FIT, Health, admits, began, ended, state
from sekisho.routing.news import News, aged, heard, later, news

TOLD = st.builds(
    News,
    broken=st.integers(0, 10**20),
    rest=st.floats(-1e9, 1e9),
    asked=st.floats(-1e9, 1e9),
    probed=st.booleans(),
    mended=st.booleans(),
)
STEPS = st.lists(
    st.tuples(st.floats(0, 100), TOLD | st.sampled_from(["answered", "failed", "throttled", "unusable"])),
    max_size=30,
)


class Pair:
    """Two processes' boards; each hears at once what the other one says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.one, self.two = Board(self.clock), Board(self.clock)
        self.said: list[News] = []
        self.one.tell = self._to(self.two)
        self.two.tell = self._to(self.one)

    def _to(self, other: Board) -> Any:
        def tell(endpoint: str, told: News) -> None:
            self.said.append(told)
            other.hear(endpoint, told)

        return tell

    def call(self, board: Board, outcome: Any, **more: Any) -> None:
        began = self.clock()
        board.began("a")
        board.ended("a", outcome, began=began, **more)

    def breaks(self, board: Board) -> None:
        for _ in range(3):
            self.call(board, "failed")


def test_what_one_finds_out_of_order_the_other_leaves_alone_for_as_long() -> None:
    pair = Pair()
    pair.breaks(pair.one)
    assert not pair.two.admits("a")
    assert pair.two.is_broken("a")
    pair.clock.time += DEFAULT.rest
    assert pair.two.admits("a")


def test_only_one_process_sends_the_probe_and_both_learn_from_it() -> None:
    pair = Pair()
    pair.breaks(pair.one)
    pair.clock.time += DEFAULT.rest
    pair.two.began("a")
    assert not pair.one.admits("a")
    pair.two.ended("a", "failed", began=pair.clock())
    pair.clock.time += DEFAULT.rest
    assert not pair.one.admits("a"), "the second rest is twice as long for both"
    pair.clock.time += DEFAULT.rest
    pair.call(pair.one, "answered")
    assert pair.two.admits("a")
    assert not pair.two.is_broken("a")


def test_a_probe_of_a_process_that_died_is_given_up() -> None:
    pair = Pair()
    pair.breaks(pair.one)
    pair.clock.time += DEFAULT.rest
    pair.two.began("a")
    pair.clock.time += DEFAULT.probe + 1
    assert pair.one.admits("a")


def test_a_provider_that_asked_one_process_to_wait_is_left_alone_by_all() -> None:
    pair = Pair()
    pair.call(pair.one, "throttled", retry_after=30)
    assert pair.two.asked_wait("a") == 30
    assert not pair.two.is_broken("a")
    pair.call(pair.one, "throttled", retry_after=10)
    assert len(pair.said) == 1, "nothing new was said"


def test_who_is_answered_by_what_is_said_to_be_out_of_order_does_not_believe_it_again_for_a_while() -> None:
    pair = Pair()
    pair.breaks(pair.one)
    pair.clock.time += DEFAULT.rest
    pair.call(pair.two, "answered")
    pair.breaks(pair.one)
    assert pair.two.admits("a")
    pair.clock.time += DEFAULT.longest + 1
    pair.breaks(pair.one)
    pair.clock.time += DEFAULT.rest
    pair.breaks(pair.one)
    assert not pair.two.admits("a")


def test_calls_that_are_answered_as_usual_are_no_news() -> None:
    pair = Pair()
    for _ in range(3):
        pair.call(pair.one, "answered")
    pair.call(pair.one, "failed")
    pair.call(pair.one, None)
    assert pair.said == []


@given(STEPS)
def test_whatever_is_heard_a_provider_that_is_well_is_found_so_in_bounded_time(steps: list[Any]) -> None:
    now, health = 1000.0, FIT
    for passed, step in steps:
        now += passed
        health = heard(health, step, now) if isinstance(step, News) else ended(health, step, now)
        assert health.until - now <= DEFAULT.patience + 1e-6
    back = max(now, health.until) + DEFAULT.probe + 1
    assert admits(health, back)
    assert state(ended(began(health, back), "answered", back, began=back), back) == "closed"


@given(STEPS, st.floats(0, 100))
def test_what_is_told_is_not_older_than_it_says(steps: list[Any], seconds: float) -> None:
    now, health = 1000.0, FIT
    for passed, step in steps:
        now += passed
        if isinstance(step, News):
            continue
        before, health = health, ended(health, step, now)
        told = news(before, health, now)
        left = told and aged(told, seconds)
        if left is not None:
            other = heard(Health(), left, now + seconds)
            assert other.until <= max(health.until, now + seconds) + 1e-6


@pytest.mark.parametrize("seconds", [6.0, math.inf])
def test_what_was_mended_long_ago_is_no_news(seconds: float) -> None:
    assert aged(News(mended=True), seconds) is None


def test_what_was_not_told_yet_goes_into_what_came_after_it() -> None:
    throttled = later(News(mended=True), News(rest=2))
    assert throttled == News(rest=2, mended=True)
    assert later(News(mended=True), News(broken=1, rest=5)) == News(broken=1, rest=5)
