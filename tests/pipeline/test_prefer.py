"""`x-sekisho-prefer`: what a request asks of the targets, and how it is told what cannot be."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pipeline.world import FakeResponse, World, endpoint, exchange, plane, route

from sekisho.core.error import SekishoError, Unsupported
from sekisho.core.exchange import Exchange
from sekisho.core.preference import Preferences
from sekisho.core.provider import DataPolicy, Endpoint
from sekisho.pipeline.answer import Whole

A, B = endpoint("a"), endpoint("b")


def asking(world: World, header: bytes) -> Exchange:
    return exchange(world, headers=[(b"x-sekisho-prefer", header)])


def known(*endpoints: Endpoint) -> Any:
    made = plane()
    providers = {each.provider.name: each.provider for each in endpoints}
    made.snapshot = replace(made.snapshot, providers=providers)
    return made


async def test_a_request_chooses_among_the_targets(world: World) -> None:
    world.answers("b", FakeResponse())
    call = asking(world, b'{"order": ["b"]}')
    answer = await world.attempts().answer(call, known(A, B), route(A, B))
    assert isinstance(answer, Whole)
    assert world.asked == ["b"]


@pytest.mark.parametrize(
    ("header", "param", "words"),
    [
        (b"{", "", "is not a JSON object"),
        (b"[]", "", "Expected `object`"),
        (b'{"orders": ["b"]}', "", "unknown field `orders`"),
        (b'{"only": "b"}', ".only", "Expected `array"),
        (b'{"only": ["b", 1]}', ".only.1", "Expected `str`"),
        (b'{"only": ["nobody"]}', ".only.0", "there is no provider `nobody`"),
        (b'{"only": []}', ".only", "is empty"),
        (b'{"only": ["a"], "ignore": ["a"]}', ".only", "names no provider"),
        (b'{"order": ["a"], "ignore": ["a"]}', ".order", "which `ignore` rules out"),
        (b'{"select": "best"}', ".select", "Invalid enum value"),
        (b'{"min_throughput": 0}', ".min_throughput", "> 0"),
        (b'{"max_first_token": 1e400}', ".max_first_token", "out of range"),
        (b'{"price_cap": {"input": "NaN"}}', ".price_cap.input", "between 0 and 10000"),
        (b'{"price_cap": {"input": -1}}', ".price_cap.input", "between 0 and 10000"),
        (b'{"price_cap": {"in": 1}}', ".price_cap", "unknown field `in`"),
        (b'{"price_cap": {"output": 0.12345678901}}', ".price_cap.output", "nine digits"),
        (b'{"only": ["' + b"a" * 5000 + b'"]}', "", "longer than 4096 bytes"),
        (b"\xff", "", "is not a JSON object"),
        (b'{"denied_origins": ["CN", "China"]}', ".denied_origins.1", "write two letters (ISO 3166)"),
        (b'{"ignore": ["a", "b"]}', "", "no target of `acme/model` may be used: a is to be ignored"),
        (b'{"may_train": false}', "", "a does not say that it never trains"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_by_its_name(
    world: World, header: bytes, param: str, words: str
) -> None:
    with pytest.raises(SekishoError) as caught:
        await world.attempts().answer(asking(world, header), known(A, B), route(A, B))
    assert caught.value.status == 400
    assert caught.value.param == "x-sekisho-prefer" + param
    assert words in caught.value.message
    assert world.asked == []


async def test_a_request_can_only_narrow_what_its_route_allows(world: World) -> None:
    where = replace(route(A, B), prefer=Preferences(only=("a",)))
    with pytest.raises(SekishoError) as caught:
        await world.attempts().answer(asking(world, b'{"only": ["b"]}'), known(A, B), where)
    assert (caught.value.status, caught.value.param) == (400, "x-sekisho-prefer")
    strict = replace(route(A, B), prefer=Preferences(zero_retention=True))
    with pytest.raises(Unsupported, match="does not say how long it keeps prompts"):
        await world.attempts().answer(exchange(world), known(A, B), strict)
    assert world.asked == []


async def test_a_country_is_denied_however_it_is_written(world: World) -> None:
    policy = DataPolicy(origin="CN")
    there = replace(A, provider=replace(A.provider, policy=policy))
    with pytest.raises(SekishoError, match="its provider comes from CN"):
        await world.attempts().answer(
            asking(world, b'{"denied_origins": ["cn"]}'), known(there), route(there)
        )
    assert world.asked == []
