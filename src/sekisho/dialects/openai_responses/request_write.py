"""The hub's request as a Responses body: compact, and the same bytes for the same request.

A request that came by another dialect says `store: false`: those APIs keep no answers, where this one does
unless told not to. It then asks for encrypted reasoning (`include`) if it asks for reasoning at all, for else
the next turn could not go on with it; models without reasoning refuse to be asked.

Thinking: OpenAI has efforts, so a budget of tokens becomes one, as a named loss (`wire.openai_request`).
"""

import msgspec

from sekisho.core.contract import Members, TargetFacts, Written
from sekisho.core.request import OutputFormat, ReasoningSettings, Request
from sekisho.dialects.openai_responses import messages_write, tools
from sekisho.dialects.openai_responses.cache import KEY
from sekisho.dialects.openai_responses.content_write import Item, Writing
from sekisho.dialects.openai_responses.request import ENCRYPTED, LOGPROBS, QUIET, USER
from sekisho.dialects.openai_responses.shape import own, spread
from sekisho.wire import json, openai_request
from sekisho.wire.json import members_of

LEAST_OUTPUT = 16
"""Tokens: OpenAI refuses a smaller `max_output_tokens` (error `integer_below_min_value`, 2026-11)."""

_NOT_TAKEN = ("top_k", "seed", "presence_penalty", "frequency_penalty", "logit_bias")
_names = msgspec.json.Decoder(list[str])


def write(request: Request, target: TargetFacts) -> Written:
    """The body for `target`, and what it could not say."""
    writing = Writing(facts=target)
    kept, rest = own(request.vendor), spread(request.vendor)
    writing.foreign("", request.vendor, request.required)
    instructions, said = messages_write.write(request.messages, writing)
    body: Item = {"model": target.model}
    if instructions is not None:
        body["instructions"] = instructions
    body |= {"input": said, **_tools(request, kept, writing), **_limits(request, kept, writing)}
    body |= _sampling(request, writing)
    text, reasoning = rest.pop("text", None), rest.pop("reasoning", None)
    body |= _together("text", _text(request), text)
    body |= _together("reasoning", reasoning_of(request.reasoning, writing), reasoning)
    if request.service_tier is not None:
        body["service_tier"] = request.service_tier
    if request.user is not None:
        body["safety_identifier" if USER in kept else "user"] = request.user
    if request.metadata is not None:
        body["metadata"] = request.metadata
    if QUIET in kept or KEY in target.extensions:
        body |= {} if request.cache_key is None else {KEY: request.cache_key}
    else:
        writing.unsaid(request, ("cache_key",), f"the endpoint is not known to take {KEY}")
    writing.unmarked("", request.cache)
    if request.stream:
        body["stream"] = True
    body |= _quiet(request, kept, rest.pop("include", None), writing)
    return Written(body=json.encode({**body, **rest}), losses=tuple(writing.found))


def _together(name: str, known: Item, rest: msgspec.Raw | None) -> Item:
    """A member that is an object: what the hub knows of it, and what it does not."""
    whole = known if rest is None else {**known, **members_of(rest)}
    return {name: whole} if whole else {}


def _quiet(request: Request, kept: Members, include: msgspec.Raw | None, writing: Writing) -> Item:
    """What the client said without need; for clients of other dialects what goes without saying there."""
    spelled = kept.get(QUIET)
    members: Members = {"store": json.raw(value=False)} if spelled is None else members_of(spelled)
    asked = members.pop("include", None) or include
    names = [] if asked is None else _names.decode(asked)
    if spelled is None and _reasons(request, writing):
        names.append(ENCRYPTED)
    if request.sampling.logprobs and LOGPROBS not in names:
        names.append(LOGPROBS)
    found: Item = dict(members)
    return {**found, "include": names} if names else found


def _reasons(request: Request, writing: Writing) -> bool:
    settings = request.reasoning
    if settings is None:
        return ENCRYPTED in writing.facts.extensions
    return settings.enabled is not False


def _tools(request: Request, kept: Members, writing: Writing) -> Item:
    found: Item = {}
    written = tools.write(request.tools, writing)
    if written:
        found["tools"] = written
    if request.tool_choice is not None and "tool_choice" not in kept:
        found["tool_choice"] = tools.write_choice(request.tool_choice, request.tools)
    if request.parallel_tool_calls is not None:
        found["parallel_tool_calls"] = request.parallel_tool_calls
    return found


def _limits(request: Request, kept: Members, writing: Writing) -> Item:
    if request.stop:
        writing.knob("stop", "the API has no stop sequences")
    if request.choices is not None and request.choices > 1:
        writing.content("choices", "the API gives one answer")
    limit = request.max_tokens
    if limit is None:
        return {}
    if limit < LEAST_OUTPUT and QUIET not in kept:
        writing.knob("max_tokens", f"sent as {LEAST_OUTPUT}, the least that the API takes")
        limit = LEAST_OUTPUT
    return {"max_output_tokens": limit}


def _sampling(request: Request, writing: Writing) -> Item:
    sampling = request.sampling
    found: Item = {}
    for name in ("temperature", "top_p", "top_logprobs"):
        value = getattr(sampling, name)
        if value is not None:
            found[name] = value
    for name in _NOT_TAKEN:
        value = getattr(sampling, name)
        if value is not None and name in writing.facts.extensions:
            found[name] = value
        elif value is not None:
            writing.knob(f"sampling.{name}", "the API has no such knob")
    if sampling.logprobs is False:
        writing.knob("sampling.logprobs", "log probabilities come only where they are asked for")
    return found


def _text(request: Request) -> Item:
    found: Item = {}
    if request.output is not None:
        found["format"] = _format(request.output)
    if request.sampling.verbosity is not None:
        found["verbosity"] = request.sampling.verbosity
    return found


def _format(output: OutputFormat) -> Item:
    if output.kind != "json_schema":
        return {"type": output.kind}
    return {"type": output.kind, **openai_request.json_schema(output)}


def reasoning_of(settings: ReasoningSettings | None, writing: Writing) -> Item:
    """The members of `reasoning` that say it; what cannot be said is noted in `writing`."""
    effort = None if settings is None else openai_request.effort_for(settings, writing)
    return {} if effort is None else {"effort": effort}
