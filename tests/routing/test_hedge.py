"""When a call is late, and how many calls may be hedged."""

from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.route import Hedge
from sekisho.routing.hedge import LEAST, SAVED, SHARE, Hedges, Lateness


@given(st.lists(st.booleans(), max_size=500))
def test_however_calls_and_late_ones_come_hedges_stay_within_their_share(steps: list[bool]) -> None:
    lateness, hedged = Lateness(), 0
    for calls, late in enumerate(steps, 1):
        lateness.deposit()
        hedged += late and lateness.withdraw()
        assert hedged <= 1 + SHARE * calls + 1e-6
    assert sum(lateness.withdraw() for _ in range(100)) <= SAVED


def test_without_enough_data_nothing_is_late_and_streams_and_whole_answers_are_two_things() -> None:
    lateness, now = Lateness(), 1000.0
    for number in range(1, LEAST):
        lateness.answered(0.2, now, stream=True)
        assert lateness.due(Hedge(), now, stream=True) is None, number
    lateness.answered(0.2, now, stream=True)
    due = lateness.due(Hedge(), now, stream=True)
    assert due is not None
    assert 0.2 <= due < 0.26
    assert lateness.due(Hedge(), now, stream=False) is None
    assert lateness.due(Hedge(), now + 600, stream=True) is None, "old times are forgotten"


def test_what_the_slowest_twentieth_takes_is_late() -> None:
    lateness = Lateness()
    for number in range(100):
        lateness.answered(4.0 if number < 10 else 0.1, 1000.0, stream=False)
    assert (lateness.due(Hedge(), 1000.0, stream=False) or 0) >= 4.0
    for _ in range(200):
        lateness.answered(0.1, 1000.0, stream=False)
    assert (lateness.due(Hedge(), 1000.0, stream=False) or 9) < 0.13
    assert lateness.due(Hedge(after=7.0), 1000.0, stream=False) == 7.0


def test_each_route_has_its_own() -> None:
    hedges = Hedges()
    assert hedges.of("a") is hedges.of("a")
    assert hedges.of("a") is not hedges.of("b")
