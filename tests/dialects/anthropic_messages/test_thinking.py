"""What generations of Claude take, and how wishes for thinking are said to each."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import TargetFacts
from sekisho.core.message import Message, Text
from sekisho.core.request import FunctionTool, ReasoningSettings, Request, Sampling, ToolChoice
from sekisho.dialects.anthropic_messages.request_write import write
from sekisho.wire.claude import ANY, LEGACY, rules


def sent(model: str, wish: ReasoningSettings, **more: Any) -> tuple[object, object, set[str]]:
    """(thinking, effort, fields of the losses)."""
    asked = Request(
        model="any",
        messages=(Message(role="user", parts=(Text(text="Hi"),)),),
        reasoning=wish,
        **{"max_tokens": 64_000, **more},
    )
    written = write(asked, TargetFacts(model=model))
    body = msgspec.json.decode(written.body)
    losses = {loss.field for loss in written.losses}
    assert not any(loss.content for loss in written.losses)
    return body.get("thinking"), body.get("output_config", {}).get("effort"), losses


ADAPTIVE = {"type": "adaptive"}


def manual(budget: int) -> dict[str, object]:
    return {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize(
    ("model", "wish", "thinking", "effort", "lost"),
    [
        # effort alone
        ("claude-opus-5-5", {"effort": "high"}, None, "high", ()),
        ("claude-opus-5-5", {"effort": "minimal"}, None, "low", ()),
        ("claude-opus-4-6", {"effort": "xhigh"}, None, "high", ("effort",)),
        ("claude-opus-4-5", {"effort": "max"}, None, "high", ("effort",)),
        ("claude-sonnet-4-5", {"effort": "medium"}, manual(8192), None, ()),
        ("claude-haiku-5-5", {"effort": "max"}, None, "max", ()),
        ("claude-opus-5-5", {"effort": "turbo"}, None, None, ("effort",)),
        ("kimi-k2", {"effort": "high"}, None, "high", ()),
        # a budget
        ("claude-sonnet-4-5", {"enabled": True, "budget_tokens": 10_000}, manual(10_000), None, ()),
        ("claude-opus-4-6", {"budget_tokens": 10_000}, manual(10_000), None, ()),
        ("claude-opus-4-7", {"budget_tokens": 2_000}, ADAPTIVE, "low", ("budget_tokens",)),
        ("claude-sonnet-5", {"budget_tokens": 30_000}, ADAPTIVE, "high", ("budget_tokens",)),
        ("claude-sonnet-4-5", {"budget_tokens": 500}, manual(1024), None, ("budget_tokens",)),
        ("claude-sonnet-4-5", {"budget_tokens": 90_000}, manual(63_999), None, ("budget_tokens",)),
        # adaptive, and thinking of no special kind
        ("claude-fable-5-1", {"enabled": True, "adaptive": True}, ADAPTIVE, None, ()),
        ("claude-sonnet-4-6", {"enabled": True}, ADAPTIVE, None, ()),
        ("claude-sonnet-4-5", {"enabled": True}, manual(8192), None, ()),
        ("claude-sonnet-4-5", {"enabled": True, "effort": "high"}, manual(16384), None, ()),
        (
            "claude-3-7-sonnet-20250219",
            {"enabled": True, "adaptive": True},
            manual(8192),
            None,
            ("adaptive",),
        ),
        ("glm-5", {"enabled": True}, manual(8192), None, ()),
        # off
        ("claude-sonnet-4-5", {"enabled": False}, {"type": "disabled"}, None, ()),
        ("claude-sonnet-5-5", {"effort": "none"}, {"type": "between_tools"}, None, ()),
        ("claude-opus-5", {"enabled": False, "effort": "max"}, {"type": "disabled"}, "high", ("effort",)),
        ("claude-opus-5-5", {"enabled": False}, None, "low", ("enabled",)),
        ("claude-mythos-preview", {"effort": "none"}, None, "low", ("enabled",)),
    ],
)
def test_each_generation_is_asked_in_its_own_words(
    model: str, wish: dict[str, Any], thinking: object, effort: object, lost: tuple[str, ...]
) -> None:
    assert sent(model, ReasoningSettings(**wish)) == (
        thinking,
        effort,
        {f"reasoning.{name}" for name in lost},
    )


@pytest.mark.parametrize(("max_tokens", "thinking"), [(1024, None), (1500, None), (4096, manual(2048))])
def test_a_budget_from_effort_leaves_room_for_the_answer(max_tokens: int, thinking: object) -> None:
    found, _, lost = sent("claude-sonnet-4-5", ReasoningSettings(effort="high"), max_tokens=max_tokens)
    assert found == thinking
    assert lost == (set() if thinking else {"reasoning"})


def test_a_forced_tool_outweighs_thinking() -> None:
    thinking, effort, lost = sent(
        "claude-opus-4-6",
        ReasoningSettings(enabled=True, effort="low"),
        tools=(FunctionTool(name="f"),),
        tool_choice=ToolChoice(mode="required"),
    )
    assert (thinking, effort, lost) == (None, "low", {"reasoning.enabled"})


def test_thinking_outweighs_sampling() -> None:
    wish = ReasoningSettings(enabled=True, budget_tokens=2000)
    _, _, lost = sent("claude-sonnet-4-5", wish, sampling=Sampling(temperature=0.3, top_p=0.5, top_k=5))
    assert lost == {"sampling.temperature", "sampling.top_p", "sampling.top_k"}
    _, _, lost = sent("claude-sonnet-4", wish, sampling=Sampling(temperature=1.0, top_p=0.95))
    assert lost == set()


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("claude-opus-4-6@20260205", "claude-opus-4-6"),
        ("anthropic/claude-opus-4.7", "claude-opus-4-7"),
        ("claude-opus-latest", "claude-opus-5-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
    ],
)
def test_names_are_read_in_every_spelling(model: str, like: str) -> None:
    assert rules(model) == rules(like)


def test_names_outside_the_scheme() -> None:
    assert rules("claude-3-5-sonnet-20241022") == LEGACY
    assert rules("claude-2.1") == LEGACY
    assert rules("deepseek-v4") == ANY
