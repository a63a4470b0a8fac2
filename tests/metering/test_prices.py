import pytest

from sekisho.core.money import Price, Rates
from sekisho.core.usage import Usage
from sekisho.metering.prices import price_call, service_tier

PRICE = Price(
    base=Rates(input=2_000_000_000, output=8_000_000_000),
    service={"flex": Price(base=Rates(input=1_000_000_000, output=4_000_000_000))},
)
USAGE = Usage(input=1_000, output=500)


@pytest.mark.parametrize("word", [None, "", "default", "standard", "auto", "Standard"])
def test_every_word_for_the_standard_tier_is_the_standard_tier(word: str | None) -> None:
    assert service_tier(word) is None
    assert price_call(USAGE, PRICE, word) == 6_000_000


def test_a_tier_with_a_price_of_its_own_costs_that() -> None:
    assert service_tier("FLEX") == "flex"
    assert price_call(USAGE, PRICE, "flex") == 3_000_000


def test_a_tier_without_a_price_of_its_own_costs_the_standard_price() -> None:
    assert price_call(USAGE, PRICE, "scale") == 6_000_000


def test_an_endpoint_without_a_price_has_no_cost_rather_than_none_to_pay() -> None:
    assert price_call(USAGE, None) is None
    assert price_call(Usage(), PRICE) == 0
