"""Percentiles of the last five minutes, held to the real ones."""

from hypothesis import given
from hypothesis import strategies as st

from sekisho.routing.window import SLICE, SLICES, Window

VALUES = st.lists(st.floats(0.001, 1000), min_size=1, max_size=60)


@given(VALUES, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_right_but_for_the_width_of_a_bin(values: list[float], share: float) -> None:
    window = Window()
    for value in values:
        window.add(value, 1000.0)
    found = window.percentile(share, 1000.0)
    exact = sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.2501


@given(st.lists(st.tuples(st.floats(0, 90), st.floats(0.01, 100)), min_size=1, max_size=60))
def test_what_is_older_than_five_minutes_does_not_count(steps: list[tuple[float, float]]) -> None:
    window, now, added = Window(), 1000.0, []
    for passed, value in steps:
        now += passed
        window.add(value, now)
        added.append((now, value))
    recent = [value for when, value in added if now // SLICE - when // SLICE < SLICES]
    found = window.percentile(1.0, now)
    assert found is not None
    assert max(recent) * 0.999 <= found <= max(recent) * 1.2501
    assert window.percentile(0.5, now + SLICE * SLICES + 1) is None


def test_nothing_measured_is_no_percentile_and_extremes_are_kept_in_bounds() -> None:
    window = Window()
    assert window.percentile(0.5, 5.0) is None
    window.add(0.0, 5.0)
    window.add(1e9, 5.0)
    assert window.percentile(0.5, 5.0) == 0.001
    assert 1000 < (window.percentile(1.0, 5.0) or 0) < 2000
