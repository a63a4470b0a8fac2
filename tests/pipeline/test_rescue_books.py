"""Streams that broke off and were gone on with: what they cost, what is kept, what the client sees."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pipeline.breaking import (
    CLAUDE,
    COUNTED,
    FIRST,
    HEAD,
    A,
    B,
    C,
    anthropic,
    ask,
    booked,
    claude,
    cut,
    read,
    rest,
    said,
    streaming,
)
from tests.pipeline.world import DONE, MESSAGES, FakeResponse, World, delta, exchange, plane, route

from sekisho.core.error import UpstreamTimeout
from sekisho.pipeline.answer import Stream
from sekisho.pipeline.continued import LEAST_TOKENS
from sekisho.wire import json

# --- what lacks nothing but its end -----------------------------------------------------------------


@pytest.mark.parametrize("end", [cut(), None, UpstreamTimeout("silence")], ids=["cut", "clean", "silent"])
async def test_a_stream_that_lacks_only_its_terminator_is_given_one(world: World, end: Any) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, delta(finish="stop"), COUNTED, *([end] if end else [])]))
    reply = await ask(world, call, route(A, B))
    assert said(reply) == "The gate stands in "
    assert world.asked == ["a"]
    assert booked(world, call).usage == reply.usage


async def test_the_same_of_a_translated_stream(world: World) -> None:
    whole = anthropic({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Hakone."}])
    world.answers("claude", FakeResponse([whole.partition(b"event: message_stop")[0], cut()]))
    reply = await ask(world, streaming(world), route(CLAUDE, B))
    assert (said(reply), reply.choices[0].finish.reason) == ("Hakone.", "stop")


# --- the books --------------------------------------------------------------------------------------


async def test_both_parts_are_paid_for_and_the_client_sees_its_prompt_once(world: World) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", rest("Hakone."))
    reply = await ask(world, call, route(A, B))
    record = booked(world, call)
    first, last = record.attempts
    assert first.usage is not None
    assert last.usage is not None
    assert (first.usage.estimated, last.usage.estimated) == (True, False)
    assert (last.usage.input, last.usage.output) == (9, 5)
    assert (first.code, last.code) == ("upstream_truncated", None)
    assert (first.model, first.provider, record.provider, record.upstream_id) == (
        "acme/a",
        "a",
        "b",
        "second",
    )
    assert first.cost == first.usage.input * 1000 + first.usage.output * 2000
    assert last.cost == 9 * 3000 + 5 * 6000
    assert record.cost == first.cost + last.cost
    assert record.usage is not None
    assert record.usage.input == first.usage.input
    assert record.usage.output == first.usage.output + 5
    assert record.usage.estimated
    assert reply.usage is not None
    assert (reply.usage.input, reply.usage.output) == (record.usage.input, record.usage.output)


async def test_a_part_without_a_price_flags_the_call(world: World) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("c", rest("Hakone."))
    await ask(world, call, route(A, C))
    record = booked(world, call)
    assert record.unpriced
    assert record.cost == record.attempts[0].cost


async def test_a_client_that_is_shown_money_sees_what_both_cost(world: World) -> None:
    call = streaming(world)
    call.show_money = True
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", rest("Hakone."))
    shown = await read(await world.attempts().answer(call, plane(), route(A, B)))
    record = booked(world, call)
    assert record.cost is not None
    (usage,) = (json.decode(line[6:])["usage"] for line in shown.split(b"\n\n") if b'"usage":{' in line)
    assert usage["cost"] == pytest.approx(record.cost / 1e9)


async def test_a_target_that_counts_nothing_is_estimated(world: World) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", FakeResponse([HEAD, delta("Hakone."), delta(finish="stop"), DONE]))
    await ask(world, call, route(A, B))
    record = booked(world, call)
    first, last = record.attempts
    assert first.usage is not None
    assert last.usage is not None
    assert last.usage.estimated
    assert last.usage.input > first.usage.input, "the second was sent the answer so far, too"


async def test_what_is_left_of_a_maximum_is_all_that_the_next_target_may_say(world: World) -> None:
    for limit, left in (
        (1000, range(980, 999)),
        (17, range(LEAST_TOKENS, LEAST_TOKENS + 1)),
        (5, range(5, 6)),
    ):
        world.sent.clear()
        world.answers("a", FakeResponse([*FIRST, cut()]))
        world.answers("b", rest("Hakone."))
        await ask(world, streaming(world, max_tokens=limit), route(A, B))
        sent = world.sent[1].members
        assert sent.get("max_completion_tokens", sent.get("max_tokens")) in left


async def test_a_request_is_kept_only_as_long_as_somebody_is_left(world: World) -> None:
    call = streaming(world, messages=[{"role": "user", "content": "x" * 100_000}])
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", rest("Hakone."))
    answer = await world.attempts().answer(call, plane(), route(A, B))
    assert call.body
    await read(answer)
    assert not call.body
    alone = streaming(world, messages=[{"role": "user", "content": "x" * 100_000}])
    world.answers("a", rest("Hakone."))
    answer = await world.attempts().answer(alone, plane(), route(A))
    assert not alone.body
    assert isinstance(answer, Stream)
    assert answer.relay.facts.heard is None
    answer.close()


async def test_a_client_of_anthropics_keeps_its_blocks_in_order(world: World) -> None:
    begun = anthropic({"type": "text", "text": ""}, [{"type": "text_delta", "text": "The gate stands in "}])
    begun = begun.partition(b"event: content_block_stop")[0]
    for second in (claude("Hakone."), None):
        call = exchange(world, dialect=MESSAGES, stream=True, max_tokens=500)
        world.answers("claude", FakeResponse([begun, cut()]))
        other = replace(CLAUDE, provider=replace(CLAUDE.provider, name="b", base_url="http://b.test/v1"))
        world.answers("b", second or rest("Hakone."))
        reply = await ask(world, call, route(CLAUDE, other if second else B))
        assert said(reply) == "The gate stands in Hakone."
        assert reply.id == "msg_2"
