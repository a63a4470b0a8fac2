from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.error import ContextTooLong, Malformed, ProviderAuthFailed, Throttled, Unreachable
from sekisho.routing import backoff


@given(attempt=st.integers(1, 10_000), seed=st.integers(), budget=st.floats(0, 1e6))
def test_a_wait_stays_within_its_window_and_the_time_left(attempt: int, seed: int, budget: float) -> None:
    wait = backoff.delay(attempt, Unreachable("refused"), Random(seed), budget)
    window = min(backoff.LONGEST, backoff.FIRST * 2 ** min(attempt - 1, 16))
    assert wait is None or 0 <= wait <= window
    assert wait is None or wait < budget
    assert wait is not None or budget <= window


def test_clients_that_failed_together_do_not_come_back_together() -> None:
    waits = {backoff.delay(3, Unreachable("reset"), Random(seed), 100) for seed in range(100)}
    assert len(waits) == 100


@pytest.mark.parametrize("asked", [0.0, 0.5, 7.0, 30.0])
def test_retry_after_is_never_shortened(asked: float) -> None:
    wait = backoff.delay(1, Throttled("slow down", retry_after=asked), Random(1), 60)
    assert wait is not None
    assert asked <= wait <= asked + backoff.FIRST


def test_a_retry_after_beyond_the_deadline_means_going_elsewhere() -> None:
    assert backoff.delay(1, Throttled("slow down", retry_after=30), Random(1), 29) is None


@pytest.mark.parametrize("error", [Malformed("?"), ProviderAuthFailed("401"), ContextTooLong("too long")])
def test_only_errors_that_a_wait_can_mend_are_retried_here(error: Malformed) -> None:
    assert backoff.delay(1, error, Random(1), 100) is None
