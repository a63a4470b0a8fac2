"""Outages: who is asked, who is spared, who is waited for, and that nothing hammers."""

import asyncio
from dataclasses import replace

import pytest
from tests.pipeline.world import (
    MESSAGES,
    STREAM,
    FakeResponse,
    World,
    endpoint,
    exchange,
    later,
    plane,
    route,
)

from sekisho.core import error as errors
from sekisho.core.error import (
    ContentFiltered,
    ContextTooLong,
    LoopDetected,
    Overloaded,
    ProviderFailed,
    ProviderModelMissing,
    ProviderRejected,
    SekishoError,
    Throttled,
    Truncated,
    Unreachable,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.provider import Endpoint
from sekisho.core.route import Route, Timeouts
from sekisho.pipeline.answer import Stream, Whole
from sekisho.pipeline.watch import OUTCOMES
from sekisho.routing.budget import FLOOR, SHARE

A, B, C = endpoint("a"), endpoint("b"), endpoint("c")


async def ask(world: World, where: Route, call: Exchange | None = None) -> str:
    """Who answered a new call, or the code of its error."""
    call = call or exchange(world)
    try:
        answer = await world.attempts().answer(call, plane(), where)
    except SekishoError as error:
        return error.code
    assert isinstance(answer, Whole)
    assert call.endpoint is not None
    return call.endpoint.provider.name


async def refused(world: World, where: Route) -> SekishoError:
    with pytest.raises(SekishoError) as caught:
        await world.attempts().answer(exchange(world), plane(), where)
    return caught.value


def dead(count: int = 1000) -> list[UpstreamError]:
    return [Unreachable("refused") for _ in range(count)]


def well(count: int = 1000) -> list[FakeResponse]:
    return [FakeResponse() for _ in range(count)]


def every_leaf(kind: type[UpstreamError] = UpstreamError) -> set[type[UpstreamError]]:
    return {kind}.union(*map(every_leaf, kind.__subclasses__()))


def test_every_error_of_a_provider_says_something_of_it_or_nothing_on_purpose() -> None:
    leaves = {kind for kind in every_leaf() if kind.__module__ == errors.__name__}
    assert set(OUTCOMES) == leaves


# --- a provider that is down ------------------------------------------------------------------------


async def test_two_hundred_calls_find_a_dead_primary_three_times_and_none_of_them_fails(
    world: World,
) -> None:
    world.answers("a", *dead())
    world.answers("b", *well())
    answered = [await ask(world, route(A, B)) for _ in range(200)]
    assert answered == ["b"] * 200
    assert world.asked.count("a") == 3


async def test_a_primary_that_flaps_is_probed_by_one_call_at_a_time_and_comes_back(world: World) -> None:
    world.answers("a", *dead(4), *well())
    world.answers("b", *well())
    where = route(A, B, attempts=1)
    assert [await ask(world, where) for _ in range(5)] == ["b"] * 5
    assert world.asked.count("a") == 3
    world.time += 5  # half open: this probe fails, and it rests for twice as long
    assert [await ask(world, where) for _ in range(5)] == ["b"] * 5
    assert world.asked.count("a") == 4
    world.time += 9
    assert await ask(world, where) == "b"
    world.time += 1
    assert [await ask(world, where) for _ in range(3)] == ["a"] * 3


async def test_a_probe_that_takes_its_time_keeps_the_others_away(world: World) -> None:
    world.answers("a", *dead(3))
    world.answers("b", *well())
    for _ in range(3):
        await ask(world, route(A, B, attempts=1))
    world.time += 5
    slow, asked, held = FakeResponse(STREAM), asyncio.Event(), asyncio.Event()
    at_once = slow.chunk

    async def chunk(timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as Response has it
        asked.set()
        await held.wait()
        return await at_once(timeout)

    slow.chunk = chunk  # type: ignore[method-assign]
    world.answers("a", slow, *well())
    probe = asyncio.create_task(world.attempts().answer(exchange(world, stream=True), plane(), route(A, B)))
    await asked.wait()
    assert await ask(world, route(A, B)) == "b"
    held.set()
    opened = await probe
    assert isinstance(opened, Stream)
    assert await ask(world, route(A, B)) == "a"  # its first token is proof enough
    opened.close()


async def test_where_all_are_out_of_order_a_call_still_tries_and_finds_who_is_back(world: World) -> None:
    world.answers("a", *dead())
    world.answers("b", *dead())
    where = route(A, B, attempts=1)
    for _ in range(3):
        assert await ask(world, where) == "upstream_unreachable"
    world.answers("b", *well())
    asked = len(world.sent)
    assert await ask(world, where) == "b"
    assert world.asked[asked:] == ["a", "b"]
    asked = len(world.sent)
    assert await ask(world, where) == "b"
    assert world.asked[asked:] == ["b"]


async def test_where_all_are_out_of_order_many_calls_make_no_storm(world: World) -> None:
    """Each tries one target; further ones, and the same again, are paid from the budget."""
    targets = [endpoint(name) for name in "abcdefgh"]
    for each in targets:
        world.answers(each.provider.name, *dead(5000))
    where = route(*targets, attempts=3)
    calls = 400
    for _ in range(calls):
        assert await ask(world, where) == "upstream_unreachable"
    opening = 3 * len(targets)
    assert len(world.sent) <= calls + SHARE * calls + FLOOR + opening + len(targets)


async def test_retries_are_a_fifth_of_the_calls_and_a_few_a_second(world: World) -> None:
    answered = []
    for number in range(200):
        own = endpoint(f"p{number}")
        world.answers(own.provider.name, ProviderFailed("500"), FakeResponse())
        answered.append(await ask(world, route(own)))
    retried = len(world.sent) - 200
    assert FLOOR <= retried <= SHARE * 200 + FLOOR
    assert answered.count("upstream_failed") == 200 - retried
    world.time += 60
    world.answers("a", ProviderFailed("500"), FakeResponse())
    assert await ask(world, route(A)) == "a"


# --- a provider that is full ------------------------------------------------------------------------


async def test_who_asked_to_be_left_alone_is_by_later_calls_too(world: World) -> None:
    world.answers("a", Throttled("slow down", retry_after=30), FakeResponse())
    world.answers("b", *well())
    assert [await ask(world, route(A, B)) for _ in range(5)] == ["b"] * 5
    assert world.asked.count("a") == 1
    world.time += 30
    assert await ask(world, route(A, B)) == "a"
    assert world.waits == []


async def test_a_call_whose_only_target_asked_for_time_waits_for_it(world: World) -> None:
    world.answers("a", Throttled("slow down", retry_after=30))
    where = route(A, attempts=1)
    assert await ask(world, where) == "upstream_rate_limited"
    world.time += 10
    world.answers("a", FakeResponse())
    assert await ask(world, where) == "a"
    assert world.waits == [20]


async def test_a_call_that_could_only_wait_too_long_is_told_at_once_when_to_come_back(world: World) -> None:
    world.answers("a", Throttled("slow down", retry_after=90))
    world.answers("b", Throttled("slow down", retry_after=70))
    where = route(A, B, attempts=1, timeouts=Timeouts(total=60))
    error = await refused(world, where)
    assert isinstance(error, Throttled)
    assert error.retry_after == 70
    world.time += 5
    error = await refused(world, where)
    assert (type(error), error.retry_after) == (Throttled, 65)
    assert world.asked == ["a", "b"]
    assert world.waits == []


async def test_429_for_ever_without_a_time_ends_in_429(world: World) -> None:
    world.answers("a", *[Throttled("slow down") for _ in range(10)])
    assert await ask(world, route(A, attempts=3)) == "upstream_rate_limited"
    assert world.asked == ["a"] * 3


# --- what says nothing of a provider, and what does -------------------------------------------------


@pytest.mark.parametrize(
    ("error", "times"),
    [(ProviderRejected("bad temperature"), 5), (ContentFiltered("no"), 5), (LoopDetected("loop"), 5)],
)
async def test_a_request_that_is_refused_closes_no_provider(
    world: World, error: UpstreamError, times: int
) -> None:
    world.answers("a", *[error] * times, FakeResponse())
    for _ in range(times):
        await refused(world, route(A, B))
    assert await ask(world, route(A, B)) == "a"


async def test_a_model_that_is_gone_is_left_at_once(world: World) -> None:
    world.answers("a", ProviderModelMissing("no such model"))
    world.answers("b", *well())
    assert [await ask(world, route(A, B)) for _ in range(3)] == ["b"] * 3
    assert world.asked.count("a") == 1


async def test_a_client_that_leaves_says_nothing_of_the_provider(world: World) -> None:
    world.answers("a", *[FakeResponse(STREAM) for _ in range(5)])
    for _ in range(5):
        opened = await world.attempts().answer(exchange(world, stream=True), plane(), route(A))
        assert isinstance(opened, Stream)
        assert world.board.of(A.id).inflight == 1
        opened.close()
        opened.close()
    assert world.board.of(A.id).inflight == 0
    assert world.board.of(A.id).health.bad == 0


async def test_streams_that_break_off_close_their_provider(world: World) -> None:
    world.answers("a", *[FakeResponse(STREAM) for _ in range(3)])
    for _ in range(3):
        opened = await world.attempts().answer(exchange(world, stream=True), plane(), route(A, B))
        assert isinstance(opened, Stream)
        opened.watch.failed(Truncated("cut"))
        opened.close()
    world.answers("b", FakeResponse())
    assert await ask(world, route(A, B)) == "b"


async def test_a_count_of_tokens_is_no_word_on_the_provider(world: World) -> None:
    claude = endpoint("claude", dialect="anthropic_messages")
    world.answers("claude", *[Throttled("slow down", retry_after=60) for _ in range(3)])
    for _ in range(3):
        counting = exchange(world, dialect=MESSAGES, operation=Operation.COUNT_TOKENS)
        assert await ask(world, route(claude), counting) == "claude"
    assert world.board.admits(claude.id)
    assert world.waits == []


@pytest.mark.parametrize("phase", ["connect", "first token", "idle"])
async def test_every_limit_of_time_moves_a_call_on(world: World, phase: str) -> None:
    world.answers("a", later(UpstreamTimeout(f"timeout ({phase})"), 5))
    world.answers("b", FakeResponse())
    assert await ask(world, route(A, B)) == "b"


# --- prompts that are too long, and filters ---------------------------------------------------------


def sized(name: str, context: int | None, model: str = "") -> Endpoint:
    made = endpoint(name, context_length=context)
    return replace(made, model=model or made.model)


async def test_a_prompt_that_is_too_long_goes_on_to_larger_contexts_only(world: World) -> None:
    targets = [sized("a", 8_000), sized("small", 8_000), sized("smaller", 4_000), sized("large", 32_000)]
    world.answers("a", ContextTooLong("9000 tokens", provider_status=400))
    world.answers("large", Overloaded("full"))
    world.answers("unknown", FakeResponse())
    assert await ask(world, route(*targets, sized("unknown", None))) == "unknown"
    assert world.asked == ["a", "large", "unknown"]


async def test_the_same_model_is_not_asked_again_where_its_context_is_not_known(world: World) -> None:
    world.answers("a", ContextTooLong("9000 tokens", provider_status=400))
    error = await refused(world, route(sized("a", None, "acme/m"), sized("b", None, "acme/m")))
    assert isinstance(error, ContextTooLong)
    assert world.asked == ["a"]


async def test_a_filter_ends_the_call_with_its_reason_unless_the_route_says_otherwise(world: World) -> None:
    world.answers("a", ContentFiltered("violence", provider_status=400), ContentFiltered("violence"))
    error = await refused(world, route(A, B))
    assert (error.code, error.message) == ("content_filter", "violence")
    world.answers("b", FakeResponse())
    assert await ask(world, replace(route(A, B), on_refusal="next")) == "b"


# --- an answer that is not streamed -----------------------------------------------------------------


async def test_an_answer_in_one_piece_may_take_half_of_the_time_while_others_are_left(world: World) -> None:
    world.answers("a", later(UpstreamTimeout("timeout"), 300))
    world.answers("b", later(UpstreamTimeout("timeout"), 150))
    world.answers("c", FakeResponse())
    assert await ask(world, route(A, B, C)) == "c"
    assert [sent.deadline - 1000 for sent in world.sent] == [300, 450, 600]


async def test_a_stream_has_limits_of_its_own_and_all_of_the_time(world: World) -> None:
    world.answers("a", FakeResponse(STREAM))
    answer = await world.attempts().answer(exchange(world, stream=True), plane(), route(A, B))
    assert isinstance(answer, Stream)
    answer.close()
    assert [sent.deadline - 1000 for sent in world.sent] == [600]
