"""How much the model may think: the hub's words <-> `thinkingConfig`.

Gemini 2.5 takes a budget of tokens, Gemini 3 and later take a level; both in one request are refused. Which
budget stands for which level is Google's own table for clients of OpenAI's API: 1,024 low, 8,192 medium,
24,576 high (https://ai.google.dev/gemini-api/docs/openai#thinking, 2026-11).

A client of another dialect that asks for thinking gets to see it (`includeThoughts`); one that speaks this
dialect says so itself, which the note `_thinking` tells the writer.
"""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.loss import Losses
from sekisho.core.request import ReasoningSettings
from sekisho.dialects.gemini_generate import schema
from sekisho.dialects.gemini_generate.models import Budget, Rules
from sekisho.wire import json
from sekisho.wire.json import members_of

NOTE = "_thinking"
DYNAMIC = -1
"""As much as the model finds good."""

_BUDGETS = {"minimal": 512, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 32_768, "max": 32_768}
_ORDER = ("minimal", "low", "medium", "high", "xhigh", "max")
_PATH = "reasoning"

Config = dict[str, object]


def read(raw: msgspec.Raw, path: str, vendor: Members) -> ReasoningSettings | None:
    """What `thinkingConfig` at `path` asks for. The rest of it goes into `vendor`."""
    wire, rest = schema.thinking_config.read_all(raw, path)
    vendor[NOTE] = json.raw(value=True)
    if rest:
        vendor["thinkingConfig"] = json.raw(rest)
    level = (wire.thinking_level or "").lower()
    if level and level != "thinking_level_unspecified":
        if wire.thinking_budget is not None:
            field = f"{path}.thinkingBudget"
            raise BadRequest(f"{field}: does not go with thinkingLevel. Send one of them.", param=field)
        return ReasoningSettings(effort=level)
    budget = wire.thinking_budget
    if budget is None:
        return None
    if budget == 0:
        return ReasoningSettings(enabled=False)
    if budget < 0:
        return ReasoningSettings(enabled=True, adaptive=True)
    return ReasoningSettings(enabled=True, budget_tokens=budget)


def write(wanted: ReasoningSettings | None, kept: Members, rules: Rules, losses: Losses) -> Config:
    """The `thinkingConfig` for a model with these rules; empty where there is nothing to say."""
    config = {} if wanted is None else _plan(wanted, rules, losses)
    if NOTE not in kept and config and config != {"thinkingBudget": 0} and _wants(wanted):
        config["includeThoughts"] = True
    rest = kept.get("thinkingConfig")
    return config if rest is None else {**config, **members_of(rest)}


def _wants(wanted: ReasoningSettings | None) -> bool:
    return wanted is not None and wanted.enabled is not False and wanted.effort != "none"


def _plan(wanted: ReasoningSettings, rules: Rules, losses: Losses) -> Config:
    if not rules.levels and rules.budget is None:
        losses.knob(_PATH, "this model does not think")
        return {}
    if wanted.enabled is False or wanted.effort == "none":
        return _off(rules, losses)
    if wanted.budget_tokens is not None:
        return _budgeted(wanted, wanted.budget_tokens, rules, losses)
    if wanted.effort is not None:
        return _leveled(wanted.effort, rules, losses)
    if rules.budget is not None:
        return {"thinkingBudget": DYNAMIC}
    losses.knob(_PATH, "this model always decides itself how much it thinks; it was only asked to show it")
    return {"includeThoughts": True}


def _off(rules: Rules, losses: Losses) -> Config:
    if rules.budget is not None and rules.budget.off:
        return {"thinkingBudget": 0}
    losses.knob(f"{_PATH}.enabled", "this model always thinks; sent with the least that it takes")
    return (
        {"thinkingLevel": rules.levels[0]} if rules.budget is None else {"thinkingBudget": rules.budget.least}
    )


def _budgeted(wanted: ReasoningSettings, tokens: int, rules: Rules, losses: Losses) -> Config:
    if rules.budget is None:
        losses.knob(f"{_PATH}.budget_tokens", "this model takes a level of thinking; sent as the nearest one")
        return {"thinkingLevel": _lower(wanted.effort or _effort_of(tokens), rules)}
    if wanted.effort is not None:
        losses.knob(f"{_PATH}.effort", "the budget was sent instead")
    return {"thinkingBudget": _within(tokens, rules.budget, losses)}


def _leveled(effort: str, rules: Rules, losses: Losses) -> Config:
    if rules.levels:
        level = _lower(effort, rules)
        if level != effort:
            losses.knob(f"{_PATH}.effort", f"sent as {level}: this model takes {', '.join(rules.levels)}")
        return {"thinkingLevel": level}
    budget = rules.budget or Budget(1, _BUDGETS["high"], off=True)  # one of both there is
    tokens = _BUDGETS.get(effort, _BUDGETS["medium"])
    return {"thinkingBudget": min(max(tokens, budget.least), budget.most)}


def _within(tokens: int, budget: Budget, losses: Losses) -> int:
    sent = min(max(tokens, budget.least), budget.most)
    if sent != tokens:
        text = f"changed to {sent}: this model takes {budget.least} to {budget.most}"
        losses.knob(f"{_PATH}.budget_tokens", text)
    return sent


def _lower(effort: str, rules: Rules) -> str:
    """The level itself, or the next lower one that the model takes, or its lowest."""
    if effort in rules.levels:
        return effort
    place = _ORDER.index(effort) if effort in _ORDER else _ORDER.index("medium")
    lower = [level for level in rules.levels if _ORDER.index(level) <= place]
    return lower[-1] if lower else rules.levels[0]


def _effort_of(tokens: int) -> str:
    """The highest level whose budget is not above `tokens`."""
    if tokens < _BUDGETS["medium"]:
        return "low"
    return "medium" if tokens < _BUDGETS["high"] else "high"
