"""Writing what tunes a request: everything but tools and messages."""

from dataclasses import dataclass

import msgspec

from sekisho.core.contract import TargetFacts
from sekisho.core.loss import Losses
from sekisho.core.request import OutputFormat, ReasoningSettings, Request
from sekisho.dialects.bedrock_converse import additional
from sekisho.dialects.bedrock_converse.families import Family
from sekisho.dialects.bedrock_converse.request import ADDITIONAL
from sekisho.dialects.bedrock_converse.schema import own, spread
from sekisho.wire.claude import Rules, rules, sampling_refusal
from sekisho.wire.claude_thinking import plan
from sekisho.wire.json import members_of

ROOM = 32_768
"""Tokens that an answer has where nobody says how many: Bedrock's default is the model's own maximum."""

_TIERS = {name: name for name in ("default", "flex", "priority", "reserved")}
_TIERS |= {"standard": "default", "standard_only": "default"}
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_NO_KNOBS = (
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "verbosity",
)


@dataclass(frozen=True, slots=True)
class _Thoughts:
    """How much the model shall think, in its own words."""

    fields: dict[str, object]
    effort: str | None = None
    on: bool = False
    unlimited: bool = False
    """Nova takes no limit and no sampling beside its highest effort (2026-04)."""


def write_settings(
    request: Request, target: TargetFacts, family: Family, losses: Losses
) -> dict[str, object]:
    """The members, but `toolConfig` and messages."""
    kept = spread(request.vendor)
    spelled = members_of(own(request.vendor).get(additional.SPELLED, b"{}"))
    taken = rules(target.model) if family.claude else None
    thoughts = _thoughts(request, target, family, spelled, losses)
    body: dict[str, object] = {}
    inference = _inference(request, taken, thoughts, losses)
    fields: dict[str, object] = {**spelled, **thoughts.fields}
    if request.sampling.top_k is not None and not spelled.keys() & {"top_k", "inferenceConfig"}:
        fields |= _top_k(request.sampling.top_k, taken, thoughts, family, losses)
    output = _output(request.output, thoughts.effort, losses)
    for name, value in (("inferenceConfig", inference), (ADDITIONAL, fields), ("outputConfig", output)):
        more = members_of(kept.pop(name, b"{}"))
        if value or more:
            body[name] = {**value, **more}
    _refuse_knobs(request, losses)
    tier = request.service_tier
    if tier in _TIERS:
        body["serviceTier"] = {"type": _TIERS[tier]}
    elif tier is not None:
        losses.knob("service_tier", "Bedrock takes default, flex, priority and reserved")
    kept.pop("toolConfig", None)
    return {**body, **kept}


def _inference(
    request: Request, taken: Rules | None, thoughts: _Thoughts, losses: Losses
) -> dict[str, object]:
    written: dict[str, object] = {}
    if request.max_tokens is not None:
        if thoughts.unlimited:
            losses.knob("max_tokens", "this model takes no limit beside its highest effort")
        else:
            written["maxTokens"] = request.max_tokens
    asked = request.sampling
    wanted: dict[str, float | None] = {"temperature": asked.temperature, "top_p": asked.top_p}
    for name, value in wanted.items():
        if value is None:
            continue
        reason = _sampling_refusal(name, value, wanted, taken, thoughts)
        if reason is not None:
            losses.knob(f"sampling.{name}", reason)
        elif value > 1:
            losses.knob(f"sampling.{name}", "Bedrock takes 0 to 1; sent as 1")
            written[_WORDS[name]] = 1.0
        else:
            written[_WORDS[name]] = value
    usable = [stop for stop in request.stop if stop.strip()]
    if len(usable) < len(request.stop):
        losses.knob("stop", "no stop sequences of white space only")
    if usable:
        written["stopSequences"] = usable
    return written


_WORDS = {"temperature": "temperature", "top_p": "topP"}


def _sampling_refusal(
    name: str, value: float, wanted: dict[str, float | None], taken: Rules | None, thoughts: _Thoughts
) -> str | None:
    if thoughts.unlimited:
        return "does not go with this model's highest effort"
    if taken is None:
        return None
    return sampling_refusal(name, value, wanted, taken, thinks=thoughts.on)


def _top_k(
    top_k: int, taken: Rules | None, thoughts: _Thoughts, family: Family, losses: Losses
) -> dict[str, object]:
    reason = _sampling_refusal("top_k", top_k, {}, taken, thoughts)
    if reason is not None:
        losses.knob("sampling.top_k", reason)
        return {}
    return additional.write_top_k(top_k, family, losses)


def _thoughts(
    request: Request, target: TargetFacts, family: Family, spelled: dict[str, msgspec.Raw], losses: Losses
) -> _Thoughts:
    wanted = request.reasoning
    if wanted is None:
        return _Thoughts({})
    said = spelled.keys() - {"top_k", "inferenceConfig"}
    if said:  # it came in this dialect: what it says is among `spelled`
        effort = wanted.effort if not said & {"reasoningConfig", "reasoning_effort"} else None
        return _Thoughts({}, effort)
    if family.claude:
        room = request.max_tokens or target.max_output or ROOM
        planned = plan(request, rules(target.model), room, losses)
        config = planned.config
        return _Thoughts({} if config is None else {"thinking": config}, planned.effort, on=planned.on)
    if not family.known and wanted.effort in _EFFORTS and wanted == ReasoningSettings(effort=wanted.effort):
        return _Thoughts({}, wanted.effort)  # the API's own word
    fields = additional.write_reasoning(wanted, family, losses)
    return _Thoughts(fields, unlimited=fields == additional.NOVA_HIGHEST)


def _output(output: OutputFormat | None, effort: str | None, losses: Losses) -> dict[str, object]:
    config: dict[str, object] = {} if effort is None else {"effort": effort}
    if output is None or output.kind == "text":
        return config
    if output.kind != "json_schema" or output.schema is None:
        losses.content("output", "Bedrock writes JSON only to a schema; use json_schema")
        return config
    wanted: dict[str, object] = {"schema": bytes(output.schema).decode()}
    if output.name is not None:
        wanted["name"] = output.name
    if output.description is not None:
        wanted["description"] = output.description
    config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": wanted}}
    return config


def _refuse_knobs(request: Request, losses: Losses) -> None:
    for name in _NO_KNOBS:
        if getattr(request.sampling, name) is not None:
            losses.knob(f"sampling.{name}", "Bedrock has no such parameter")
    if request.choices is not None and request.choices > 1:
        losses.content("choices", "Bedrock gives one answer a call")
    if request.parallel_tool_calls is False:
        losses.knob("parallel_tool_calls", "Bedrock leaves it to the model")
    losses.unsaid(request, ("user",), "Bedrock knows its callers by their keys")
    # `requestMetadata` is no place for it: those are tags for the account's own logs.
    losses.unsaid(request, ("metadata", "cache_key"), "Bedrock has no place for it")
    losses.foreign("", request.vendor, request.required)
