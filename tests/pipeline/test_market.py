"""What OpenRouter's requests say beside those of the dialects: how it is told what cannot be."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pipeline.world import MESSAGES, World, endpoint, exchange, plane, route

from sekisho.core.error import SekishoError
from sekisho.core.exchange import Exchange
from sekisho.core.money import Price, Rates
from sekisho.core.preference import NONE, Cutoffs
from sekisho.core.principal import Principal
from sekisho.core.route import Route, Snapshot
from sekisho.pipeline import market
from sekisho.pipeline.prepare import Plane
from sekisho.wire import json

A = endpoint("a", price=Price(base=Rates(input=10**9, output=10**9)))
B = endpoint("bedrock-tokyo", quantization="fp8")
B = replace(B, provider=replace(B.provider, row="bedrock", slug="amazon-bedrock", label="Amazon Bedrock"))
TAGGED = replace(endpoint("ollama"), model="acme/model:free")


def market_plane() -> Plane:
    made = plane()
    routes = {
        "acme/model": route(A, B),
        "acme/model:free": replace(route(TAGGED), name="acme/model:free"),
        "acme/other": replace(route(endpoint("c")), name="acme/other"),
    }
    providers = {each.provider.name: each.provider for each in (A, B, TAGGED)}
    made.snapshot = Snapshot(routes=routes, providers=providers)
    return made


def asked(world: World, dialect: Any = None, **members: Any) -> tuple[Exchange, Route]:
    more = {"max_tokens": 9} if dialect is MESSAGES else {}
    call = exchange(world, dialect=dialect or exchange(world).dialect, **more, **members)
    call.show_money = True
    return call, market.route_of(call, market_plane())


UNSERVED = [
    ("debug", {"echo_upstream_body": True}),
    ("trace", {"trace_id": "t"}),
    ("stop_server_tools_when", [{"type": "x"}]),
]


@pytest.mark.parametrize(
    ("members", "status", "param", "words"),
    [
        *(({name: value}, 501, name, "is not served here") for name, value in UNSERVED),
        ({"dialect": MESSAGES, "reasoning": {"exclude": True}}, 501, "reasoning.exclude", "do not show"),
        ({"dialect": MESSAGES, "include_reasoning": False}, 501, "include_reasoning", "do not show"),
        ({"reasoning": {"exclude": True}, "logprobs": True}, 501, "logprobs", "`reasoning.exclude`"),
        ({"reasoning": {"exclude": 1}}, 400, "reasoning", "Expected `bool"),
        ({"include_reasoning": "no"}, 400, "include_reasoning", "Expected `bool"),
        ({"transforms": ["outside-in"]}, 501, "transforms.0", "the transform `outside-in`"),
        ({"plugins": [{"id": "web"}]}, 501, "plugins.0", "the plugin `web`"),
        ({"plugins": {}}, 400, "plugins", "Expected `array"),
        ({"model": "acme/model:online"}, 501, "model", "no web search"),
        ({"model": "acme/model:exacto"}, 501, "model", "is not measured"),
        ({"model": "acme/model:extended"}, 501, "model", "all there is"),
        ({"model": "@preset/x"}, 404, "model", "no preset `x`"),
        ({"preset": "mine"}, 404, "preset", "no preset `mine`"),
        ({"model": "acme/modle:floor"}, 404, "model", "is not served here; did you mean acme/model"),
        ({"models": ["acme/odel"]}, 404, "models.1", "did you mean acme/model"),
        ({"models": "acme/other"}, 400, "models", "Expected `array"),
        ({"models": [""]}, 400, "models.0", "1 to 512"),
        ({"models": ["m"] * 21}, 400, "models", "more than 20"),
        ({"models": ["acme/other:thinking"]}, 501, "model", "ask for reasoning in the request"),
        ({"models": ["acme/other"], "fallbacks": [{"model": "x"}]}, 400, "fallbacks", "leave one of them"),
        ({"route": "best"}, 400, "route", "`fallback` or `sort`"),
        ({"provider": "a"}, 400, "provider", "Expected `object"),
        ({"provider": {"orders": []}}, 400, "provider", "unknown field `orders`"),
        ({"provider": {"order": ["bedrok"]}}, 400, "provider.order.0", "did you mean bedrock-tokyo?"),
        ({"provider": {"only": []}}, 400, "provider.only", "is empty"),
        ({"provider": {"only": ["a"], "ignore": ["a"]}}, 400, "provider.only", "names no provider"),
        ({"provider": {"quantizations": ["int3"]}}, 400, "provider.quantizations.0", "Invalid enum"),
        ({"provider": {"sort": "best"}}, 400, "provider.sort", "Invalid enum"),
        ({"provider": {"sort": {"by": "exacto"}}}, 501, "provider.sort", "not measured here"),
        ({"provider": {"max_price": {"prompt": -1}}}, 400, "provider.max_price.prompt", "between 0"),
        ({"provider": {"max_price": {"prompt": "NaN"}}}, 400, "provider.max_price.prompt", "between 0"),
        ({"provider": {"max_price": {"request": 1e9}}}, 400, "provider.max_price.request", "0 and 100"),
        ({"provider": {"max_price": {"audio": 1}}}, 501, "provider.max_price.audio", "by the token"),
        ({"provider": {"preferred_max_latency": {"p90": 0}}}, 400, "provider.preferred_max_latency", "> 0"),
        ({"provider": {"enforce_distillable_text": True}}, 501, "provider.enforce", "is not served"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_name(
    world: World, members: dict[str, Any], status: int, param: str, words: str
) -> None:
    with pytest.raises(SekishoError) as caught:
        asked(world, **members)
    assert caught.value.status == status
    assert (caught.value.param or "").startswith(param)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("said", "shown", "left"),
    [
        ({"reasoning": {"exclude": True}}, False, None),
        ({"reasoning": {"exclude": True, "effort": "high"}}, False, {"effort": "high"}),
        ({"reasoning": {"exclude": False, "effort": "high"}}, True, {"effort": "high"}),
        ({"reasoning": {"effort": "high"}}, True, {"effort": "high"}),
        ({"reasoning": None, "include_reasoning": True}, True, None),
        ({"include_reasoning": False, "logprobs": False}, False, None),
        ({"reasoning": {"exclude": False}, "include_reasoning": False}, False, None),
    ],
)
async def test_a_client_may_ask_not_to_be_told_what_a_model_thought(
    world: World, said: dict[str, Any], shown: bool, left: Any
) -> None:
    call, _ = asked(world, **said)
    body = json.decode(call.body)
    assert call.show_reasoning is shown
    assert body.get("reasoning") == left
    assert "include_reasoning" not in body
    assert json.members(call.body) == call.members


async def test_no_member_of_the_marketplace_goes_on_to_a_provider(world: World) -> None:
    call, _ = asked(
        world,
        transforms=[],
        plugins=[{"id": "web", "enabled": False}],
        provider={"order": ["a"]},
        models=["acme/other"],
        route="fallback",
        usage={"include": True},
        session_id="s",
        user="u",
        temperature=0.5,
    )
    assert json.members(call.body).keys() == {"model", "messages", "user", "temperature"}
    assert (call.session, call.user) == ("s", "u")
    plain, _ = asked(world)
    assert plain.wishes is NONE


@pytest.mark.parametrize(
    "word", ["bedrock", "amazon-bedrock", "Amazon Bedrock", "bedrock-tokyo", "AMAZON_BEDROCK"]
)
async def test_a_provider_goes_by_every_name_that_it_has(world: World, word: str) -> None:
    call, _ = asked(world, provider={"only": [word]})
    assert call.wishes.only == ("bedrock-tokyo",)


async def test_preferences_are_read_as_the_contract_has_them(world: World) -> None:
    told = {
        "order": ["a"],
        "allow_fallbacks": False,
        "require_parameters": True,
        "data_collection": "deny",
        "zdr": True,
        "quantizations": ["fp8", "unknown"],
        "sort": {"by": "latency", "partition": "none"},
        "preferred_min_throughput": 20,
        "preferred_max_latency": {"p50": 1, "p99": 4.5},
        "max_price": {"prompt": "1.5", "completion": 2, "request": 0.001, "image": 0},
    }
    call, where = asked(world, provider=told, models=["acme/other"])
    found = call.wishes
    assert (found.order, found.only, found.fallbacks) == (("a",), ("a",), True)
    assert (found.require_parameters, found.may_train, found.zero_retention) == (True, False, True)
    assert (found.quantizations, found.select) == (("fp8", "unknown"), "fastest")
    assert (found.min_throughput, found.max_first_token) == (20, Cutoffs(p50=1, p99=4.5))
    cap = found.price_cap
    assert cap is not None
    assert (cap.input, cap.output, cap.request) == (1_500_000_000, 2_000_000_000, 1_000_000)
    assert where.mixed
    assert [part.name for part in where.parts] == ["acme/model", "acme/other"]
    nothing, _ = asked(world, provider={"allow_fallbacks": True, "data_collection": "allow", "sort": None})
    assert nothing.wishes is NONE


async def test_a_variant_is_a_preference_of_its_model(world: World) -> None:
    _, floor = asked(world, model="acme/model:floor")
    assert (floor.name, floor.prefer.select) == ("acme/model", "cheapest")
    _, several = asked(world, model="acme/model", models=["acme/other:nitro"])
    assert [part.prefer.select for part in several.parts] == [None, "throughput"]
    call, _ = asked(world, model="acme/model:thinking")
    assert json.decode(call.body)["reasoning_effort"] == "medium"
    call, _ = asked(world, model="acme/model:thinking", reasoning={"effort": "low"})
    assert "reasoning_effort" not in json.members(call.body)


async def test_a_name_that_holds_a_colon_of_its_own_is_no_variant(world: World) -> None:
    _, tagged = asked(world, model="acme/model:free")
    assert tagged.targets[0].endpoint is TAGGED


async def test_every_model_that_a_call_names_must_be_allowed(world: World) -> None:
    call = exchange(world, models=["acme/other"])
    call.principal = Principal("k", "k", allowed_models=frozenset({"acme/model"}))
    with pytest.raises(SekishoError, match="may not use the model `acme/other`"):
        market.route_of(call, market_plane())


async def test_fallbacks_of_anthropics_clients_are_models(world: World) -> None:
    _, where = asked(world, MESSAGES, fallbacks=[{"model": "acme/other"}])
    assert [part.name for part in where.parts] == ["acme/model", "acme/other"]
