"""How much the model may think, in the words that its generation takes.

Effort levels of the hub are Anthropic's `output_config.effort`, `minimal` being `low`. For models without
effort they become a thinking budget, by the table below (our choice; 2026-11). Where only adaptive
thinking is left, a budget becomes an effort by the same table.
"""

from typing import NamedTuple

from sekisho.core.loss import Losses
from sekisho.core.request import ReasoningSettings, Request
from sekisho.wire.claude import ANY, EFFORTS, Rules

MIN_BUDGET = 1024
"""The least that the API takes; a budget must also be below `max_tokens`."""
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}

_PATH = "reasoning"


class Thinking(NamedTuple):
    config: dict[str, object] | None = None
    """The `thinking` member."""
    effort: str | None = None

    @property
    def on(self) -> bool:
        return self.config is not None and self.config["type"] in ("enabled", "adaptive")


def plan(request: Request, taken: Rules, max_tokens: int, losses: Losses) -> Thinking:
    """What to send for the request's wishes to a model with these rules."""
    wanted = request.reasoning
    if wanted is None:
        return Thinking()
    if wanted.enabled is False or wanted.effort == "none":
        return _off(wanted, taken, losses)
    effort = _effort(wanted.effort, taken, losses)
    explicit = bool(wanted.enabled or wanted.adaptive or wanted.budget_tokens is not None)
    if not explicit and (taken.efforts or wanted.effort is None):
        return Thinking(effort=effort)
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "named"):
        losses.knob(f"{_PATH}.enabled", "thinking does not go with a forced tool")
        return Thinking(effort=effort)
    return _on(wanted, effort, taken, max_tokens, losses)


def _on(
    wanted: ReasoningSettings, effort: str | None, taken: Rules, max_tokens: int, losses: Losses
) -> Thinking:
    budget = wanted.budget_tokens
    if not taken.budget:
        if budget is not None:
            losses.knob(f"{_PATH}.budget_tokens", "this model decides itself; sent as effort")
            effort = effort or _effort_of(budget)
        return Thinking({"type": "adaptive"}, effort)
    if taken.adaptive and (wanted.adaptive or (budget is None and taken != ANY)):
        return Thinking({"type": "adaptive"}, effort)
    if wanted.adaptive:
        losses.knob(f"{_PATH}.adaptive", "this model needs a thinking budget")
    if budget is not None and wanted.effort is not None and effort is None:
        losses.knob(f"{_PATH}.effort", "this model takes a thinking budget instead")
    return Thinking(_manual(wanted, max_tokens, losses), effort)


def _manual(wanted: ReasoningSettings, max_tokens: int, losses: Losses) -> dict[str, object] | None:
    asked = wanted.budget_tokens
    if asked is None:
        # Half of the answer's room at most, so that thinking leaves something to say it in.
        budget = min(BUDGETS.get(wanted.effort or "medium", BUDGETS["medium"]), max_tokens // 2)
    else:
        budget = max(min(asked, max_tokens - 1), MIN_BUDGET)
    if max_tokens <= MIN_BUDGET or budget < MIN_BUDGET:
        losses.knob(_PATH, f"thinking takes {MIN_BUDGET} tokens or more, below max_tokens")
        return None
    if asked is not None and asked != budget:
        losses.knob(f"{_PATH}.budget_tokens", f"changed to {budget}: from {MIN_BUDGET}, below max_tokens")
    return {"type": "enabled", "budget_tokens": budget}


def _off(wanted: ReasoningSettings, taken: Rules, losses: Losses) -> Thinking:
    effort = None if wanted.effort == "none" else _effort(wanted.effort, taken, losses)
    if taken.off is None:
        losses.knob(f"{_PATH}.enabled", "this model always thinks; sent with the lowest effort")
        return Thinking(effort=taken.efforts[0] if taken.efforts else None)
    if taken.off_caps_effort and effort in ("xhigh", "max"):
        losses.knob(f"{_PATH}.effort", "without thinking this model takes no more than high")
        effort = "high"
    return Thinking({"type": taken.off}, effort)


def _effort(word: str | None, taken: Rules, losses: Losses) -> str | None:
    """The level itself, or the next lower one that the model takes."""
    if word is None:
        return None
    level = "low" if word == "minimal" else word
    if level in taken.efforts:
        return level
    if not taken.efforts:
        return None  # the level chooses the budget instead, see `_manual`
    losses.knob(f"{_PATH}.effort", f"this model takes {', '.join(taken.efforts)}")
    if level not in EFFORTS:
        return None
    lower = [known for known in taken.efforts if EFFORTS.index(known) < EFFORTS.index(level)]
    return lower[-1] if lower else taken.efforts[0]


def _effort_of(budget: int) -> str:
    if budget <= BUDGETS["low"]:
        return "low"
    return "medium" if budget <= BUDGETS["medium"] else "high"
