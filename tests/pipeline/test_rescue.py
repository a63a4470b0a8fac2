"""Streams that break off: who goes on, what is asked, and where nobody does."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pipeline.breaking import (
    CLAUDE,
    FIRST,
    HEAD,
    NEWEST,
    A,
    B,
    C,
    ask,
    booked,
    claude,
    cut,
    parts,
    read,
    rescuing,
    rest,
    said,
    streaming,
)
from tests.pipeline.world import DONE, FakeResponse, World, delta, event, plane, route

from sekisho.core.error import (
    ContentFiltered,
    Malformed,
    Overloaded,
    ProviderRejected,
    Throttled,
    Truncated,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.core.exchange import Exchange
from sekisho.core.message import Text, ToolCall
from sekisho.core.route import Route
from sekisho.pipeline.continued import TURN
from sekisho.pipeline.rescue import KEPT_REQUEST
from sekisho.wire import json

BREAKS = (
    cut(),
    UpstreamTimeout("silence"),
    Malformed("nonsense"),
    Overloaded("full"),
    Throttled("too many", retry_after=60),
    b"data: {broken\n\n",
    event(error={"message": "it failed", "code": 500}),
    delta("in Hakone").replace(b'"finish_reason":null', b'"finish_reason":"error"'),
    b"",
)


@pytest.mark.parametrize("failure", BREAKS, ids=lambda each: type(each).__name__)
async def test_a_stream_that_breaks_off_is_gone_on_with_by_the_next_target(
    world: World, failure: Any
) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, *([failure] if failure else [])]))
    world.answers("b", rest("Hakone", "."))
    reply = await ask(world, call, route(A, B, attempts=1))
    assert said(reply) == "The gate stands in Hakone."
    assert (reply.id, reply.model) == ("chatcmpl-1", "m")
    assert world.asked == ["a", "b"]
    messages = world.sent[1].members["messages"]
    assert messages[1:] == [
        {"role": "assistant", "content": "The gate stands in "},
        {"role": "user", "content": TURN},
    ]


async def test_events_in_the_same_piece_before_the_broken_one_are_neither_lost_nor_said_twice(
    world: World,
) -> None:
    world.answers("a", FakeResponse([HEAD, delta("The gate ") + delta("stands in ") + b"data: {broken\n\n"]))
    world.answers("b", rest("Hakone."))
    assert said(await ask(world, streaming(world), route(A, B))) == "The gate stands in Hakone."
    assert world.sent[1].members["messages"][1]["content"] == "The gate stands in "


async def test_the_tail_that_a_target_repeats_is_said_once(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", rest("The gate sta", "nds in Ha", "kone."))
    assert said(await ask(world, streaming(world), route(A, B))) == "The gate stands in Hakone."


async def test_a_target_that_takes_a_prefill_gets_one_without_white_space_at_its_end(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("claude", claude(" Hako", "ne."))
    reply = await ask(world, streaming(world), route(A, CLAUDE))
    assert said(reply) == "The gate stands in Hakone."
    last = world.sent[1].members["messages"][-1]
    assert last == {"role": "assistant", "content": "The gate stands in"}


async def test_a_model_that_takes_no_prefill_is_asked_in_a_turn(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("claude", claude("Hakone."))
    assert said(await ask(world, streaming(world), route(A, NEWEST))) == "The gate stands in Hakone."
    assert world.sent[1].members["messages"][-1] == {"role": "user", "content": TURN}


async def test_thinking_models_are_not_prefilled(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("claude", claude("Hakone."))
    await ask(world, streaming(world, reasoning_effort="low"), route(A, CLAUDE))
    assert world.sent[1].members["messages"][-1]["role"] == "user"


async def test_a_target_that_refuses_its_prefill_is_asked_in_a_turn(world: World) -> None:
    refusal = json.encode(
        {"type": "error", "error": {"type": "invalid_request_error", "message": "no prefill"}}
    )
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("claude", FakeResponse([refusal], status=400), claude("Hakone."))
    call = streaming(world)
    assert said(await ask(world, call, route(A, CLAUDE))) == "The gate stands in Hakone."
    assert [attempt.code for attempt in call.attempts] == ["upstream_truncated", "upstream_rejected", None]
    assert world.sent[2].members["messages"][-1]["role"] == "user"


async def test_a_mistral_is_told_that_the_message_is_a_prefix(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", rest("The gate stands in Hakone."))
    mistral = replace(B, quirks=("continues_prefix",))
    assert said(await ask(world, streaming(world), route(A, mistral))) == "The gate stands in Hakone."
    assert world.sent[1].members["messages"][-1] == {
        "role": "assistant",
        "content": "The gate stands in",
        "prefix": True,
    }


async def test_a_client_that_began_the_answer_itself_has_it_gone_on_with_whole(world: World) -> None:
    begun = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Well: "}]
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", rest("Hakone."))
    assert (
        said(await ask(world, streaming(world, messages=begun), route(A, B))) == "The gate stands in Hakone."
    )
    assert world.sent[1].members["messages"][1]["content"] == "Well: The gate stands in "


async def test_one_stream_is_gone_on_with_as_often_as_targets_are_left(world: World) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", FakeResponse([HEAD, delta("Hako"), cut()]))
    world.answers("c", rest("ne."))
    assert said(await ask(world, call, route(A, B, C))) == "The gate stands in Hakone."
    assert world.sent[2].members["messages"][1]["content"] == "The gate stands in Hako"
    record = booked(world, call)
    assert [attempt.code for attempt in record.attempts] == ["upstream_truncated", "upstream_truncated", None]
    assert all(attempt.usage is not None for attempt in record.attempts)


async def test_a_tool_may_be_called_after_the_text(world: World) -> None:
    called = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    chunk = event(choices=[{"index": 0, "delta": {"tool_calls": [called]}, "finish_reason": None}])
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", FakeResponse([HEAD, delta("Hakone."), chunk, delta(finish="tool_calls"), DONE]))
    reply = await ask(world, streaming(world), route(A, B))
    text, call = parts(reply)
    assert (text, isinstance(call, ToolCall)) == (Text(text="The gate stands in Hakone."), True)
    assert reply.choices[0].finish.reason == "tool_calls"


async def test_thinking_before_it_goes_on_is_not_shown(world: World) -> None:
    thought = event(
        choices=[{"index": 0, "delta": {"reasoning_content": "Where was I?"}, "finish_reason": None}]
    )
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", FakeResponse([HEAD, thought, delta("Hakone."), delta(finish="stop"), DONE]))
    assert parts(await ask(world, streaming(world), route(A, B))) == (
        Text(text="The gate stands in Hakone."),
    )


# --- where nobody goes on ---------------------------------------------------------------------------

TOOL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{"}}
SAYS = {
    "calls a tool": [event(choices=[{"index": 0, "delta": {"tool_calls": [TOOL]}, "finish_reason": None}])],
    "refuses": [event(choices=[{"index": 0, "delta": {"refusal": "I can't"}, "finish_reason": None}])],
}
ASKS: dict[str, dict[str, Any]] = {
    "several answers": {"n": 2},
    "JSON": {"response_format": {"type": "json_object"}},
    "a schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
    "log probabilities": {"logprobs": True},
    "sound": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    "what is long": {"messages": [{"role": "user", "content": "x" * KEPT_REQUEST}]},
}


async def broken_off(world: World, call: Exchange, targets: Route) -> UpstreamError:
    """The error that its client is told, while others were not even asked."""
    with pytest.raises(UpstreamError) as raised:
        await read(await world.attempts().answer(call, plane(), targets))
    assert world.asked == ["a"]
    assert booked(world, call, "interrupted").attempts[0].usage is None
    return raised.value


@pytest.mark.parametrize("said_then", SAYS)
async def test_what_is_more_than_text_is_not_gone_on_with(world: World, said_then: str) -> None:
    world.answers("a", FakeResponse([*FIRST, *SAYS[said_then], cut()]))
    assert isinstance(await broken_off(world, streaming(world), route(A, B)), Truncated)


@pytest.mark.parametrize("asked", ASKS)
async def test_who_asks_for_more_than_text_is_told(world: World, asked: str) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    assert isinstance(await broken_off(world, streaming(world, **ASKS[asked]), route(A, B)), Truncated)


async def test_a_filter_that_cuts_an_answer_off_is_the_last_word(world: World) -> None:
    filtered = ContentFiltered("not this")
    world.answers("a", FakeResponse([*FIRST, filtered]))
    assert await broken_off(world, streaming(world), route(A, B)) is filtered


async def test_a_route_may_have_its_streams_left_alone(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    assert isinstance(await broken_off(world, streaming(world), rescuing("error", A, B)), Truncated)


async def test_a_route_may_forbid_texts_by_two_models(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    assert isinstance(await broken_off(world, streaming(world), rescuing("restart", A, B)), Truncated)


async def test_nobody_is_asked_when_no_time_is_left(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()], gap=300.0))
    assert isinstance(await broken_off(world, streaming(world), route(A, B)), Truncated)


@pytest.mark.parametrize("how", ["continue", "restart"])
async def test_what_has_no_text_yet_begins_anew(world: World, how: Any) -> None:
    thought = event(choices=[{"index": 0, "delta": {"reasoning_content": "Hm."}, "finish_reason": None}])
    world.answers("a", FakeResponse([HEAD, thought, delta("\n"), cut()]))
    world.answers("b", rest("\nHakone."))
    reply = await ask(world, streaming(world), rescuing(how, A, B))
    assert said(reply) == "\nHakone."
    assert len(world.sent[1].members["messages"]) == 1


async def test_if_nobody_can_go_on_the_client_is_told_what_happened_first(world: World) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", Overloaded("full"))
    world.answers("c", ProviderRejected("too odd", provider_status=400))
    with pytest.raises(Truncated) as raised:
        await read(await world.attempts().answer(call, plane(), route(A, B, C, attempts=1)))
    assert type(raised.value) is Truncated
    record = booked(world, call, "interrupted")
    assert [attempt.code for attempt in record.attempts] == [
        "upstream_truncated",
        "upstream_overloaded",
        "upstream_rejected",
    ]
    assert (record.provider, record.upstream_id, record.finish) == ("a", "chatcmpl-1", None)
    assert record.usage is not None
    assert record.cost == record.usage.input * 1000 + record.usage.output * 2000
    assert all(attempt.usage is None for attempt in record.attempts)


async def test_who_leaves_while_others_are_asked_pays_for_what_it_got(world: World, monkeypatch: Any) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    answer = await world.attempts().answer(call, plane(), route(A, B))

    async def leave(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "send", leave)
    with pytest.raises(KeyboardInterrupt):
        await read(answer)
    record = booked(world, call, "cancelled")
    assert record.provider == "a"
    assert record.usage is not None
    assert record.usage.output > 0


async def test_a_broken_target_is_told_to_the_board_and_the_next_streams_avoid_it(world: World) -> None:
    for _ in range(8):
        world.answers("a", FakeResponse([*FIRST, cut()]))
        world.answers("b", rest("Hakone."))
        world.sent.clear()
        assert said(await ask(world, streaming(world), route(A, B))) == "The gate stands in Hakone."
        if world.board.is_broken(A.id):
            break
    assert world.board.is_broken(A.id)
    assert world.board.of(A.id).inflight == world.board.of(B.id).inflight == 0
