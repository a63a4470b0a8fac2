"""Costs worked out by hand from the providers' published prices.

USD per million tokens is micro-USD per token, so the sums in the comments are micro-USD.
"""

import pytest

from sekisho.core.money import Price
from sekisho.core.usage import Usage
from sekisho.metering.prices import price_call
from sekisho.providers import catalog


@pytest.fixture(scope="module")
def prices() -> dict[tuple[str, str], Price]:
    known = catalog.load()
    rows = ("openai", "anthropic", "gemini", "deepseek")
    return {(row, offer.model): offer.price for row in rows for offer in known.offers(row) if offer.price}


GOLDEN = [
    # platform.claude.com, Claude Opus 5: 5 in, 0.50 read, 6.25 write 5 min, 10 write 1 h, 25 out
    # 1000 x 5 + 20000 x 0.5 + 3000 x 6.25 + 400 x 10 + 500 x 25 = 50250
    (
        ("anthropic", "anthropic/claude-opus-5"),
        Usage(input=1_000, cache_read=20_000, cache_write=3_000, cache_write_1h=400, output=500),
        None,
        50_250,
    ),
    # Claude Haiku 4.5: 1 in, 0.10 read, 1.25 write 5 min, 2 write 1 h, 5 out
    # 10 x 1 + 1000 x 0.1 + 100 x 1.25 + 50 x 2 + 20 x 5 = 435
    (
        ("anthropic", "anthropic/claude-haiku-4.5"),
        Usage(input=10, cache_read=1_000, cache_write=100, cache_write_1h=50, output=20),
        None,
        435,
    ),
    # Claude Haiku 4.5 in a batch: half of everything
    (
        ("anthropic", "anthropic/claude-haiku-4.5"),
        Usage(input=100, cache_read=1_000, cache_write=160, cache_write_1h=50, output=20),
        "batch",
        300,
    ),
    # Claude Sonnet 4.5, prompt of 200000: 3 in, 0.30 read, 3.75 and 6 write, 15 out
    # 100000 x 3 + 60000 x 0.3 + 30000 x 3.75 + 10000 x 6 + 1000 x 15 = 505500
    (
        ("anthropic", "anthropic/claude-sonnet-4.5"),
        Usage(input=100_000, cache_read=60_000, cache_write=30_000, cache_write_1h=10_000, output=1_000),
        None,
        505_500,
    ),
    # one token more, and the whole call costs 6 in, 0.60 read, 7.50 and 12 write, 22.50 out
    # 100001 x 6 + 60000 x 0.6 + 30000 x 7.5 + 10000 x 12 + 1000 x 22.5 = 1003506
    (
        ("anthropic", "anthropic/claude-sonnet-4.5"),
        Usage(input=100_001, cache_read=60_000, cache_write=30_000, cache_write_1h=10_000, output=1_000),
        None,
        1_003_506,
    ),
    # gpt-4o-mini: 0.15 in, 0.075 cached, 0.60 out; 1000 x 0.15 + 2000 x 0.075 + 500 x 0.6 = 600
    (("openai", "openai/gpt-4o-mini"), Usage(input=1_000, cache_read=2_000, output=500), None, 600),
    # reasoning is output already and costs nothing twice
    (
        ("openai", "openai/gpt-4o-mini"),
        Usage(input=1_000, cache_read=2_000, output=500, reasoning=400),
        "default",
        600,
    ),
    # gpt-5.5, prompt of 272000: 5 in, 0.50 cached, 30 out; 200000 x 5 + 72000 x 0.5 + 1000 x 30
    (("openai", "openai/gpt-5.5"), Usage(input=200_000, cache_read=72_000, output=1_000), None, 1_066_000),
    # above 272000 twice the input and one and a half times the output
    # 200001 x 10 + 72000 x 1 + 1000 x 45 = 2117010
    (("openai", "openai/gpt-5.5"), Usage(input=200_001, cache_read=72_000, output=1_000), None, 2_117_010),
    # flex: 2.50 in, 0.25 cached, 15 out
    (("openai", "openai/gpt-5.5"), Usage(input=200_000, cache_read=72_000, output=1_000), "flex", 533_000),
    # priority: 12.50 in, 1.25 cached, 75 out
    (
        ("openai", "openai/gpt-5.5"),
        Usage(input=200_000, cache_read=72_000, output=1_000),
        "priority",
        2_665_000,
    ),
    # Gemini 2.5 Pro, prompt of 200000: 1.25 in, 0.125 cached, 10 out
    # 150000 x 1.25 + 50000 x 0.125 + 1000 x 10 = 203750
    (
        ("gemini", "google/gemini-2.5-pro"),
        Usage(input=150_000, cache_read=50_000, output=1_000),
        None,
        203_750,
    ),
    # above: 2.50 in, 0.25 cached, 15 out; 150001 x 2.5 + 50000 x 0.25 + 1000 x 15 = 402502.5
    (
        ("gemini", "google/gemini-2.5-pro"),
        Usage(input=150_001, cache_read=50_000, output=1_000),
        None,
        402_502.5,
    ),
]


@pytest.mark.parametrize(("endpoint", "usage", "tier", "micro"), GOLDEN)
def test_a_call_costs_what_the_published_prices_say(
    prices: dict[tuple[str, str], Price],
    endpoint: tuple[str, str],
    usage: Usage,
    tier: str | None,
    micro: float,
) -> None:
    assert price_call(usage, prices[endpoint], tier) == int(micro * 1000)


def test_a_price_that_changes_with_the_hour_is_filed_at_its_dearest(
    prices: dict[tuple[str, str], Price],
) -> None:
    # DeepSeek V4 Pro from 2026-08-17: 0.66 in and 1.98 out, at peak hours 1.32 and 3.96.
    price = prices[("deepseek", "deepseek/deepseek-v4-pro")]
    assert (price.base.input, price.base.output) == (1_320_000_000, 3_960_000_000)
    assert "dearest" in price.source


def test_every_price_says_where_and_when_it_was_read(prices: dict[tuple[str, str], Price]) -> None:
    assert all(price.source.startswith("genai-prices") and price.date for price in prices.values())
