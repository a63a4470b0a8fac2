from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.money import Price, Rates, Tier, cost, nano_from_usd, usd_text
from sekisho.core.usage import Usage

PER_MILLION = 1_000_000_000
"""One USD for a million tokens is 1000 nano-USD a token."""
counts = st.integers(0, 10**9)
rates = st.integers(0, 10**12)


def usd(amount: str) -> int:
    return nano_from_usd(amount)


def test_cached_and_written_tokens_are_priced_once_and_at_their_own_rate() -> None:
    claude = Rates(
        input=usd("3"),
        output=usd("15"),
        cache_read=usd("0.30"),
        cache_write=usd("3.75"),
        cache_write_1h=usd("6"),
    )
    usage = Usage(input=100, cache_read=10_000, cache_write=2_000, cache_write_1h=1_000, output=500)
    assert cost(usage, claude) == usd("0.0003") + usd("0.003") + usd("0.0075") + usd("0.006") + usd("0.0075")


def test_reasoning_and_audio_are_part_of_their_sum_not_on_top() -> None:
    plain = Rates(input=PER_MILLION, output=2 * PER_MILLION)
    thinking = Usage(input=10, output=100, reasoning=90)
    assert cost(thinking, plain) == cost(Usage(input=10, output=100), plain) == 210_000
    spoken = Usage(input=10, output=100, input_audio=4, output_audio=50)
    assert cost(spoken, plain) == 210_000
    audio = Rates(input=PER_MILLION, output=2 * PER_MILLION, input_audio=PER_MILLION * 40, output_audio=0)
    assert cost(spoken, audio) == 6_000 + 4 * 40_000 + 50 * 2_000


@given(
    st.builds(
        Usage, input=counts, cache_read=counts, cache_write=counts, cache_write_1h=counts, output=counts
    )
)
def test_without_rates_of_their_own_all_kinds_cost_what_plain_tokens_do(usage: Usage) -> None:
    plain = Rates(input=3_000_000, output=7_000_000, request=11)
    assert cost(usage, plain) == 11 + 3 * usage.prompt + 7 * usage.output


@given(
    st.builds(Usage, input=counts, cache_read=counts, output=counts),
    st.builds(Usage, cache_write=counts, cache_write_1h=counts),
    st.builds(Rates, input=rates, output=rates, cache_read=rates, cache_write=rates, cache_write_1h=rates),
)
def test_the_parts_of_a_call_add_up_to_its_cost_within_one_rounding(
    one: Usage, two: Usage, at: Rates
) -> None:
    both = Usage(
        input=one.input,
        cache_read=one.cache_read,
        cache_write=two.cache_write,
        cache_write_1h=two.cache_write_1h,
        output=one.output,
    )
    assert abs(cost(both, at) - cost(one, at) - cost(two, at)) <= 1


def test_the_cost_of_a_call_is_rounded_half_up_once() -> None:
    half = Rates(input=500_000, output=500_000)  # half a nano-USD a token
    assert cost(Usage(input=1), half) == 1
    assert cost(Usage(input=1, output=1), half) == 1
    assert cost(Usage(input=1), Rates(input=499_999, output=0)) == 0


def test_a_context_tier_begins_above_its_bound_and_counts_cached_tokens() -> None:
    small, large = Rates(input=1, output=2), Rates(input=3, output=4)
    price = Price(base=small, tiers=(Tier(above=200_000, rates=large),))
    assert price.rates_for(0) is small
    assert price.rates_for(200_000) is small
    assert price.rates_for(200_001) is large
    assert price.rates_for(Usage(input=1, cache_read=199_999, cache_write=1).prompt) is large


def test_the_highest_tier_that_is_passed_applies() -> None:
    steps = [Rates(input=step, output=step) for step in range(3)]
    price = Price(base=steps[0], tiers=(Tier(above=10, rates=steps[1]), Tier(above=20, rates=steps[2])))
    assert [price.rates_for(prompt).input for prompt in (10, 11, 20, 21)] == [0, 1, 1, 2]


def test_a_service_tier_has_its_own_price_with_its_own_context_tiers() -> None:
    flex = Price(base=Rates(input=1, output=1), tiers=(Tier(above=200_000, rates=Rates(input=2, output=2)),))
    price = Price(base=Rates(input=10, output=10), service={"flex": flex})
    assert price.rates_for(5, "flex").input == 1
    assert price.rates_for(200_001, "flex").input == 2
    assert price.rates_for(5, "default").input == 10
    assert price.rates_for(5).input == 10


@given(st.integers(-(10**18), 10**18))
def test_usd_text_is_exact_both_ways(nano: int) -> None:
    text = usd_text(nano)
    assert nano_from_usd(text) == nano
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0"), (1, "0.000000001"), (150_000_000, "0.15"), (-2_500_000_000, "-2.5"), (10**10, "10")],
)
def test_usd_text_is_plain(nano: int, text: str) -> None:
    assert usd_text(nano) == text


@pytest.mark.parametrize(
    "amount", ["0.0000000001", "NaN", "Infinity", Decimal("1e-10"), "1e-999999999", "x", "", "1e999999999"]
)
def test_what_nano_usd_cannot_hold_is_refused(amount: str | Decimal) -> None:
    with pytest.raises(ValueError, match="nano-USD"):
        nano_from_usd(amount)


def test_large_amounts_with_many_digits_stay_exact() -> None:
    assert nano_from_usd("1234567890123456789012345.123456789") == 1234567890123456789012345123456789
