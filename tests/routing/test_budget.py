"""However calls and retries come, retries stay a fifth of the calls and a few a second."""

from hypothesis import given
from hypothesis import strategies as st

from sekisho.routing.budget import FLOOR, SAVED, SHARE, RetryBudget


@given(st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=300))
def test_retries_never_exceed_their_share_and_the_floor(steps: list[tuple[float, bool]]) -> None:
    budget, now, calls, retries = RetryBudget(), 1000.0, 0, 0
    for passed, call in steps:
        now += passed
        if call:
            budget.deposit()
            calls += 1
        else:
            retries += budget.withdraw(now)
        assert retries <= SHARE * calls + FLOOR * (1 + now - 1000.0) + 1e-6


def test_a_lone_call_may_always_be_tried_again_and_a_quiet_time_saves_up_no_storm() -> None:
    budget = RetryBudget()
    for hour in range(10):
        assert budget.withdraw(hour * 3600.0)
    for _ in range(10_000):
        budget.deposit()
    assert sum(budget.withdraw(40_000.0) for _ in range(1000)) <= SAVED + FLOOR
