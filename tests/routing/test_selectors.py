"""Orders of trying: how often, how stable, and how bounded."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.routing.endpoints import Clock, names, planned, route, target

from sekisho.core.preference import SELECTORS, Preferences
from sekisho.core.route import Route
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board
from sekisho.routing.plan import plan
from sekisho.routing.selectors import SCORES

DRAWS = 4000


def firsts(where: Route, board: Board | None = None, ask: Ask | None = None) -> dict[str, float]:
    """How often each comes first."""
    random, board = Random(7), board or Board(Clock())
    counts = Counter(
        plan(where, ask or Ask(), board, random).targets[0].endpoint.provider.name for _ in range(DRAWS)
    )
    return {name: count / DRAWS for name, count in counts.items()}


def test_there_is_an_order_for_every_word() -> None:
    assert set(SCORES) == set(SELECTORS)


@pytest.mark.parametrize("select", SELECTORS)
def test_every_order_holds_every_target_once_and_is_never_nan(select: str) -> None:
    targets = [target("a", 1.0), target("b"), target("free", 0.0), target("d", 2.0, weight=1e-3, quality=3.0)]
    board = Board(Clock())
    for seed in range(30):
        found = planned(route(*targets, select=select), board, seed=seed, ask=Ask(session=str(seed)))
        assert sorted(names(found)) == ["a", "b", "d", "free"]
        assert not any(math.isnan(score) for score in found.scores)
        assert list(found.scores) == sorted(found.scores)


def test_weights_are_how_often_a_target_comes_first() -> None:
    where = route(target("a", weight=1), target("b", weight=2), target("c", weight=5), select="weighted")
    assert firsts(where) == pytest.approx({"a": 1 / 8, "b": 2 / 8, "c": 5 / 8}, abs=0.03)


def test_half_the_price_is_chosen_four_times_as_often() -> None:
    where = route(target("dear", 2.0), target("half", 1.0), select="balanced")
    assert firsts(where) == pytest.approx({"half": 0.8, "dear": 0.2}, abs=0.03)


def test_an_unknown_price_counts_as_the_dearest_and_none_at_all_as_even() -> None:
    where = route(target("unknown"), target("dear", 2.0), target("half", 1.0), select="balanced")
    assert firsts(where) == pytest.approx({"half": 4 / 6, "dear": 1 / 6, "unknown": 1 / 6}, abs=0.03)
    assert firsts(route(target("a"), target("b"), select="balanced")) == pytest.approx(
        {"a": 0.5, "b": 0.5}, abs=0.03
    )


def test_a_recent_outage_puts_a_target_after_the_others_for_a_while() -> None:
    clock = Clock()
    board = Board(clock)
    cheap = target("cheap", 0.01)
    where = route(target("dear", 1.0), cheap, select="balanced")
    board.began(cheap.endpoint.id)
    board.ended(cheap.endpoint.id, "failed", began=clock.time)
    assert firsts(where, board) == {"dear": 1.0}
    clock.time += 31
    assert firsts(where, board)["cheap"] > 0.9


def test_the_cheapest_is_that_of_this_call() -> None:
    where = route(target("b", 2.0), target("a", 1.0), target("unknown"), select="cheapest")
    assert names(planned(where)) == ["a", "b", "unknown"]


def test_the_best_quality_for_the_money_comes_first_and_the_unknown_last() -> None:
    where = route(
        target("unrated", 0.1),
        target("good", 4.0, quality=8.0),
        target("fair", 1.0, quality=6.0),
        select="quality_per_cost",
    )
    assert names(planned(where)) == ["fair", "good", "unrated"]


@pytest.mark.parametrize(
    ("select", "order"), [("fastest", ["new", "b", "a"]), ("throughput", ["new", "a", "b"])]
)
def test_measured_targets_are_ordered_by_it_and_the_unmeasured_come_first(
    select: str, order: list[str]
) -> None:
    clock = Clock()
    board = Board(clock)
    a, b, new = target("a"), target("b"), target("new")
    for each, seconds, speed in ((a, 2.0, 90.0), (b, 0.5, 30.0)):
        board.of(each.endpoint.id).first_token.add(seconds, clock.time)
        board.of(each.endpoint.id).speed.add(speed, clock.time)
    assert names(planned(route(a, b, new, select=select), board)) == order


@pytest.mark.parametrize("select", ["fastest", "throughput"])
def test_one_call_at_a_time_measures_a_target_and_the_others_go_to_who_is_known(select: str) -> None:
    clock = Clock()
    board = Board(clock)
    known, new = target("known"), target("new")
    board.of(known.endpoint.id).first_token.add(0.5, clock.time)
    board.of(known.endpoint.id).speed.add(50.0, clock.time)
    where = route(known, new, select=select)
    assert names(planned(where, board)) == ["new", "known"]
    board.began(new.endpoint.id)
    assert names(planned(where, board)) == ["known", "new"]
    board.ended(new.endpoint.id, "failed", began=clock.time)
    assert names(planned(where, board)) == ["new", "known"]


@pytest.mark.parametrize("select", ["fastest", "throughput"])
def test_calls_that_nobody_can_measure_are_spread_by_who_is_idle(select: str) -> None:
    """As with answers in one piece, or short ones."""
    board, random = Board(Clock()), Random(3)
    where = route(*[target(name) for name in "abc"], select=select)
    for _ in range(6):
        board.began(plan(where, Ask(), board, random).targets[0].endpoint.id)
    assert [board.of(each.endpoint.id).inflight for each in where.targets] == [2, 2, 2]


def test_two_choices_spread_calls_nearly_evenly() -> None:
    board, random = Board(Clock()), Random(3)
    targets = [target(f"p{number}") for number in range(10)]
    where = route(*targets, select="least_busy")
    for _ in range(1000):
        board.began(plan(where, Ask(), board, random).targets[0].endpoint.id)
    loads = [board.of(each.endpoint.id).inflight for each in targets]
    assert max(loads) - min(loads) < 20


# --- sticky -----------------------------------------------------------------------------------------

SESSIONS = [f"session {number}" for number in range(300)]


def homes(where: Route, board: Board | None = None) -> dict[str, str]:
    board = board or Board(Clock())
    return {
        session: names(planned(where, board, ask=Ask(session=session), seed=number))[0]
        for number, session in enumerate(SESSIONS)
    }


@given(st.integers(2, 8), st.integers(0, 7))
def test_a_target_that_leaves_moves_only_its_own_sessions(count: int, leaver: int) -> None:
    targets = [target(f"p{number}") for number in range(count + 1)]
    before = homes(route(*targets, select="sticky"))
    gone = targets[leaver % len(targets)]
    after = homes(route(*(each for each in targets if each is not gone), select="sticky"))
    assert all(
        after[session] == home for session, home in before.items() if home != gone.endpoint.provider.name
    )


def test_sessions_are_spread_by_weight() -> None:
    where = route(target("a", weight=1), target("b", weight=3), select="sticky")
    share = Counter(homes(where).values())["b"] / len(SESSIONS)
    assert share == pytest.approx(0.75, abs=0.08)


def test_a_session_moves_while_its_target_is_unhealthy_or_overfull_and_comes_back() -> None:
    clock = Clock()
    board = Board(clock)
    targets = [target(name) for name in "abc"]
    where, ask = route(*targets, select="sticky"), Ask(session="s")
    home = planned(where, board, ask=ask).targets[0].endpoint.id
    for _ in range(3):
        board.began(home)
        board.ended(home, "failed", began=clock.time)
    assert planned(where, board, ask=ask).targets[-1].endpoint.id == home
    clock.time += 10
    assert planned(where, board, ask=ask).targets[0].endpoint.id == home
    for _ in range(10):
        board.of(home).inflight += 1
    assert planned(where, board, ask=ask).targets[-1].endpoint.id == home


def test_a_heavy_target_is_overfull_only_beyond_its_own_share() -> None:
    heavy, light = target("heavy", weight=9), target("light", weight=1)
    where = route(heavy, light, select="sticky")
    board = Board(Clock())
    before = homes(where, board)
    board.of(heavy.endpoint.id).inflight, board.of(light.endpoint.id).inflight = 90, 10
    assert homes(where, board) == before
    board.of(light.endpoint.id).inflight = 30
    assert set(homes(where, board).values()) == {"heavy"}


def test_without_a_session_weights_decide() -> None:
    where = route(target("a", weight=1), target("b", weight=3), select="sticky")
    assert firsts(where)["b"] == pytest.approx(0.75, abs=0.03)


def test_the_request_chooses_the_selector_before_the_route() -> None:
    where = route(target("b", 2.0), target("a", 1.0), select="ordered")
    assert names(planned(where)) == ["b", "a"]
    assert names(planned(where, ask=Ask(prefer=Preferences(select="cheapest")))) == ["a", "b"]
