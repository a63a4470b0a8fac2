"""Context compression: what a prompt that is too long for everybody loses, and what it never does."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pipeline.world import MESSAGES, World, endpoint, exchange

from sekisho.core.exchange import Exchange
from sekisho.core.route import Target
from sekisho.dialects import openai_responses
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.compress import MARK, compress
from sekisho.wire import json

TOKENS = Tokens()
RULES = {"role": "system", "content": "You keep the gate. " * 5}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def turns(count: int) -> list[dict[str, Any]]:
    return [
        each for at in range(count) for each in (user(f"question {at} " * 30), said(f"answer {at} " * 30))
    ]


def shortened(call: Exchange, *contexts: int | None, member: str = "messages") -> Any:
    """What is left of the conversation for targets with these contexts."""
    targets = [Target(endpoint(f"p{at}", context_length=each)) for at, each in enumerate(contexts)]
    compress(call, targets, TOKENS)
    assert json.members(call.body)[member] == call.members[member]
    return json.decode(call.members[member])


def test_the_middle_is_left_out_and_the_rest_stays_as_it_was() -> None:
    messages = [RULES, *turns(20), user("and now?")]
    call = exchange(World(), messages=messages, max_tokens=200)
    left = shortened(call, 1000, 2000)
    assert [each for each in messages if each in left] == left, "in their order, unchanged"
    assert left[:2] == messages[:2]
    assert left[-1] == messages[-1]
    places = [messages.index(each) for each in left]
    assert sum(second - first > 1 for first, second in pairwise(places)) == 1, "one gap, in the middle"
    assert TOKENS.estimate(call.members, None) + 200 <= 2000
    assert (
        call.compression == f"{len(messages) - len(left)} of {len(messages)} messages left out, 0 texts cut"
    )


@pytest.mark.parametrize("contexts", [(100_000,), (1000, 100_000), (1000, None), ()])
def test_what_fits_somebody_stays_whole(contexts: tuple[int | None, ...]) -> None:
    messages = [RULES, *turns(20)]
    call = exchange(World(), messages=messages)
    before = call.body
    assert shortened(call, *contexts) == messages
    assert (call.body, call.compression) == (before, None)


def test_a_single_text_that_is_too_long_loses_its_middle() -> None:
    text = "begin " + "word " * 5000 + "end"
    call = exchange(World(), messages=[RULES, user(text)], max_tokens=100)
    left = shortened(call, 1000)
    assert left[0] == RULES
    assert left[1]["content"].startswith("begin ")
    assert left[1]["content"].endswith("end")
    assert MARK in left[1]["content"]
    assert 500 < TOKENS.estimate(call.members, None) <= 900
    assert call.compression == "0 of 2 messages left out, 1 texts cut"


def test_what_cannot_be_made_to_fit_goes_on_as_it_came() -> None:
    messages = [{"role": "system", "content": "rule " * 5000}, user("hello")]
    call = exchange(World(), messages=messages)
    assert shortened(call, 1000) == messages
    assert call.compression is None


def test_responses_lose_calls_with_their_results_and_thinking() -> None:
    words = "word " * 60
    items: list[dict[str, Any]] = [user("go")]
    for at in range(20):
        items += [
            {"type": "reasoning", "id": f"rs_{at}", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "call_id": f"c{at}", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": f"c{at}", "output": words},
        ]
    call = exchange(World(), dialect=openai_responses.DIALECT, input=items)
    left = shortened(call, 1000, member="input")
    assert 4 <= len(left) < len(items)
    assert left[0] == items[0]
    kinds = [each["type"] for each in left[1:]]
    assert kinds == ["reasoning", "function_call", "function_call_output"] * (len(kinds) // 3)
    assert [each for each in items if each in left] == left
    text = exchange(World(), dialect=openai_responses.DIALECT, input="word " * 5000)
    assert MARK in shortened(text, 1000, member="input")


TURN = st.tuples(st.integers(1, 400), st.integers(0, 3), st.booleans())


@settings(deadline=None, max_examples=60)
@given(st.lists(TURN, min_size=1, max_size=25), st.integers(100, 3000), st.booleans())
def test_no_result_is_left_without_its_call(
    drawn: list[tuple[int, int, bool]],
    context: int,
    anthropic: bool,
) -> None:
    messages = _conversation(drawn, anthropic=anthropic)
    dialect = {"dialect": MESSAGES} if anthropic else {}
    left = shortened(exchange(World(), messages=messages, max_tokens=50, **dialect), context)
    known: set[str] = set()
    answered: set[str] = set()
    for message in left:
        known |= _ids(message, "tool_use", "id") | {each["id"] for each in message.get("tool_calls", ())}
        results = _ids(message, "tool_result", "tool_use_id")
        results |= {message["tool_call_id"]} if "tool_call_id" in message else set()
        assert results <= known
        answered |= results
    assert answered == known
    assert left[0]["role"] == messages[0]["role"]
    assert left[-1]["role"] == messages[-1]["role"]


def _ids(message: dict[str, Any], kind: str, name: str) -> set[str]:
    parts = message["content"] if isinstance(message["content"], list) else []
    return {part[name] for part in parts if part["type"] == kind}


def _conversation(drawn: list[tuple[int, int, bool]], *, anthropic: bool) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [] if anthropic else [RULES]
    for at, (words, calls, asks) in enumerate(drawn):
        if asks or not at:
            messages.append(user("word " * words))
        ids = [f"t{at}_{call}" for call in range(calls)]
        if anthropic:
            uses = [{"type": "tool_use", "id": each, "name": "look", "input": {}} for each in ids]
            messages.append({"role": "assistant", "content": [{"type": "text", "text": "so"}, *uses]})
            results = [
                {"type": "tool_result", "tool_use_id": each, "content": "word " * words} for each in ids
            ]
            messages += [{"role": "user", "content": results}] if results else []
        else:
            uses = [
                {"id": each, "type": "function", "function": {"name": "look", "arguments": "{}"}}
                for each in ids
            ]
            messages.append({"role": "assistant", "content": "so", **({"tool_calls": uses} if uses else {})})
            messages += [{"role": "tool", "tool_call_id": each, "content": "word " * words} for each in ids]
    return messages
