"""Counts as providers send them, and what they come to."""

from typing import Any

import msgspec
import pytest

from sekisho.core.usage import Usage
from sekisho.wire.counts import LIMIT, count, shown_cost


@pytest.mark.parametrize(
    ("sent", "meant"),
    [(7, 7), (-1, 0), (7.9, 7), (10**30, LIMIT), (True, 0), ("7", 0), (None, 0), ([7], 0)],
)
def test_a_count_is_read_leniently(sent: Any, meant: int) -> None:
    assert count(sent) == meant


def test_cost_is_a_plain_number_and_null_for_an_unpriced_call() -> None:
    counted = Usage(input=1)
    assert shown_cost(counted, None, lambda _usage, _tier: 1_500_000) == msgspec.Raw(b"0.0015")
    assert shown_cost(counted, None, lambda _usage, _tier: None) == msgspec.Raw(b"null")
    assert shown_cost(None, None, lambda _usage, _tier: 1) is None
    assert shown_cost(counted, None, None) is None
