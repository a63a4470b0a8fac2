"""Writing what tunes a request: everything but tools and messages."""

import msgspec

from sekisho.core.contract import TargetFacts
from sekisho.core.loss import Losses
from sekisho.core.request import Request, Sampling
from sekisho.dialects.anthropic_messages.blocks import write_mark
from sekisho.dialects.anthropic_messages.schema import spread
from sekisho.wire import claude_thinking
from sekisho.wire.claude import Rules, rules, sampling_refusal
from sekisho.wire.json import members_of

MAX_TOKENS = 4096
"""`max_tokens` where neither the client nor what we know of the model says one; the API demands it."""

_TIERS = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only"}
_CHOICES = {"auto": "auto", "required": "any", "named": "tool", "none": "none"}
_NOTHING_ASKED = Sampling()
_NO_KNOBS = (
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "verbosity",
)


def write_settings(body: dict[str, object], request: Request, target: TargetFacts, losses: Losses) -> None:
    """Adds the members to `body`, and what cannot be said to `losses`."""
    taken = rules(target.model)
    max_tokens = _max_tokens(request, target)
    body["max_tokens"] = max_tokens
    if request.stream:
        body["stream"] = True
    thoughts = claude_thinking.plan(request, taken, max_tokens, losses)
    if thoughts.config is not None:
        body["thinking"] = thoughts.config
    _write_sampling(body, request, taken, losses, thinks=thoughts.on)
    _write_stop(body, request, losses)
    output = _output(request, thoughts.effort, losses)
    if output:
        body["output_config"] = output
    choice = _tool_choice(request, losses)
    if choice:
        body["tool_choice"] = choice
    _write_rest(body, request, losses)


def _max_tokens(request: Request, target: TargetFacts) -> int:
    if request.max_tokens is not None:
        return request.max_tokens
    return MAX_TOKENS if target.max_output is None else target.max_output


def _write_sampling(
    body: dict[str, object], request: Request, taken: Rules, losses: Losses, *, thinks: bool
) -> None:
    asked = request.sampling
    if asked == _NOTHING_ASKED:
        return
    for name in _NO_KNOBS:
        if getattr(asked, name) is not None:
            losses.knob(f"sampling.{name}", "Anthropic has no such parameter")
    wanted = {"temperature": asked.temperature, "top_p": asked.top_p, "top_k": asked.top_k}
    for name, value in wanted.items():
        if value is None:
            continue
        reason = sampling_refusal(name, value, wanted, taken, thinks=thinks)
        if reason is not None:
            losses.knob(f"sampling.{name}", reason)
        elif name == "temperature" and value > 1:
            losses.knob("sampling.temperature", "Anthropic takes 0 to 1; sent as 1")
            body[name] = 1.0
        else:
            body[name] = value


def _write_stop(body: dict[str, object], request: Request, losses: Losses) -> None:
    usable = [stop for stop in request.stop if stop.strip()]
    if len(usable) < len(request.stop):
        losses.knob("stop", "Anthropic takes no stop sequences of white space only")
    if usable:
        body["stop_sequences"] = usable


def _output(request: Request, effort: str | None, losses: Losses) -> dict[str, object]:
    config: dict[str, object] = {} if effort is None else {"effort": effort}
    wanted = request.output
    if wanted is None or wanted.kind == "text":
        return config
    if wanted.kind == "json_schema" and wanted.schema is not None:
        config["format"] = {"type": "json_schema", "schema": wanted.schema}
        for name in ("name", "description"):
            if getattr(wanted, name) is not None:
                losses.knob(f"output.{name}", "Anthropic's formats are a schema and nothing beside it")
    else:
        losses.content("output", "Anthropic writes JSON only to a schema; use json_schema")
    return config


def _tool_choice(request: Request, losses: Losses) -> dict[str, object] | None:
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    mode = choice.mode if choice is not None else "auto"
    if not request.tools and mode in ("auto", "none"):
        if parallel is False:
            losses.knob("parallel_tool_calls", "there are no tools")
        return None  # the API takes no choice without tools, and there is nothing to choose
    if choice is None and parallel is not False:
        return None
    written: dict[str, object] = {"type": _CHOICES[mode]}
    if choice is not None and choice.name is not None:
        written["name"] = choice.name
    if parallel is not None and mode != "none":
        written["disable_parallel_tool_use"] = not parallel
    elif parallel is False:
        losses.knob("parallel_tool_calls", "no tool may be called")
    return written


def _write_rest(body: dict[str, object], request: Request, losses: Losses) -> None:
    if request.choices is not None and request.choices > 1:
        losses.content("choices", "Anthropic gives one answer a call")
    if request.service_tier is not None:
        if request.service_tier in _TIERS:
            body["service_tier"] = _TIERS[request.service_tier]
        else:
            losses.knob("service_tier", "Anthropic takes auto and standard_only")
    losses.unsaid(request, ("metadata", "cache_key"), "Anthropic has no place for it")
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if request.cache is not None:
        body["cache_control"] = write_mark(request.cache)
    for name, raw in spread(request.vendor).items():
        _add(body, name, raw)
    losses.foreign("", request.vendor, request.required)


def _add(body: dict[str, object], name: str, raw: msgspec.Raw) -> None:
    """A member of `vendor`: what the hub did not know of `thinking` and its like joins what it did."""
    known = body.get(name)
    if isinstance(known, dict):
        body[name] = {**known, **members_of(raw)}
    elif name != "thinking":  # the rest of a `thinking` that is not sent says nothing
        body[name] = raw
