"""What planning is told of a call, whatever dialect it came in."""

from typing import Any

import pytest
from tests.pipeline.world import CHAT, MESSAGES, USER, World, endpoint, exchange, route

from sekisho.core.contract import Dialect
from sekisho.core.exchange import Exchange
from sekisho.core.preference import NONE, Preferences
from sekisho.core.provider import ModelFacts
from sekisho.core.route import Route
from sekisho.dialects import gemini_generate
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.ask import ask_of
from sekisho.routing.ask import PLAIN, Ask
from sekisho.wire import json

STICKY = Preferences(select="sticky", require_parameters=True)
SAID = [{"role": "user", "parts": [{"text": "?"}]}]
PAIR = route(endpoint("a"), endpoint("b"))


def asked(call: Exchange, where: Route = PAIR, prefer: Preferences = STICKY) -> Ask:
    return ask_of(call, where, prefer, Tokens())


def test_a_route_of_one_target_is_told_nothing(world: World) -> None:
    assert asked(exchange(world, max_tokens=5), route(endpoint("a")), NONE) is PLAIN


@pytest.mark.parametrize(
    ("dialect", "members", "maximum", "parameters"),
    [
        (CHAT, {"max_completion_tokens": 9, "seed": 1, "user": "u"}, 9, {"max_tokens", "seed"}),
        (CHAT, {"max_tokens": 9, "temperature": None}, 9, {"max_tokens"}),
        (MESSAGES, {"max_tokens": 9, "stop_sequences": ["x"]}, 9, {"max_tokens", "stop"}),
        (
            gemini_generate.DIALECT,
            {"contents": SAID, "generationConfig": {"maxOutputTokens": 9, "topK": 4, "unheardOf": 1}},
            9,
            {"max_tokens", "top_k"},
        ),
        (CHAT, {"max_tokens": 0}, None, {"max_tokens"}),
    ],
)
def test_parameters_are_named_in_openais_words(
    world: World, dialect: Dialect, members: dict[str, Any], maximum: int | None, parameters: set[str]
) -> None:
    found = asked(exchange(world, dialect=dialect, **members))
    assert (found.max_tokens, found.parameters) == (maximum, parameters)


# --- what the prompt holds --------------------------------------------------------------------------


def seeing(*modalities: str) -> ModelFacts:
    return ModelFacts(id="acme/m", name="m", input_modalities=("text", *modalities))


MIXED = route(endpoint("eyes", facts=seeing("image", "file")), endpoint("blind", facts=seeing()))


@pytest.mark.parametrize(
    ("content", "modalities"),
    [
        ("no image here", {"text"}),
        ('{"type": "image_url"}', {"text"}),
        ([{"type": "image_url", "image_url": {"url": "https://h.test/x.png"}}], {"text", "image"}),
        ([{"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}], {"text", "file"}),
        ([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}], {"text", "audio"}),
    ],
)
def test_modalities_are_what_the_prompt_really_holds(
    world: World, content: Any, modalities: set[str]
) -> None:
    call = exchange(world, messages=[{"role": "user", "content": content}])
    assert asked(call, MIXED).modalities == modalities


def test_the_word_image_in_a_tools_schema_is_none(world: World) -> None:
    schema = {"type": "object", "properties": {"image": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "show", "parameters": schema}}]
    assert asked(exchange(world, tools=tools), MIXED).modalities == {"text"}


def test_a_prompt_is_counted_only_where_it_may_not_fit(world: World) -> None:
    small, large = endpoint("small", context_length=1_000), endpoint("large", context_length=100_000)
    short = exchange(world)
    assert asked(short, route(small, large)).prompt_tokens == len(short.body) // 4
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}}
    heavy = exchange(world, messages=[{"role": "user", "content": [picture]}])
    assert asked(heavy, route(small, large)).prompt_tokens == Tokens().estimate(heavy.members, small)
    assert asked(heavy, route(large, large)).prompt_tokens == len(heavy.body) // 4


# --- sessions ---------------------------------------------------------------------------------------

TURN = [*USER, {"role": "assistant", "content": "Hakone."}, {"role": "user", "content": "そして"}]


@pytest.mark.parametrize(
    "members",
    [
        {"session_id": "s-1"},
        {"prompt_cache_key": "s-1"},
        {"metadata": {"user_id": "s-1"}},
    ],
)
def test_a_session_is_what_the_client_calls_it(world: World, members: dict[str, Any]) -> None:
    named = asked(exchange(world, headers=[(b"x-session-id", b"s-1")], messages=TURN)).session
    assert asked(exchange(world, **members)).session == named
    assert asked(exchange(world, session_id="s-2")).session != named


def test_a_conversation_without_a_name_is_known_by_its_beginning(world: World) -> None:
    first = asked(exchange(world, messages=USER)).session
    assert first is not None
    assert asked(exchange(world, messages=TURN)).session == first
    assert asked(exchange(world, messages=TURN[1:])).session != first
    system = {"role": "system", "content": "You keep the gate."}
    assert asked(exchange(world, messages=[system, *TURN])).session != first


def test_marks_for_prompt_caches_wander_without_moving_a_session(world: World) -> None:
    def turn(*marked: bool) -> list[dict[str, Any]]:
        mark = {"cache_control": {"type": "ephemeral"}}
        said = [
            {"type": "text", "text": f"turn {at}", **(mark if has else {})} for at, has in enumerate(marked)
        ]
        return [
            {"role": "user" if at % 2 == 0 else "assistant", "content": [each]}
            for at, each in enumerate(said)
        ]

    one = asked(exchange(world, dialect=MESSAGES, messages=turn(True)))
    three = asked(exchange(world, dialect=MESSAGES, messages=turn(False, False, True)))
    assert one.session == three.session


@pytest.mark.parametrize(
    "members",
    [
        {"messages": "text"},
        {"messages": [4]},
        {"metadata": 4},
        {"session_id": ""},
        {"metadata": {"user_id": []}},
        {"max_tokens": True},
        {"generationConfig": [], "inferenceConfig": None},
    ],
)
def test_odd_members_are_the_providers_to_refuse(world: World, members: dict[str, Any]) -> None:
    call = exchange(world)
    call.members |= json.members(json.encode(members))
    found = asked(call)
    assert found.max_tokens is None
    assert found.session is not None
