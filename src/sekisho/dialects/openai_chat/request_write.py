"""The hub's request as a Chat Completions body: compact, and the same bytes for the same request.

Thinking: `reasoning_effort` is OpenAI's only word for it, so a budget of tokens becomes an effort, as a
named loss (`wire.openai_request`). An endpoint whose `extensions` name `reasoning` (OpenRouter) gets the
budget itself.
"""

import msgspec

from sekisho.core.contract import Members, TargetFacts, Written
from sekisho.core.request import (
    CustomTool,
    OutputFormat,
    ProviderTool,
    ReasoningSettings,
    Request,
    Tool,
    ToolChoice,
)
from sekisho.dialects.openai_chat import messages_write
from sekisho.dialects.openai_chat.parts_write import Item, Writing
from sekisho.dialects.openai_chat.request import EXTRAS, MAX_TOKENS, REASONING, TOP_K
from sekisho.dialects.openai_chat.shape import NAME, own, spread
from sekisho.wire import json, openai_request, openai_streaming
from sekisho.wire.json import members_of

_KNOBS = (
    "temperature",
    "top_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "verbosity",
)


def write(request: Request, target: TargetFacts) -> Written:
    """The body for `target`, and what it could not say."""
    writing = Writing(facts=target)
    kept = own(request.vendor)
    writing.foreign("", request.vendor, request.required)
    body: Item = {
        "model": target.model,
        "messages": messages_write.write(request.messages, writing),
        **_tools(request, kept, writing),
        **_limits(request, kept),
        **_sampling(request, kept, writing),
        **_output(request.output),
        **reasoning(request.reasoning, kept, writing),
        **writing.mark("", request.cache, request.vendor),
    }
    if request.service_tier is not None:
        body["service_tier"] = request.service_tier
    if request.user is not None:
        body["user"] = request.user
    for name, member in EXTRAS.items():
        value = getattr(request, name)
        if f"_{member}" in kept or member in target.extensions:
            body |= {} if value is None else {member: value}
        else:
            writing.unsaid(request, (name,), f"the endpoint is not known to take {member}")
    rest = spread(request.vendor)
    body |= openai_streaming.write(request, rest.pop(openai_streaming.NAME, None), target)
    return Written(body=json.encode({**body, **rest}), losses=tuple(writing.found))


def _limits(request: Request, kept: Members) -> Item:
    """`max_tokens`, which every compatible server knows, unless the client said it the newer way; a quirk
    renames it for models that refuse the older one."""
    found: Item = {}
    if request.max_tokens is not None:
        found["max_completion_tokens" if MAX_TOKENS in kept else "max_tokens"] = request.max_tokens
    if request.stop:
        found["stop"] = list(request.stop)
    if request.choices is not None:
        found["n"] = request.choices
    return found


def _sampling(request: Request, kept: Members, writing: Writing) -> Item:
    sampling = request.sampling
    found = {name: value for name in _KNOBS if (value := getattr(sampling, name)) is not None}
    if sampling.top_k is not None:
        if TOP_K in kept or "top_k" in writing.facts.extensions:
            found["top_k"] = sampling.top_k
        else:
            writing.knob("sampling.top_k", "OpenAI's API has no such knob")
    return found


def _output(output: OutputFormat | None) -> Item:
    if output is None:
        return {}
    if output.kind != "json_schema":
        return {"response_format": {"type": output.kind}}
    schema = openai_request.json_schema(output)
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def reasoning(settings: ReasoningSettings | None, kept: Members, writing: Writing) -> Item:
    """The members that say it; what cannot be said is noted in `writing`."""
    spelled = kept.get(REASONING)
    if spelled is not None:
        return dict(members_of(spelled))
    if settings is None:
        return {}
    if settings.effort is None and "reasoning" in writing.facts.extensions:
        return _router_reasoning(settings)
    if "thinking" in writing.facts.extensions:
        return _switched(settings, writing)
    effort = openai_request.effort_for(settings, writing)
    return {} if effort is None else {"reasoning_effort": effort}


def _switched(settings: ReasoningSettings, writing: Writing) -> Item:
    """DeepSeek's and its like: a switch, and an effort beside it."""
    if settings.enabled is False or settings.effort == "none":
        return {"thinking": {"type": "disabled"}}
    found: Item = {"thinking": {"type": "enabled"}}
    if settings.effort is not None or settings.budget_tokens is not None:
        found["reasoning_effort"] = openai_request.effort_for(settings, writing)
    return found


def _router_reasoning(settings: ReasoningSettings) -> Item:
    found: Item = {}
    if settings.enabled is not False and settings.budget_tokens is not None:
        found["max_tokens"] = settings.budget_tokens
    elif settings.enabled is not None or settings.adaptive:
        found["enabled"] = settings.enabled is not False
    return {"reasoning": found} if found else {}


# --- tools -----------------------------------------------------------------------------------------


def _tools(request: Request, kept: Members, writing: Writing) -> Item:
    found: Item = {}
    tools: list[object] = []
    for index, tool in enumerate(request.tools):
        written = _tool(tool, f"tools.{index}", writing)
        if written is not None:
            tools.append(written)
    if tools:
        found["tools"] = tools
    if request.tool_choice is not None and "tool_choice" not in kept:
        found["tool_choice"] = _tool_choice(request.tool_choice, request.tools)
    if request.parallel_tool_calls is not None:
        found["parallel_tool_calls"] = request.parallel_tool_calls
    return found


def _tool(tool: Tool, path: str, writing: Writing) -> object | None:
    if isinstance(tool, ProviderTool):
        if tool.dialect == NAME:
            return tool.raw
        writing.content(path, f"a tool that only {tool.dialect} runs")
        return None
    writing.foreign(path, tool.vendor)
    rest = spread(tool.vendor)
    if isinstance(tool, CustomTool):
        custom = _described(tool.name, tool.description, rest.pop("custom", None))
        if tool.format is not None:
            custom["format"] = tool.format
        return {"type": "custom", "custom": custom, **writing.mark(path, None, tool.vendor), **rest}
    function = _described(tool.name, tool.description, rest.pop("function", None))
    if tool.schema is not None:
        function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function, **writing.mark(path, tool.cache, tool.vendor), **rest}


def _described(name: str, description: str | None, more: msgspec.Raw | None) -> Item:
    found: Item = {"name": name}
    if description is not None:
        found["description"] = description
    return found if more is None else {**found, **members_of(more)}


def _tool_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> object:
    if choice.mode != "named":
        return choice.mode
    kind = openai_request.kind_of(choice.name, tools)
    return {"type": kind, kind: {"name": choice.name}}
