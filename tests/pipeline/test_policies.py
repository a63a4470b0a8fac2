"""What routes and endpoints say of a request, on its way to a provider of its own dialect and of another."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pipeline.world import (
    ANSWER,
    CHAT,
    DIALECTS,
    MESSAGES,
    STREAM,
    USER,
    FakeResponse,
    World,
    endpoint,
    exchange,
    plane,
    route,
)

from sekisho.core.contract import TokenCounting
from sekisho.core.error import (
    BodyTooLarge,
    ProviderAuthFailed,
    SekishoError,
    Throttled,
    Truncated,
    Unsupported,
    UpstreamError,
)
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.provider import BodyEdit, Endpoint
from sekisho.core.route import Route, Snapshot
from sekisho.metering.tokens import Tokens
from sekisho.pipeline import call as calls
from sekisho.pipeline import provenance
from sekisho.pipeline.answer import Stream, Whole
from sekisho.pipeline.prepare import Plane
from sekisho.wire import json, pointer

A = endpoint("a")
CLAUDE = endpoint("claude", dialect="anthropic_messages")
MESSAGE = json.encode(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hakone?", "signature": "c2lnbmF0dXJl"},
            {"type": "redacted_thinking", "data": "c2VjcmV0"},
            {"type": "text", "text": "Hakone."},
        ],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }
)


async def whole(world: World, call: Exchange, where: Route) -> Any:
    answer = await world.attempts().answer(call, plane(), where)
    assert isinstance(answer, Whole)
    return json.decode(answer.body)


async def failure(world: World, call: Exchange, where: Route) -> SekishoError:
    with pytest.raises(SekishoError) as caught:
        await world.attempts().answer(call, plane(), where)
    return caught.value


def edits(**values: Any) -> tuple[BodyEdit, ...]:
    """`a__b=1` sets /a/b, None deletes."""
    return tuple(
        BodyEdit(tuple(name.split("__")), None if value is None else json.raw(value))
        for name, value in values.items()
    )


# --- losses -----------------------------------------------------------------------------------------

AUDIO = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
SPOKEN = [{"role": "user", "content": [{"type": "text", "text": "Listen"}, AUDIO, AUDIO]}]


async def test_content_that_a_target_cannot_say_is_refused_with_every_field(world: World) -> None:
    error = await failure(world, exchange(world, messages=SPOKEN, seed=1), route(CLAUDE))
    assert isinstance(error, Unsupported)
    assert error.status == 422
    assert "messages.0.parts.1" in error.message
    assert "messages.0.parts.2" in error.message
    assert "seed" not in error.message


async def test_a_route_may_allow_content_to_be_dropped_and_names_it(world: World) -> None:
    world.answers("claude", FakeResponse([MESSAGE]))
    call = exchange(world, messages=SPOKEN, seed=1)
    await whole(world, call, replace(route(CLAUDE), on_loss="drop"))
    assert set(call.dropped) == {"messages.0.parts.1", "messages.0.parts.2", "sampling.seed"}
    assert world.sent[0].members["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Listen"}]}
    ]


# --- edits of the body ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [A, CLAUDE], ids=["spliced", "translated"])
async def test_edits_are_made_last_those_of_the_endpoint_first(world: World, target: Endpoint) -> None:
    picky = replace(target, quirks=("no_logprobs",), extra_body=edits(user=None, logprobs=1, level=1, x__y=1))
    world.answers(target.provider.name, FakeResponse([ANSWER if target is A else MESSAGE]))
    call = exchange(world, user="u", metadata={"user_id": "u"})
    where = route(picky)
    where = replace(where, targets=(replace(where.targets[0], extra_body=edits(level=2, metadata=None)),))
    await whole(world, call, where)
    sent = world.sent[0].members
    assert {name: sent.get(name) for name in ("logprobs", "level", "x")} == {
        "logprobs": 1,
        "level": 2,
        "x": {"y": 1},
    }
    assert not {"user", "metadata"} & sent.keys()


async def test_values_that_no_edit_concerns_keep_their_bytes(world: World) -> None:
    call = exchange(world)
    call.body = (
        b'{"model": "acme/model", "temperature": 1.50, "messages": [ {"role":"user", "content":"\\u95a2"} ]}'
    )
    call.members = json.members(call.body)
    world.answers("a", FakeResponse())
    await whole(world, call, route(replace(A, extra_body=edits(store=False))))
    assert world.sent[0].body == (
        b'{"model":"m","temperature":1.50,"messages":[ {"role":"user", "content":"\\u95a2"} ],"store":false}'
    )


async def test_an_edit_that_does_not_fit_is_the_targets_failure(world: World) -> None:
    wrong = replace(A, extra_body=(BodyEdit(pointer.parse("/messages/0/content/-"), json.raw({})),))
    world.answers("b", FakeResponse())
    call = exchange(world)
    await whole(world, call, route(wrong, endpoint("b")))
    assert world.asked == ["b"]
    error = await failure(world, exchange(world), route(wrong))
    assert isinstance(error, UpstreamError)
    assert "extra_body does not fit this request: /messages/0/content/- leads through" in error.message
    assert (error.status, error.provider) == (502, "a")


# --- prompt-cache marks -----------------------------------------------------------------------------

MARK = {"cache_control": {"type": "ephemeral"}, "max_tokens": 9}


async def test_marks_pass_as_the_client_set_them_unless_the_route_says_otherwise(world: World) -> None:
    for policy, marks in (("pass", 1), ("auto", 1), ("off", 0)):
        world.answers("claude", FakeResponse([MESSAGE]))
        call = exchange(world, dialect=MESSAGES, **MARK)
        await whole(world, call, replace(route(CLAUDE), prompt_cache=policy))
        assert world.sent[-1].body.count(b"cache_control") == marks, policy


async def test_a_mark_is_placed_where_none_is(world: World) -> None:
    for dialect in (MESSAGES, CHAT):
        for policy, marks in (("pass", 0), ("auto", 1)):
            world.answers("claude", FakeResponse([MESSAGE]))
            call = exchange(world, dialect=dialect, max_tokens=9)
            await whole(world, call, replace(route(CLAUDE), prompt_cache=policy))
            assert world.sent[-1].body.count(b"cache_control") == marks, (dialect.name, policy)


async def test_marks_that_are_off_are_no_loss_where_they_cannot_be_said(world: World) -> None:
    for policy, named in (("pass", True), ("off", False)):
        for dialect, marked, target in ((MESSAGES, MARK, A), (CHAT, {"prompt_cache_key": "k"}, CLAUDE)):
            world.answers(target.provider.name, FakeResponse([ANSWER if target is A else MESSAGE]))
            call = exchange(world, dialect=dialect, **marked)
            await whole(world, call, replace(route(target), prompt_cache=policy))
            assert any("cache" in field for field in call.dropped) is named, (policy, dialect.name)


# --- signatures -------------------------------------------------------------------------------------


async def replayed(world: World, first: Exchange) -> list[Any]:
    """The messages of the next turn, after claude answered the first."""
    world.answers("claude", FakeResponse([MESSAGE]))
    answer = await whole(world, first, route(CLAUDE))
    said = answer["choices"][0]["message"]
    return [*USER, said, {"role": "user", "content": "And then?"}]


async def test_thinking_goes_back_to_who_thought_it_through_a_client_that_knows_nothing_of_it(
    world: World,
) -> None:
    turn = await replayed(world, exchange(world))
    world.answers("claude", FakeResponse([MESSAGE]))
    call = exchange(world, messages=turn, reasoning_effort="low")
    await whole(world, call, route(CLAUDE))
    assert world.sent[1].members["messages"][1]["content"] == json.decode(MESSAGE)["content"]
    assert not [field for field in call.dropped if field.startswith("messages")]


async def test_thinking_that_was_translated_does_not_reach_a_provider_of_the_clients_own_dialect(
    world: World,
) -> None:
    turn = await replayed(world, exchange(world))
    world.answers("a", FakeResponse())
    call = exchange(world, messages=turn, tools=[])
    await whole(world, call, route(A))
    assert provenance.MARK.encode() not in world.sent[1].body
    assert world.sent[1].members["messages"][1]["content"] == "Hakone."
    assert "messages.1.parts.1.signature" in call.dropped
    assert world.sent[1].members["model"] == "m"


async def test_a_gateway_further_on_gets_its_seals_as_they_are(world: World) -> None:
    turn = await replayed(world, exchange(world))
    world.answers("a", FakeResponse())
    await whole(world, exchange(world, messages=turn), route(replace(A, quirks=("opens_seals",))))
    assert world.sent[1].members["messages"] == turn


async def test_a_stream_with_opened_seals_shows_usage_to_those_alone_that_asked(world: World) -> None:
    turn = await replayed(world, exchange(world))
    for asked in (True, False):
        world.answers("a", FakeResponse(STREAM))
        options = {"stream_options": {"include_usage": True}} if asked else {}
        call = exchange(world, messages=turn, stream=True, **options)
        answer = await world.attempts().answer(call, plane(), route(A))
        assert isinstance(answer, Stream)
        assert world.sent[-1].members["stream_options"] == {"include_usage": True}
        body = answer.first
        while not answer.relay.complete:
            body += answer.take(await answer.response.chunk())
        assert (b"total_tokens" in body) is asked


# --- counting tokens --------------------------------------------------------------------------------

COUNTING = replace(
    CHAT,
    name="counting",
    upstream_path=lambda operation, _model, _stream: f"/{operation}",
    token_counting=TokenCounting(
        unwrap=CHAT.token_counting.unwrap,
        wrap=lambda body: json.encode({"prompt": json.decode(body)["messages"]}),
        read=CHAT.token_counting.read,
        write=CHAT.token_counting.write,
    ),
)
"""A dialect that counts, in another shape than Anthropic's."""
COUNTER = endpoint("counter", dialect="counting")


async def counted(world: World, where: Route) -> tuple[Any, Exchange]:
    call = exchange(world, dialect=MESSAGES, operation=Operation.COUNT_TOKENS)
    made = Plane(Snapshot(routes={}), {**DIALECTS, "counting": COUNTING}, {})
    answer = await world.attempts().answer(call, made, where)
    assert isinstance(answer, Whole)
    return json.decode(answer.body), call


async def test_a_count_is_asked_in_the_providers_shape_and_answered_in_the_clients(world: World) -> None:
    world.answers("counter", FakeResponse([b'{"input_tokens": 12}']))
    body, _ = await counted(world, route(COUNTER))
    assert body == {"input_tokens": 12}
    assert world.sent[0].members == {"prompt": USER}
    assert b"/count_tokens " in world.sent[0].head


@pytest.mark.parametrize(
    "answer",
    [
        Throttled("slow down", retry_after=5),
        Truncated("cut"),
        ProviderAuthFailed("no"),
        FakeResponse([b'{"error":{"message":"unknown path"}}'], status=404),
        FakeResponse([b'{"error":{"message":"bad"}}'], status=400),
        FakeResponse([b'{"total": 12}']),
        FakeResponse([b"<html>"]),
    ],
    ids=lambda answer: type(answer).__name__,
)
async def test_a_count_that_fails_is_estimated_at_once(
    world: World, answer: FakeResponse | UpstreamError
) -> None:
    world.answers("counter", answer)
    body, call = await counted(world, route(COUNTER))
    assert body == {"input_tokens": Tokens().count(call.members, call.endpoint)}
    assert [each.provider for each in call.attempts] == ["counter"]
    assert world.waits == []


async def test_a_count_that_fails_is_asked_of_the_next_target_first(world: World) -> None:
    world.answers("counter", Throttled("slow down"))
    world.answers("claude", FakeResponse([b'{"input_tokens":12}']))
    body, _ = await counted(world, route(COUNTER, CLAUDE))
    assert body == {"input_tokens": 12}


# --- several dialects below one address -------------------------------------------------------------


async def test_a_client_of_a_further_dialect_is_spliced_and_spared_the_quirks_of_the_first(
    world: World,
) -> None:
    both = replace(
        A,
        provider=replace(A.provider, also=("anthropic_messages",)),
        quirks=("max_completion_tokens", "no_penalties", "no_done", "developer_as_system"),
    )
    world.answers("a", FakeResponse([MESSAGE]), FakeResponse())
    call = exchange(world, dialect=MESSAGES, max_tokens=9)
    answer = await world.attempts().answer(call, plane(), route(both))
    assert isinstance(answer, Whole)
    assert answer.body == MESSAGE
    assert world.sent[0].members == {"model": "m", "messages": USER, "max_tokens": 9}
    assert world.sent[0].head.startswith(b"POST /v1/messages ")
    await whole(world, exchange(world, max_tokens=9), route(both))
    assert world.sent[1].members == {"model": "m", "messages": USER, "max_completion_tokens": 9}


# --- how much is translated -------------------------------------------------------------------------


async def test_a_body_of_countless_values_is_spliced_but_not_translated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_VALUES", 1000)
    many = [{"role": "user", "content": "a"}] * 1000
    error = await failure(world, exchange(world, messages=many), route(CLAUDE))
    assert isinstance(error, BodyTooLarge)
    assert "1000 JSON values" in error.message
    assert world.asked == []
    world.answers("a", FakeResponse())
    await whole(world, exchange(world, messages=many), route(CLAUDE, A))
    assert world.asked == ["a"]
    world.answers("claude", FakeResponse([MESSAGE]))
    long = [{"role": "user", "content": '{"a": [1, 2]}, ' * 1000}]
    await whole(world, exchange(world, messages=long), route(CLAUDE))
