"""The order of a call's targets, and who is left out."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.routing.endpoints import Clock, names, planned, route, target

from sekisho.core.preference import SELECTORS, Cutoffs, Preferences
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board
from sekisho.routing.plan import plan_parts

A, B, C = target("a", 1.0), target("b", 2.0), target("c", 3.0)


def hurt(board: Board, name: str, times: int = 3, **more: Any) -> None:
    for _ in range(times):
        each = {"a": A, "b": B, "c": C}[name].endpoint.id
        board.began(each)
        board.ended(
            each, more.get("outcome", "failed"), began=board.now(), retry_after=more.get("retry_after")
        )


def test_an_ordered_plan_is_the_routes_targets_as_they_stand() -> None:
    assert names(planned(route(C, A, B))) == ["c", "a", "b"]


def test_one_target_is_tried_whatever_is_known_of_it() -> None:
    board = Board(Clock())
    hurt(board, "a")
    found = planned(route(A), board)
    assert found.targets == (A,)


def test_who_is_out_of_order_comes_last_and_the_first_to_be_back_before_the_others() -> None:
    clock = Clock()
    board = Board(clock)
    hurt(board, "a", outcome="unusable", times=1)
    hurt(board, "b")
    found = planned(route(A, B, C), board)
    assert names(found) == ["c", "b", "a"]
    assert found.fitness == ("fit", "out", "out")
    clock.time += 6
    assert names(planned(route(A, B, C), board)) == ["b", "c", "a"]


def test_one_call_at_a_time_finds_out_whether_a_provider_is_well_again() -> None:
    clock = Clock()
    board = Board(clock)
    hurt(board, "a")
    clock.time += 6
    assert names(planned(route(A, B), board)) == ["a", "b"]
    board.began(A.endpoint.id)
    assert names(planned(route(A, B), board)) == ["b", "a"]


def test_the_providers_asked_for_first_come_first_if_they_are_fit() -> None:
    board = Board(Clock())
    assert names(planned(route(A, B, C), board, order=("c", "b"))) == ["c", "b", "a"]
    hurt(board, "c")
    assert names(planned(route(A, B, C), board, order=("c", "b"))) == ["b", "a", "c"]


def test_without_fallbacks_there_is_one_target() -> None:
    assert names(planned(route(A, B, C), fallbacks=False, order=("b",))) == ["b"]


def test_who_is_slower_than_asked_for_comes_after_the_others() -> None:
    clock = Clock()
    board = Board(clock)
    board.of(A.endpoint.id).first_token.add(4.0, clock.time)
    board.of(B.endpoint.id).speed.add(5.0, clock.time)
    assert names(planned(route(A, B, C), board, max_first_token=1.0)) == ["b", "c", "a"]
    assert names(planned(route(A, B, C), board, min_throughput=50.0)) == ["a", "c", "b"]
    found = planned(route(A, B, C), board, max_first_token=1.0, min_throughput=50.0)
    assert found.fitness == ("fit", "slow", "slow")
    for speed in [40.0] * 8 + [4.0] * 2:
        board.of(C.endpoint.id).speed.add(speed, clock.time)
    found = planned(route(B, C), board, min_throughput=Cutoffs(p50=30.0, p75=30.0))
    assert found.fitness == ("fit", "slow")
    assert names(found) == ["c", "b"]
    found = planned(route(A, C), board, min_throughput=Cutoffs(p90=30.0))
    assert found.fitness == ("fit", "slow")


def test_models_are_planned_one_after_the_other_but_who_is_out_of_order_comes_last() -> None:
    board = Board(Clock())
    parts = [(route(A, B), Ask()), (route(C), Ask(prefer=Preferences(ignore=("a",))))]
    assert names(plan_parts(parts, board, Random(1))) == ["a", "b", "c"]
    hurt(board, "a")
    found = plan_parts(parts, board, Random(1))
    assert (names(found), found.fitness) == (["b", "c", "a"], ("fit", "fit", "out"))
    nobody = plan_parts([(route(A), Ask(prefer=Preferences(ignore=("a",)))), parts[1]], board, Random(1))
    assert names(nobody) == ["c"]
    assert [reason for _, reason in nobody.rejected] == ["is to be ignored"]


def test_where_nothing_is_allowed_the_plan_says_why_of_each() -> None:
    found = planned(route(A, B), only=("c",))
    assert found.targets == ()
    assert [(each.endpoint.provider.name, reason) for each, reason in found.rejected] == [
        ("a", "is not among the providers asked for"),
        ("b", "is not among the providers asked for"),
    ]


@given(
    st.sampled_from(SELECTORS),
    st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["failed", "throttled", "unusable"]))),
    st.integers(0, 100),
)
def test_every_target_is_planned_once_or_rejected_once(
    select: Any, ignored: tuple[str, ...], outages: list[tuple[str, str]], seed: int
) -> None:
    board = Board(Clock())
    for name, outcome in outages:
        hurt(board, name, outcome=outcome, times=2)
    ask = Ask(prefer=Preferences(select=select, ignore=ignored), session="s")
    found = planned(route(A, B, C), board, ask=ask, seed=seed)
    assert sorted(names(found) + [each.endpoint.provider.name for each, _ in found.rejected]) == [
        "a",
        "b",
        "c",
    ]
    assert len(found.scores) in (0, len(found.targets))
    out = [fitness == "out" for fitness in found.fitness]
    assert out == sorted(out)
