"""OpenRouter's `reasoning`, below /api/v1, in the words of every kind of target."""

from typing import Any

import pytest
from tests.pipeline.world import World, endpoint, exchange, route

from sekisho.core.route import Snapshot, Target
from sekisho.dialects import (
    anthropic_messages,
    gemini_generate,
    openai_chat,
    openai_responses,
)
from sekisho.pipeline.call import Call
from sekisho.pipeline.prepare import Plane
from sekisho.wire import json

CHAT, RESPONSES = openai_chat.DIALECT, openai_responses.DIALECT
DIALECTS = {
    each.name: each for each in (CHAT, RESPONSES, anthropic_messages.DIALECT, gemini_generate.DIALECT)
}
TARGETS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "openai": ("openai_chat", "gpt-5-mini", ("max_completion_tokens",)),
    "responses": ("openai_responses", "gpt-5-mini", ()),
    "anthropic": ("anthropic_messages", "claude-sonnet-4-5", ()),
    "gemini": ("gemini_generate", "gemini-2.5-pro", ()),
    "gemini-3": ("gemini_generate", "gemini-3-pro-preview", ()),
    "deepseek": ("openai_chat", "deepseek-chat", ("takes_thinking",)),
    "openrouter": ("openai_chat", "x/y", ("takes_reasoning",)),
}
SAID = ("reasoning", "reasoning_effort", "thinking", "output_config")


def sent(to: str, dialect: Any, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the target is told of reasoning, and what the client is told that it lost."""
    name, model, quirks = TARGETS[to]
    world = World()
    target = endpoint(to, dialect=name, quirks=quirks)
    target = type(target)(
        model=model, provider=target.provider, upstream_model=model, quirks=quirks, max_output=64_000
    )
    call = exchange(world, dialect=dialect, **members)
    call.show_money = True
    plane = Plane(Snapshot(routes={}), DIALECTS, {})
    made = Call(call, plane, route(target), world.attempts())
    passage = made.passage(plane.prepared(target, dialect.name), Target(target))
    body = json.decode(passage.body)
    config = body.get("generationConfig", {}).get("thinkingConfig")
    told = {member: body[member] for member in SAID if member in body}
    return told if config is None else config, passage.dropped


ON, OFF = {"type": "enabled"}, {"type": "disabled"}
SEEN = {"includeThoughts": True}
EXPECTED: list[tuple[dict[str, Any], dict[str, dict[str, Any]]]] = [
    (
        {"effort": "high"},
        {
            "openai": {"reasoning_effort": "high"},
            "responses": {"reasoning": {"effort": "high"}},
            "anthropic": {"thinking": {**ON, "budget_tokens": 15_000}},
            "gemini": {"thinkingBudget": 24_576, **SEEN},
            "gemini-3": {"thinkingLevel": "high", **SEEN},
            "deepseek": {"thinking": ON, "reasoning_effort": "high"},
        },
    ),
    (
        {"max_tokens": 4096},
        {
            "openai": {"reasoning_effort": "medium"},
            "responses": {"reasoning": {"effort": "medium"}},
            "anthropic": {"thinking": {**ON, "budget_tokens": 4096}},
            "gemini": {"thinkingBudget": 4096, **SEEN},
            "gemini-3": {"thinkingLevel": "low", **SEEN},
            "deepseek": {"thinking": ON, "reasoning_effort": "medium"},
            "openrouter": {"reasoning": {"max_tokens": 4096}},
        },
    ),
    (
        {"enabled": True},
        {
            "openai": {"reasoning_effort": "medium"},
            "responses": {"reasoning": {"effort": "medium"}},
            "anthropic": {"thinking": {**ON, "budget_tokens": 8192}},
            "gemini": {"thinkingBudget": -1, **SEEN},
            "gemini-3": SEEN,
            "deepseek": {"thinking": ON},
            "openrouter": {"reasoning": {"enabled": True}},
        },
    ),
    (
        {"enabled": False},
        {
            "openai": {},
            "responses": {},
            "anthropic": {"thinking": OFF},
            "gemini": {"thinkingBudget": 128},
            "gemini-3": {"thinkingLevel": "low"},
            "deepseek": {"thinking": OFF},
            "openrouter": {"reasoning": {"enabled": False}},
        },
    ),
    (
        {"effort": "none"},
        {
            "openai": {"reasoning_effort": "none"},
            "responses": {"reasoning": {"effort": "none"}},
            "anthropic": {"thinking": OFF},
            "gemini": {"thinkingBudget": 128},
            "gemini-3": {"thinkingLevel": "low"},
            "deepseek": {"thinking": OFF},
        },
    ),
]
EXACT = ("anthropic", "openrouter")
"""Targets that have a word for each of these."""


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES], ids=["chat", "responses"])
@pytest.mark.parametrize(
    ("asked", "to", "told"), [(asked, to, told) for asked, row in EXPECTED for to, told in row.items()]
)
def test_every_target_is_told_in_its_own_words(
    dialect: Any, asked: dict[str, Any], to: str, told: dict[str, Any]
) -> None:
    more: dict[str, Any] = {"max_tokens": 30_000}
    if dialect is RESPONSES:
        more = {"messages": None, "input": "x", "max_output_tokens": 30_000}
    found, lost = sent(to, dialect, reasoning=asked, **more)
    assert found == told
    if to in EXACT:
        assert lost == ()
    if told == {}:
        assert lost == ("reasoning",), "what cannot be said is named"


def test_what_a_client_says_in_the_targets_words_stays() -> None:
    both = {"reasoning": {"effort": "high"}, "reasoning_effort": "low"}
    assert sent("openai", CHAT, **both) == ({"reasoning_effort": "low"}, ())
    assert sent("openai", CHAT, reasoning={"exclude": False}) == ({}, ())
