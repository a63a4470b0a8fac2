"""Claims of calls, and what becomes of them where counters cannot be asked."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pipeline.world import World, endpoint, exchange, plane, route

from sekisho.core.error import CountersLost, LimitReached
from sekisho.core.limit import Claim, Limit
from sekisho.core.money import Price, Rates
from sekisho.core.principal import Principal
from sekisho.core.route import Hedge, Target
from sekisho.metering.counters.lost import LostCounters
from sekisho.metering.counters.memory import MemoryCounters
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.admission import Admission

DEAR = Price(base=Rates(input=0, output=0, request=500))
CHEAP = Price(base=Rates(input=0, output=0, request=20))


def limit(name: str, measure: Any, **more: Any) -> Limit:
    return Limit(name, "key", "key_1", measure, 1000, "day", **more)


def claims(*limits: Limit, hedge: Hedge | None = None, **said: Any) -> dict[str, int]:
    call = exchange(World(), max_tokens=100, **said)
    call.principal = Principal(key_id="key_1", name="k", limits=limits)
    dear, cheap = replace(endpoint("dear"), price=DEAR), replace(endpoint("cheap"), price=CHEAP)
    targets = (Target(cheap), Target(dear))
    way = replace(route(dear, cheap), hedge=hedge)
    found: tuple[Claim, ...] = Admission(LostCounters(), Tokens()).claims(call, way, targets)
    return {claim.counter: claim.amount for claim in found}


def test_the_dearest_target_that_a_limit_is_about_decides() -> None:
    usd = limit("all", "usd"), limit("cheap", "usd", provider="cheap"), limit("no", "usd", provider="nobody")
    assert claims(*usd) == {"all": 500, "cheap": 20}
    assert claims(*usd, hedge=Hedge()) == {"all": 520, "cheap": 20}


def test_tokens_are_prompt_and_longest_answer_of_all_that_are_asked_for() -> None:
    one, many = claims(limit("t", "tokens")), claims(limit("t", "tokens"), n=3)
    assert one["t"] > 100
    assert many["t"] - one["t"] in range(200, 210)


async def held(amount: int, **said: Any) -> int:
    """Tokens that a limit of so many holds for a call on its own, whose longest answer has 4,000."""
    call = exchange(World(), **said)
    tokens = Limit("t", "key", "key_1", "tokens", amount, "day")
    call.principal = Principal(key_id="key_1", name="k", limits=(tokens,))
    way = route(endpoint("a", max_output=4000))
    admission = Admission(MemoryCounters(lambda: 1e9, lambda _: None), Tokens())
    await admission.admit(call, plane().snapshot, (way, way.targets), lambda each: each.targets)
    return sum(claim.amount for claim in call.claims)


async def test_a_short_prompt_is_not_counted_unless_only_its_count_fits() -> None:
    by_length = await held(10_000)
    counted = await held(by_length - 1)
    assert 4000 < counted < by_length <= 4000 + 400
    assert await held(counted) == counted
    with pytest.raises(LimitReached, match=f"it may come to {counted}"):
        await held(counted - 1)


@pytest.mark.parametrize(
    "said",
    [
        {"max_tokens": 100},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://a"}}]}
            ]
        },
        {"messages": [{"role": "user", "content": "x " * 600}]},
    ],
)
async def test_what_is_not_short_is_counted(said: dict[str, Any]) -> None:
    by_far = await held(10**9, **said)
    assert by_far == await held(by_far, **said)
    with pytest.raises(LimitReached):
        await held(by_far - 1, **said)


def test_calls_of_other_tags_claim_nothing() -> None:
    assert claims(limit("r", "requests", tag="x"), limit("c", "concurrent")) == {"c": 1}


@pytest.mark.parametrize("when_lost", ["refuse", "admit"])
async def test_without_counters_a_limit_refuses_unless_it_says_otherwise(when_lost: Any) -> None:
    world = World()
    call = exchange(world)
    call.principal = Principal(key_id="k", name="k", limits=(limit("r", "requests", when_lost=when_lost),))
    way = route(endpoint("a"))
    admission = world.attempts().admission
    if when_lost == "refuse":
        with pytest.raises(CountersLost, match="cannot be counted at the moment"):
            await admission.admit(call, plane().snapshot, (way, way.targets), lambda each: each.targets)
        assert call.claims == ()
    else:
        course = await admission.admit(call, plane().snapshot, (way, way.targets), lambda each: each.targets)
        assert course == (way, way.targets)
        assert call.claims
