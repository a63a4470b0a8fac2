"""A gateway that is configured as its own provider does not call itself for ever."""

import pytest

from sekisho.core.error import LoopDetected
from sekisho.pipeline.steps.hops import count_hops


def test_a_call_of_a_client_has_come_through_no_gateway() -> None:
    assert count_hops({b"host": b"x"}) == 0


def test_a_chain_of_a_few_gateways_is_served_and_a_longer_one_refused() -> None:
    assert [count_hops({b"x-sekisho-hops": b"%d" % hops}) for hops in range(1, 5)] == [1, 2, 3, 4]
    with pytest.raises(LoopDetected, match="5 gateways"):
        count_hops({b"x-sekisho-hops": b"5"})


@pytest.mark.parametrize("value", [b"", b"-1", b"1e9", b"x", "٣".encode(), b"9" * 5000])
def test_a_count_that_no_gateway_sends_leaves_no_room_for_a_loop(value: bytes) -> None:
    assert count_hops({b"x-sekisho-hops": value}) == 4
