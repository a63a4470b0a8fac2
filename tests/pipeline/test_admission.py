"""Claims of calls, and what becomes of them where counters cannot be asked."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pipeline.world import World, endpoint, exchange, plane, route

from sekisho.core.error import CountersLost
from sekisho.core.limit import Claim, Limit
from sekisho.core.money import Price, Rates
from sekisho.core.principal import Principal
from sekisho.core.route import Hedge, Target
from sekisho.metering.counters.lost import LostCounters
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
