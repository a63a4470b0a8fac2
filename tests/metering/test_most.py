"""What is held for a call is never less than what it comes to, where its provider keeps to the maximum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.limit import MOST
from sekisho.core.money import Price, Rates, Tier, cost
from sekisho.core.provider import Auth, Endpoint, Provider
from sekisho.core.usage import Usage
from sekisho.metering.most import OUTPUT, Size, cost_at_most, output_at_most, prompt_at_most

rate = st.integers(0, 100_000_000_000)
maybe = st.none() | rate
rates = st.builds(
    Rates,
    input=rate,
    output=rate,
    cache_read=maybe,
    cache_write=maybe,
    cache_write_1h=maybe,
    input_audio=maybe,
    output_audio=maybe,
    request=rate,
)
tiers = st.lists(st.integers(0, 300), max_size=3, unique=True).flatmap(
    lambda places: st.tuples(
        *(st.builds(Tier, above=st.just(place), rates=rates) for place in sorted(places))
    )
)
plain = st.builds(Price, base=rates, tiers=tiers)
prices = st.builds(
    Price, base=rates, tiers=tiers, service=st.none() | st.fixed_dictionaries({"priority": plain})
)
count = st.integers(0, 100)
usages = st.builds(
    Usage, input=count, cache_read=count, cache_write=count, cache_write_1h=count, output=count
)


@given(prices, usages, st.booleans(), st.booleans(), st.booleans())
def test_no_usage_within_the_maximum_costs_more_than_was_held(
    price: Price, usage: Usage, hour: bool, audio: bool, tier: bool
) -> None:
    if not hour:
        usage = Usage(input=usage.input, cache_read=usage.cache_read, cache_write=usage.cache_write, output=7)
    if audio:
        usage = Usage(
            input=usage.input, input_audio=usage.input // 2, output=usage.output, output_audio=usage.output
        )
    size = Size(output=usage.output, hour=hour, audio=audio, tier=tier)
    held = cost_at_most(price, usage.prompt + 13, usage.output, size)
    for name in (None, "priority") if tier else (None,):
        assert cost(usage, price.rates_for(usage.prompt, name)) <= held


def endpoint(max_output: int | None = None, context: int | None = None) -> Endpoint:
    provider = Provider("p", "p", "P", "openai_chat", "http://127.0.0.1", Auth("none"))
    return Endpoint("acme/m", provider, "m", max_output=max_output, context_length=context)


@pytest.mark.parametrize(
    ("size", "max_output", "context", "most"),
    [
        (Size(output=50), 4096, 8192, 50),
        (Size(), 4096, 1_000_000, 4096),
        (Size(), None, None, OUTPUT),
        (Size(), None, 2048, 2048),
        (Size(), None, 1_000_000, OUTPUT),
        (Size(output=100, answers=8), 4096, None, 800),
        (Size(output=10**30), None, None, MOST),
    ],
)
def test_the_maximum_is_the_requests_or_the_models_or_the_default(
    size: Size, max_output: int | None, context: int | None, most: int
) -> None:
    assert output_at_most(endpoint(max_output, context), size) == most


def test_without_a_price_nothing_is_held_and_a_prompt_may_count_a_quarter_more() -> None:
    assert cost_at_most(None, 1000, 1000, Size()) == 0
    assert prompt_at_most(1000) == 1266
