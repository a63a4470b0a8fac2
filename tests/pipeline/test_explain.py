"""Why a call went where it went: kept small, told on request, and never with what the client said."""

import json
from dataclasses import replace

import msgspec
import pytest
from tests.pipeline.world import STREAM, USER, FakeResponse, World, endpoint, exchange, plane, route

from sekisho.core.error import (
    Overloaded,
    ProviderRejected,
    SekishoError,
    Truncated,
    Unreachable,
    UpstreamError,
)
from sekisho.core.exchange import Exchange
from sekisho.core.money import Price, Rates
from sekisho.core.record import CallRecord, Outcome
from sekisho.core.route import Route
from sekisho.metering.tokens import Tokens
from sekisho.pipeline import explain
from sekisho.pipeline.answer import Stream
from sekisho.pipeline.meter import record_call
from sekisho.pipeline.prepare import Plane

PRICE = Price(base=Rates(input=2_000_000_000, output=4_000_000_000))
A = endpoint("a", price=PRICE)
B = endpoint("b")


def known(where: Route) -> Plane:
    made = plane()
    providers = {each.endpoint.provider.name: each.endpoint.provider for each in where.targets}
    made.snapshot = replace(made.snapshot, providers=providers)
    return made


async def run(world: World, where: Route, call: Exchange | None = None) -> tuple[Exchange, str]:
    """The exchange of a call that was tried, and the message of its error."""
    call = call or exchange(world)
    try:
        await world.attempts().answer(call, known(where), where)
    except SekishoError as error:
        return call, error.told if isinstance(error, UpstreamError) else error.message
    return call, ""


def recorded(world: World, call: Exchange, outcome: Outcome = "ok", code: str | None = None) -> CallRecord:
    return record_call(
        call, Tokens(), status=200, outcome=outcome, error_code=code, now=world.clock.monotonic()
    )


async def test_a_call_with_nothing_to_choose_keeps_its_price_and_no_plan(world: World) -> None:
    world.answers("a", FakeResponse())
    call, _ = await run(world, route(A))
    found = recorded(world, call).explanation
    assert found is not None
    assert (found.plan, found.rates) == (None, PRICE.base)
    assert msgspec.json.encode(found) == b'{"rates":{"input":2000000000,"output":4000000000}}'


async def test_a_call_with_a_choice_keeps_who_stood_how_and_who_was_left_out_and_why(world: World) -> None:
    world.answers("a", *[Unreachable("refused")] * 3)
    world.answers("b", *[FakeResponse() for _ in range(3)])
    where = replace(route(A, B, attempts=3), select="cheapest")
    await run(world, where)
    call, _ = await run(world, where)
    plan = recorded(world, call).explanation.plan  # type: ignore[union-attr]
    assert plan is not None
    assert plan.select == "cheapest"
    assert [(each.endpoint, each.score is None, each.standing) for each in plan.candidates] == [
        ("b/acme/b=m", True, "fit"),
        ("a/acme/a=m", False, "out"),
    ]
    call, _ = await run(world, where, exchange(world, headers=[(b"x-sekisho-prefer", b'{"ignore":["a"]}')]))
    plan = recorded(world, call).explanation.plan  # type: ignore[union-attr]
    assert plan is not None
    assert [(each.endpoint, each.reason) for each in plan.rejected] == [("a/acme/a=m", "is to be ignored")]
    assert [each.endpoint for each in plan.candidates] == ["b/acme/b=m"]


async def test_attempts_say_when_they_began_and_a_stream_how_it_came(world: World) -> None:
    world.answers("a", Overloaded("full", provider_status=503))
    response = FakeResponse(STREAM, gap=0.5)
    response.pace.connect, response.pace.longest_gap = 0.02, 0.75
    world.answers("b", response)
    call, _ = await run(world, route(A, B), exchange(world, stream=True))
    world.time += 2
    first, second = recorded(world, call).attempts
    assert (first.model, first.code, first.status, first.first_token_ms) == (
        "acme/a",
        "upstream_overloaded",
        503,
        None,
    )
    assert (second.model, second.code, second.connect_ms) == (None, None, 20)
    assert (second.first_token_ms, second.gap_ms, second.milliseconds) == (500, 750, 2500)


async def test_a_stream_that_breaks_off_is_an_attempt_that_failed(world: World) -> None:
    world.answers("a", FakeResponse([STREAM[0], Truncated("cut")]))
    call = exchange(world, stream=True)
    answer = await world.attempts().answer(call, plane(), route(A))
    assert isinstance(answer, Stream)
    answer.close()
    record = recorded(world, call, "interrupted", "upstream_truncated")
    assert [attempt.code for attempt in record.attempts] == ["upstream_truncated"]


async def test_what_an_outage_weighs_is_known_though_nothing_was_counted(world: World) -> None:
    world.answers("a", Overloaded("full"))
    call, _ = await run(world, route(A, attempts=1))
    found = recorded(world, call, "error", "upstream_overloaded").explanation
    assert found is not None
    assert found.asked_tokens == len(call.body) // 4
    assert found.asked_cost == found.asked_tokens * 2_000
    world.answers("a", ProviderRejected("wrong", provider_status=400))
    call, _ = await run(world, route(A, attempts=1))
    assert recorded(world, call, "error", "upstream_rejected").explanation is None, "no outage: a refusal"


async def test_an_error_tells_of_every_target_and_of_those_that_were_not_allowed(world: World) -> None:
    world.answers("a", *[Unreachable("no connection")] * 2)
    world.answers("b", *[Overloaded("full", provider_status=529)] * 2)
    where = route(A, B, endpoint("c"))
    call = exchange(world, headers=[(b"x-sekisho-prefer", b'{"ignore":["c"]}')])
    _, told = await run(world, where, call)
    assert told == (
        "full (provider b, 4 attempts: a upstream_unreachable (2 times), "
        "b upstream_overloaded 529 (2 times), c is to be ignored)"
    )
    world.answers("a", Overloaded("full"))
    _, told = await run(world, route(A, attempts=1))
    assert told == "full (provider a, 1 attempt)"


@pytest.mark.parametrize("count", [2, 400])
async def test_the_header_is_one_short_line_of_ascii_json(world: World, count: int) -> None:
    world.answers("e0", FakeResponse())
    where = route(*[replace(endpoint(f"e{at}"), model=f"さくら/\r\nモデル{at}") for at in range(count)])
    call, _ = await run(world, where)
    call.dropped = ("sampling.\r\n絵🏯" * 40,) * 50
    line = explain.header_line(call)
    assert line.isascii()
    assert line.endswith(b"\r\n")
    name, _, value = line[:-2].partition(b": ")
    assert name == b"x-sekisho-explain"
    assert value.isascii()
    assert b"\r" not in value
    assert len(value) <= explain.LIMIT
    told = json.loads(value)
    assert told["select"] == "ordered"
    assert told["candidates"][0][0] == "e0/さくら/\r\nモデル0=m"
    assert told.get("more", 0) >= count - 32
    assert told["attempts"][0]["provider"] == "e0"


async def test_nothing_that_the_client_said_is_kept(world: World) -> None:
    world.answers("a", Overloaded("full"))
    world.answers("b", FakeResponse())
    headers = [(b"authorization", b"Bearer sk-canary"), (b"x-sekisho-prefer", b'{"order":["a"]}')]
    call, _ = await run(world, route(A, B, attempts=1), exchange(world, headers=headers))
    kept = msgspec.json.encode(recorded(world, call)) + explain.header_line(call)
    assert USER[0]["content"].encode() not in kept
    assert b"canary" not in kept


def test_a_client_asks_with_a_header() -> None:
    assert explain.wanted({b"x-sekisho-explain": b"1"})
    assert not explain.wanted({b"x-sekisho-explain": b"0", b"x-other": b"1"})
