"""What the books say of a call that has ended: whole, broken off, given up, or never begun."""

from typing import Any

import pytest
from tests.pipeline.world import MESSAGES, World, endpoint, exchange

from sekisho.core.contract import Facts
from sekisho.core.exchange import Exchange
from sekisho.core.money import Price, Rates
from sekisho.core.operation import Operation
from sekisho.core.record import CallRecord
from sekisho.core.usage import Usage
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.meter import record_call

TOKENS = Tokens()
PRICE = Price(base=Rates(input=1_000_000_000, output=2_000_000_000, cache_read=100_000_000))
PRICED, UNPRICED = endpoint("a", price=PRICE), endpoint("b")
COUNTED = Usage(input=10, cache_read=100, output=40)
BEGUN = Usage(input=10, cache_read=100, output=1)
"""As Anthropic's message_start has it: the input is right, the output is only beginning."""


def ended(
    world: World, outcome: Any, facts: Facts, *, at: Any = PRICED, begun: bool = True, **more: Any
) -> tuple[CallRecord, Exchange]:
    call = exchange(world, **more)
    call.endpoint, call.facts = at, facts
    call.asked = begun
    call.first_token = world.time + 0.5 if begun else None
    record = record_call(call, TOKENS, status=200, outcome=outcome, error_code=None, now=world.time + 2)
    return record, call


def test_what_the_provider_counted_is_booked_and_priced(world: World) -> None:
    record, _ = ended(world, "ok", Facts(usage=COUNTED, finish="stop", output_ascii=99_999))
    assert record.usage == COUNTED
    assert record.cost == 10 * 1000 + 100 * 100 + 40 * 2000
    assert not record.unpriced
    assert (record.first_token_ms, record.total_ms) == (500, 2000)


def test_a_whole_answer_without_a_count_is_estimated(world: World) -> None:
    record, call = ended(world, "ok", Facts(finish="stop", output_ascii=400, output_wide=40))
    assert record.usage == Usage(input=TOKENS.estimate(call.members, PRICED), output=132, estimated=True)
    assert record.cost == record.usage.input * 1000 + 132 * 2000


@pytest.mark.parametrize("outcome", ["interrupted", "cancelled"])
def test_of_a_broken_stream_the_larger_output_counts_and_is_called_an_estimate(
    world: World, outcome: str
) -> None:
    record, _ = ended(world, outcome, Facts(usage=BEGUN, output_ascii=400))
    assert record.usage == Usage(input=10, cache_read=100, output=100, estimated=True)


def test_who_leaves_what_was_counted_at_its_beginning_pays_for_that(world: World) -> None:
    record, _ = ended(world, "cancelled", Facts(usage=BEGUN))
    assert record.usage == Usage(input=10, cache_read=100, output=1, estimated=True)


@pytest.mark.parametrize(
    ("outcome", "facts"),
    [
        ("interrupted", Facts(usage=BEGUN)),
        ("ok", Facts(usage=Usage(input=10))),
        ("ok", Facts(usage=Usage(input=10), finish="")),
    ],
)
def test_what_brought_nothing_is_waived(world: World, outcome: str, facts: Facts) -> None:
    for at, waived in ((PRICED, True), (UNPRICED, False)):
        record, _ = ended(world, outcome, facts, at=at)
        assert (record.usage, record.cost) == (None, 0)
        assert record.waived is not None
        assert bool(record.waived) is waived


@pytest.mark.parametrize(
    ("outcome", "facts"),
    [
        ("ok", Facts(usage=Usage(input=10), finish="stop")),
        ("ok", Facts(usage=COUNTED)),
        ("interrupted", Facts(usage=BEGUN, output_ascii=1)),
        ("interrupted", Facts(usage=COUNTED, finish="end_turn")),
        ("cancelled", Facts(usage=BEGUN)),
    ],
)
def test_what_brought_something_or_was_left_is_not(world: World, outcome: str, facts: Facts) -> None:
    record, _ = ended(world, outcome, facts)
    assert record.waived is None
    assert record.cost


@pytest.mark.parametrize("outcome", ["interrupted", "cancelled"])
def test_a_count_that_came_with_the_finish_is_final_even_if_the_stream_then_broke(
    world: World, outcome: str
) -> None:
    record, _ = ended(world, outcome, Facts(usage=COUNTED, finish="end_turn", output_ascii=99_999))
    assert record.usage == COUNTED


def test_who_leaves_an_answer_that_has_begun_pays_for_the_prompt(world: World) -> None:
    record, call = ended(world, "cancelled", Facts())
    assert record.usage == Usage(input=TOKENS.estimate(call.members, PRICED), output=0, estimated=True)


@pytest.mark.parametrize(
    ("outcome", "begun"), [("cancelled", False), ("interrupted", True), ("error", False)]
)
def test_a_call_that_brought_nothing_has_no_usage(world: World, outcome: str, begun: bool) -> None:
    record, _ = ended(world, outcome, Facts(), begun=begun)
    assert (record.usage, record.cost, record.unpriced) == (None, None, False)


def test_an_endpoint_without_a_price_is_flagged_and_never_free(world: World) -> None:
    record, _ = ended(world, "ok", Facts(usage=COUNTED, finish="stop"), at=UNPRICED)
    assert (record.cost, record.unpriced) == (None, True)


def test_counting_tokens_costs_nothing_and_is_not_unpriced(world: World) -> None:
    for at in (PRICED, UNPRICED):
        record, _ = ended(world, "ok", Facts(), at=at, dialect=MESSAGES, operation=Operation.COUNT_TOKENS)
        assert (record.usage, record.cost, record.unpriced) == (None, None, False)


def test_the_app_is_what_the_client_calls_itself_cut_to_a_length(world: World) -> None:
    headers = [(b"user-agent", b"x"), (b"x-title", "関".encode() * 100), (b"referer", b"http://app.test")]
    record, _ = ended(world, "ok", Facts(), headers=headers)
    assert record.app == "関" * 66
