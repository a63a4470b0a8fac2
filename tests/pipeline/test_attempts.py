"""In which order targets are tried, what is tried again, how long is waited, and when it ends."""

import pytest
from tests.pipeline.world import (
    COMMENT,
    DONE,
    MESSAGES,
    STREAM,
    FakeResponse,
    World,
    delta,
    endpoint,
    event,
    exchange,
    later,
    plane,
    route,
)

from sekisho.core.error import (
    LoopDetected,
    Overloaded,
    ProviderFailed,
    ProviderRejected,
    SekishoError,
    Throttled,
    Truncated,
    Unreachable,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.route import Route, Timeouts
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.answer import Stream, Whole
from sekisho.pipeline.meter import record_call
from sekisho.wire import json

A, B, C = endpoint("a"), endpoint("b"), endpoint("c")
CLAUDE = endpoint("claude", dialect="anthropic_messages")


async def whole(world: World, call: Exchange, where: Route) -> bytes:
    answer = await world.attempts().answer(call, plane(), where)
    assert isinstance(answer, Whole)
    return answer.body


async def stream(world: World, call: Exchange, where: Route) -> Stream:
    answer = await world.attempts().answer(call, plane(), where)
    assert isinstance(answer, Stream)
    return answer


async def failure(world: World, call: Exchange, where: Route) -> SekishoError:
    with pytest.raises(SekishoError) as caught:
        await world.attempts().answer(call, plane(), where)
    return caught.value


# --- order ------------------------------------------------------------------------------------------


async def test_the_first_target_that_answers_is_the_last_that_is_asked(world: World) -> None:
    world.answers("a", Truncated("cut"))
    world.answers("b", FakeResponse())
    call = exchange(world)
    assert b"Hakone." in await whole(world, call, route(A, B, C))
    assert world.asked == ["a", "b"]
    assert call.endpoint is B
    assert call.facts.usage is not None
    assert [(each.provider, each.code) for each in call.attempts] == [
        ("a", "upstream_truncated"),
        ("b", None),
    ]


@pytest.mark.parametrize("error", [Unreachable("refused"), ProviderFailed("500")])
async def test_a_failure_that_may_pass_is_tried_again_at_the_same_target(
    world: World, error: UpstreamError
) -> None:
    world.answers("a", error, error, error)
    world.answers("b", FakeResponse())
    await whole(world, exchange(world), route(A, B, attempts=3))
    assert world.asked == ["a", "a", "a", "b"]


async def test_a_full_target_is_left_at_once_while_another_one_is_there(world: World) -> None:
    world.answers("a", Throttled("slow down", retry_after=9))
    world.answers("b", Overloaded("full"))
    world.answers("c", Throttled("slow down", retry_after=5), FakeResponse())
    await whole(world, exchange(world), route(A, B, C))
    assert world.asked == ["a", "b", "c", "c"]
    assert world.waits == [5]


async def test_a_request_that_is_wrong_is_asked_once(world: World) -> None:
    world.answers("a", FakeResponse([b'{"error":{"message":"bad temperature"}}'], status=400))
    error = await failure(world, exchange(world), route(A, B))
    assert isinstance(error, ProviderRejected)
    assert error.rejected_status == 400
    assert world.asked == ["a"]


async def test_the_last_failure_names_its_provider_and_all_attempts(world: World) -> None:
    world.answers("a", ProviderFailed("500"), ProviderFailed("500"))
    world.answers("b", Truncated("cut"))
    error = await failure(world, exchange(world), route(A, B))
    assert isinstance(error, UpstreamError)
    assert (error.provider, error.attempts) == ("b", 3)


# --- waiting ----------------------------------------------------------------------------------------


async def test_a_providers_wait_is_never_shortened_and_a_longer_one_than_is_left_not_begun(
    world: World,
) -> None:
    patient = route(A, timeouts=Timeouts(total=10))
    world.answers("a", Throttled("slow down", retry_after=9), FakeResponse())
    await whole(world, exchange(world), patient)
    assert world.waits == [9]
    world.answers("a", Throttled("slow down", retry_after=11))
    error = await failure(world, exchange(world), patient)
    assert error.retry_after == 11
    assert world.waits == [9]


async def test_nothing_is_tried_after_the_total_limit(world: World) -> None:
    world.answers("a", later(UpstreamTimeout("first byte"), 6))
    world.answers("b", later(UpstreamTimeout("first byte"), 6))
    call = exchange(world, stream=True)
    await failure(world, call, route(A, B, C, timeouts=Timeouts(total=10)))
    assert world.asked == ["a", "b"]
    assert {sent.deadline for sent in world.sent} == {call.began + 10}


async def test_a_whole_answer_is_bound_by_the_total_limit_alone(world: World) -> None:
    world.answers("a", FakeResponse())
    await whole(world, exchange(world), route(A, timeouts=Timeouts(first_token=1, idle=1, total=50)))
    assert (world.sent[0].timeouts.first_token, world.sent[0].timeouts.idle) == (50, 50)


# --- what a target cannot say -----------------------------------------------------------------------

AUDIO = [
    {
        "role": "user",
        "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}],
    }
]


async def test_a_target_that_cannot_express_the_request_is_passed_over(world: World) -> None:
    world.answers("b", FakeResponse())
    call = exchange(world, messages=AUDIO)
    await whole(world, call, route(CLAUDE, B))
    assert world.asked == ["b"]
    assert [each.provider for each in call.attempts] == ["b"]


async def test_a_request_that_no_target_can_express_is_refused_with_its_field(world: World) -> None:
    error = await failure(world, exchange(world, messages=AUDIO), route(CLAUDE))
    assert isinstance(error, Unsupported)
    assert error.param == "messages.0.parts.0"
    assert world.asked == []


async def test_a_failure_outweighs_what_another_target_cannot_express(world: World) -> None:
    world.answers("b", Truncated("cut"))
    for where in (route(CLAUDE, B), route(B, CLAUDE)):
        world.answers("b", Truncated("cut"))
        call = exchange(world, messages=AUDIO)
        error = await failure(world, call, where)
        assert isinstance(error, Truncated)
        assert call.endpoint is B


async def test_dropped_knobs_are_those_of_the_target_that_answered(world: World) -> None:
    picky = endpoint("picky", quirks=("no_logprobs",))
    world.answers("claude", Truncated("cut"))
    world.answers("picky", FakeResponse())
    call = exchange(world, seed=7, logprobs=True)
    await whole(world, call, route(CLAUDE, picky))
    assert call.dropped == ("logprobs",)
    assert world.sent[1].members["seed"] == 7
    assert "logprobs" not in world.sent[1].members


async def test_an_address_that_cannot_be_called_is_a_targets_failure(world: World) -> None:
    call = exchange(world)
    answer = world.attempts().answer(call, plane({"http_proxy": "socks5://localhost:1080"}), route(A))
    with pytest.raises(UpstreamError, match="proxy must be"):
        await answer
    assert [each.provider for each in call.attempts] == ["a"]


# --- streams ----------------------------------------------------------------------------------------


async def read(opened: Stream) -> bytes:
    pieces = [opened.first]
    while not opened.relay.complete:
        pieces.append(opened.take(await opened.response.chunk()))
    return b"".join(pieces)


@pytest.mark.parametrize(
    "pieces",
    [
        [event(error={"message": "overloaded", "code": 503})],
        [COMMENT, event(error={"message": "overloaded", "code": 503})],
        [delta("Hako") + event(error={"message": "overloaded", "code": 503})],
        [Truncated("cut")],
        [],
        [COMMENT],
        [b'{"error":{"message":"no streams here"}}'],
        [b"<html>\n\n</html>"],
        [b"data: {broken\n\n"],
    ],
    ids=["error", "comment, error", "both at once", "cut", "empty", "comment", "json", "html", "malformed"],
)
async def test_what_fails_before_the_first_event_is_out_is_invisible(
    world: World, pieces: list[bytes | UpstreamError]
) -> None:
    failing = FakeResponse(pieces)
    world.answers("a", failing, failing)
    world.answers("b", FakeResponse(STREAM))
    call = exchange(world, stream=True, stream_options={"include_usage": True})
    opened = await stream(world, call, route(A, B, attempts=1))
    assert await read(opened) == b"".join(STREAM)
    assert failing.closed
    assert not opened.response.closed  # type: ignore[attr-defined]
    assert call.facts.usage is not None


async def test_comments_do_not_put_off_the_limit_of_the_first_token(world: World) -> None:
    world.answers("a", FakeResponse([COMMENT] * 100, gap=2))
    world.answers("b", FakeResponse(STREAM))
    call = exchange(world, stream=True)
    await stream(world, call, route(A, B, timeouts=Timeouts(first_token=5)))
    assert [each.code for each in call.attempts] == ["upstream_timeout", None]
    assert world.time < 1010


async def test_a_provider_that_goes_on_after_the_end_is_left(world: World) -> None:
    endless = FakeResponse([*STREAM, *[COMMENT] * 1000], gap=0.5)
    world.answers("a", endless)
    opened = await stream(world, exchange(world, stream=True), route(A))
    await read(opened)
    began = world.time
    await opened.settle()
    assert endless.closed
    assert world.time - began < 5


async def test_a_stream_does_not_keep_a_large_request_but_what_it_may_cost(world: World) -> None:
    large = [{"role": "user", "content": "関所" * 10_000}]
    call = exchange(world, stream=True, messages=large)
    tokens = Tokens()
    estimate = tokens.estimate(call.members, A)
    world.answers("a", FakeResponse([delta("Hako"), Truncated("cut")]))
    await stream(world, call, route(A))
    assert (call.body, call.members) == (b"", {})
    record = record_call(call, tokens, status=200, outcome="interrupted", error_code=None, now=world.time)
    assert record.usage is not None
    assert record.usage.input == estimate


async def test_the_last_event_may_lack_its_blank_line(world: World) -> None:
    world.answers("a", FakeResponse([*STREAM[:-1], b"data: [DONE]"]))
    opened = await stream(world, exchange(world, stream=True), route(A))
    assert (await read(opened)).endswith(b"data: [DONE]\n\n")


async def test_a_stream_without_its_end_is_truncated_unless_the_provider_is_known_for_it(
    world: World,
) -> None:
    world.answers("a", FakeResponse(STREAM[:-1]))
    with pytest.raises(Truncated):
        await read(await stream(world, exchange(world, stream=True), route(A)))
    known = endpoint("a", quirks=("no_done",))
    world.answers("a", FakeResponse(STREAM[:-1]))
    assert (await read(await stream(world, exchange(world, stream=True), route(known)))).endswith(DONE)
    world.answers("a", FakeResponse(STREAM[:1]))
    with pytest.raises(Truncated):
        await read(await stream(world, exchange(world, stream=True), route(known)))


# --- answers without success ------------------------------------------------------------------------


async def test_a_refusal_whose_words_are_cut_off_is_still_that_refusal(world: World) -> None:
    headers = [(b"retry-after", b"3")]
    cut = FakeResponse([b'{"error":', Truncated("cut")], status=429, headers=headers)
    world.answers("a", cut, FakeResponse())
    await whole(world, exchange(world), route(A))
    assert world.waits == [3]
    assert cut.closed


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_not_followed(world: World, status: int) -> None:
    world.answers("a", FakeResponse([b""], status=status, headers=[(b"location", b"http://elsewhere.test/")]))
    call = exchange(world)
    assert (await failure(world, call, route(A))).code == "upstream_malformed"
    assert call.attempts[0].status == status


async def test_a_loop_that_a_gateway_further_on_found_ends_the_call(world: World) -> None:
    """Trying again, or elsewhere, at every gateway of the loop would multiply the calls."""
    world.answers("a", FakeResponse([b"{}"], status=508))
    assert isinstance(await failure(world, exchange(world), route(A, B)), LoopDetected)
    assert world.asked == ["a"]


async def test_every_request_says_how_many_gateways_it_came_through(world: World) -> None:
    world.answers("a", FakeResponse(), FakeResponse())
    call = exchange(world)
    await whole(world, call, route(A))
    call = exchange(world)
    call.hops = 3
    await whole(world, call, route(A))
    assert [
        b"x-sekisho-hops: %d\r\n" % hops in sent.head for hops, sent in zip((1, 4), world.sent, strict=True)
    ]


# --- counting tokens --------------------------------------------------------------------------------


async def test_tokens_are_counted_here_where_the_provider_cannot(world: World) -> None:
    call = exchange(world, dialect=MESSAGES, operation=Operation.COUNT_TOKENS)
    body = await whole(world, call, route(A))
    assert json.decode(body)["input_tokens"] > 0
    assert world.asked == []
    assert call.attempts == []


async def test_counting_tokens_is_never_a_stream(world: World) -> None:
    world.answers("claude", FakeResponse([b'{"input_tokens":12}']))
    call = exchange(world, dialect=MESSAGES, operation=Operation.COUNT_TOKENS, stream=True)
    assert await whole(world, call, route(CLAUDE)) == b'{"input_tokens":12}'
    assert b"/messages/count_tokens " in world.sent[0].head
