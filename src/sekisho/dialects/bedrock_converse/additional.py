"""`additionalModelRequestFields`: what models take in their own words, where Converse has none.

Read where it is sure what is meant; written for the families that take it. What was read is kept as it was
spelled, for the writer of the same dialect.

* Claude: `thinking` (`reasoning_config` is the older name), `top_k`
* Nova: `inferenceConfig.topK`; from Nova 2 on `reasoningConfig` with `maxReasoningEffort`
* gpt-oss: `reasoning_effort`

Amazon Bedrock and Amazon Nova user guides, 2026-11.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from sekisho.core.contract import Members
from sekisho.core.loss import Losses
from sekisho.core.request import ReasoningSettings, Sampling
from sekisho.dialects.bedrock_converse.families import Family
from sekisho.wire import json
from sekisho.wire.openai_request import effort_of
from sekisho.wire.shape import BROKEN, Wire

SPELLED = "_additional"
"""The members that were understood, as they came."""

NOVA_HIGHEST: dict[str, object] = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}
_NOVA_EFFORTS = ("low", "medium", "high")
_THINKING = ("thinking", "reasoning_config")


class _Thinking(Wire):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None


class _NovaReasoning(Wire, rename="camel"):
    type: Literal["enabled", "disabled"]
    max_reasoning_effort: str | None = None


class _NovaInference(Wire, rename="camel", forbid_unknown_fields=True):
    top_k: int


_thinking = msgspec.json.Decoder(_Thinking)
_nova_reasoning = msgspec.json.Decoder(_NovaReasoning)
_nova_inference = msgspec.json.Decoder(_NovaInference)
_integer = msgspec.json.Decoder(int)
_word = msgspec.json.Decoder(str)


@dataclass(frozen=True, slots=True)
class Fields:
    """What the fields say in hub terms, and what of them is not understood."""

    sampling: Sampling
    reasoning: ReasoningSettings | None
    rest: Members
    notes: Members

    def with_effort(self, effort: str | None) -> ReasoningSettings | None:
        """The wish for thinking with `outputConfig.effort` added."""
        if effort is None:
            return self.reasoning
        return msgspec.structs.replace(self.reasoning or ReasoningSettings(), effort=effort)


def read(found: Members) -> Fields:
    """Never fails: a field in another shape than the known one is the model's own affair."""
    known: Members = {}
    reasoning: ReasoningSettings | None = None
    top_k: int | None = None
    for name, raw in found.items():
        try:
            if name == "top_k":
                top_k = _integer.decode(raw)
            elif name == "inferenceConfig":
                top_k = _nova_inference.decode(raw).top_k
            elif name in _THINKING or name in ("reasoningConfig", "reasoning_effort"):
                reasoning = _read_reasoning(name, raw)
            else:
                continue
        except BROKEN:
            continue
        known[name] = raw
    rest = {name: raw for name, raw in found.items() if name not in known}
    notes = {SPELLED: json.raw(known)} if known else {}
    return Fields(Sampling(top_k=top_k), reasoning, rest, notes)


def _read_reasoning(name: str, raw: msgspec.Raw) -> ReasoningSettings:
    if name in _THINKING:
        said = _thinking.decode(raw)
        return ReasoningSettings(
            enabled=said.type in ("enabled", "adaptive"),
            budget_tokens=said.budget_tokens if said.type == "enabled" else None,
            adaptive=said.type == "adaptive",
        )
    if name == "reasoningConfig":
        wish = _nova_reasoning.decode(raw)
        return ReasoningSettings(enabled=wish.type == "enabled", effort=wish.max_reasoning_effort)
    return ReasoningSettings(effort=_word.decode(raw))


def write_top_k(top_k: int, family: Family, losses: Losses) -> dict[str, object]:
    if family.claude:
        return {"top_k": top_k}
    if family.nova:
        return {"inferenceConfig": {"topK": top_k}}
    losses.knob("sampling.top_k", "Bedrock has no such knob for this model")
    return {}


def write_reasoning(wanted: ReasoningSettings, family: Family, losses: Losses) -> dict[str, object]:
    """For models other than Claude (see `wire.claude_thinking`)."""
    off = wanted.enabled is False or wanted.effort == "none"
    if not (family.nova_2 or family.gpt_oss) or (off and family.gpt_oss):
        losses.knob("reasoning", "the model decides by its own default how much it thinks")
        return {}
    if off:
        return {"reasoningConfig": {"type": "disabled"}}
    if wanted.budget_tokens is not None:
        losses.knob("reasoning.budget_tokens", "sent as an effort")
    budget = wanted.budget_tokens
    effort = wanted.effort or ("medium" if budget is None else effort_of(budget))
    if effort not in _NOVA_EFFORTS:
        losses.knob("reasoning.effort", f"this model takes {', '.join(_NOVA_EFFORTS)}")
        effort = "low" if effort == "minimal" else "high"
    if family.gpt_oss:
        return {"reasoning_effort": effort}
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
