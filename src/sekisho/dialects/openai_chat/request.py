"""A request body, read into the hub's request. `request_write` is the other direction.

Notes in the request's vendor members say which of several spellings the client used: `_max_tokens` (absent:
`max_tokens`), `_top_k` (OpenAI's own API has none), `_reasoning` (members other than `reasoning_effort`), and
which of `EXTRAS` it said.
"""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import CacheMark, Vendor
from sekisho.core.request import (
    CustomTool,
    FunctionTool,
    OutputFormat,
    ProviderTool,
    ReasoningSettings,
    Request,
    Sampling,
    Tool,
    ToolChoice,
)
from sekisho.dialects.openai_chat import messages
from sekisho.dialects.openai_chat.parts import cache_note, read_cache
from sekisho.dialects.openai_chat.schema import (
    WireCustom,
    WireFormat,
    WireFunction,
    WireJsonSchema,
    WireReasoning,
    WireRequest,
    WireThinking,
    WireTool,
    WireToolChoice,
)
from sekisho.dialects.openai_chat.shape import NAME, vendor_of
from sekisho.wire import json, openai_streaming
from sekisho.wire.openai_request import read_choice
from sekisho.wire.shape import BROKEN, Shape, bad_request, given, missing_member, refuse_bad_text

MAX_TOKENS = "_max_tokens"
TOP_K = "_top_k"
REASONING = "_reasoning"
EXTRAS = {"metadata": "metadata", "cache_key": "prompt_cache_key"}
"""Members that OpenAI has and many compatible servers refuse, by the hub's names."""

_request = Shape(WireRequest)
_reasoning = Shape(WireReasoning)
_thinking = Shape(WireThinking)
_format = Shape(WireFormat)
_json_schema = Shape(WireJsonSchema)
_tool = Shape(WireTool)
_function = Shape(WireFunction)
_custom = Shape(WireCustom)
_choice = Shape(WireToolChoice)


def read(body: bytes) -> Request:
    """Raises BadRequest naming the field in OpenAI's words (`messages.2.content.0.type`)."""
    try:
        refuse_bad_text(body)
        return _read(body)
    except BROKEN as error:
        raise bad_request(error, "") from None


def _read(body: bytes) -> Request:
    wire, vendor = _request.read_all(body, "")
    _refuse_what_is_gone(wire)
    if not wire.model:
        raise BadRequest("model: empty. Name a model.", param="model")
    if not wire.messages:
        raise BadRequest("messages: empty. Send at least one message.", param="messages")
    include_usage = openai_streaming.read(wire.stream_options, vendor, stream=bool(wire.stream))
    for member in EXTRAS.values():
        if getattr(wire, member) is not None:
            vendor[f"_{member}"] = json.raw(value=True)
    max_tokens = wire.max_tokens
    if wire.max_completion_tokens is not None:
        max_tokens = wire.max_completion_tokens
        vendor[MAX_TOKENS] = json.raw("max_completion_tokens")
    return Request(
        model=wire.model,
        messages=messages.read(wire.messages),
        tools=tuple(_read_tool(raw, f"tools.{index}") for index, raw in enumerate(wire.tools or ())),
        tool_choice=_read_tool_choice(wire.tool_choice, vendor),
        parallel_tool_calls=wire.parallel_tool_calls,
        max_tokens=max_tokens,
        stop=(wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ()),
        choices=wire.n,
        sampling=_read_sampling(wire, vendor),
        output=_read_output(wire.response_format, vendor),
        reasoning=_read_reasoning(wire, vendor),
        service_tier=wire.service_tier,
        user=wire.user,
        metadata=json.raw(wire.metadata) if wire.metadata else None,
        cache_key=wire.prompt_cache_key,
        stream=bool(wire.stream),
        include_usage=include_usage,
        cache=_read_cache(wire, vendor),
        vendor=vendor_of(vendor),
    )


def _refuse_what_is_gone(wire: WireRequest) -> None:
    for name, raw, instead in (
        ("functions", wire.functions, "tools"),
        ("function_call", wire.function_call, "tool_choice"),
    ):
        if given(raw) is not None:
            raise BadRequest(f"{name}: no longer supported. Send `{instead}` instead.", param=name)


def _read_sampling(wire: WireRequest, vendor: Members) -> Sampling:
    if wire.top_k is not None:
        vendor[TOP_K] = json.raw(value=True)
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        seed=wire.seed,
        presence_penalty=wire.presence_penalty,
        frequency_penalty=wire.frequency_penalty,
        logit_bias=None if wire.logit_bias is None else json.raw(wire.logit_bias),
        logprobs=wire.logprobs,
        top_logprobs=wire.top_logprobs,
        verbosity=wire.verbosity,
    )


def _read_cache(wire: WireRequest, vendor: Members) -> CacheMark | None:
    vendor.update(cache_note(wire.cache_control))
    return read_cache(wire.cache_control, "cache_control")


def _read_reasoning(wire: WireRequest, vendor: Members) -> ReasoningSettings | None:
    """`reasoning_effort`, OpenRouter's `reasoning`, or `thinking` of DeepSeek and its like."""
    router, thinking = WireReasoning(), WireThinking()
    spelled: Members = {}
    if given(wire.reasoning) is not None:
        router = _reasoning.read(wire.reasoning, "reasoning")
        spelled["reasoning"] = wire.reasoning
    if given(wire.thinking) is not None:
        thinking = _thinking.read(wire.thinking, "thinking")
        spelled["thinking"] = wire.thinking
    if spelled:
        if wire.reasoning_effort is not None:
            spelled["reasoning_effort"] = json.raw(wire.reasoning_effort)
        vendor[REASONING] = json.raw(spelled)
    elif wire.reasoning_effort is None:
        return None
    return reasoning_settings(wire.reasoning_effort or router.effort, router, thinking)


def reasoning_settings(
    effort: str | None, router: WireReasoning, thinking: WireThinking
) -> ReasoningSettings:
    enabled = router.enabled
    if thinking.type in ("enabled", "disabled"):
        enabled = thinking.type == "enabled"
    return ReasoningSettings(
        enabled=False if effort == "none" else enabled,
        effort=effort,
        budget_tokens=router.max_tokens if router.max_tokens is not None else thinking.budget_tokens,
        adaptive=thinking.type == "adaptive",
    )


def _read_output(raw: msgspec.Raw, vendor: Members) -> OutputFormat | None:
    if given(raw) is None:
        return None
    wire = _format.read(raw, "response_format")
    if wire.type == "text":
        return OutputFormat(kind="text")
    if wire.type == "json_object":
        return OutputFormat(kind="json_object")
    if wire.type != "json_schema":  # a grammar or regular expression: only the same dialect takes it
        vendor["response_format"] = raw
        return None
    path = "response_format.json_schema"
    if given(wire.json_schema) is None:
        raise missing_member(path)
    schema = _json_schema.read(wire.json_schema, path)
    return OutputFormat(
        kind="json_schema",
        name=schema.name,
        description=schema.description,
        schema=given(schema.schema) or msgspec.Raw(b"{}"),
        strict=schema.strict,
    )


def _read_tool_choice(raw: msgspec.Raw, vendor: Members) -> ToolChoice | None:
    if given(raw) is None:
        return None
    choice = read_choice(raw)
    if choice is not None:
        return choice
    wire = _choice.read(raw, "tool_choice")
    if wire.type in ("function", "custom"):
        named = wire.function if wire.type == "function" else wire.custom
        if named is None:
            raise missing_member(f"tool_choice.{wire.type}")
        return ToolChoice(mode="named", name=named.name)
    vendor["tool_choice"] = raw  # which tools are allowed, or a provider's own tool: nobody else knows
    if wire.allowed_tools is not None:
        return ToolChoice(mode="required" if wire.allowed_tools.mode == "required" else "auto")
    return None


def _read_tool(raw: msgspec.Raw, path: str) -> Tool:
    wire, rest = _tool.read_all(raw, path)
    if wire.type == "function":
        return _read_function(wire, rest, path)
    if wire.type == "custom":
        return _read_custom(wire, rest, path)
    return ProviderTool(dialect=NAME, type=wire.type, raw=raw)


def _read_function(wire: WireTool, rest: Members, path: str) -> FunctionTool:
    if given(wire.function) is None:
        raise missing_member(f"{path}.function")
    function, inner = _function.read_all(wire.function, f"{path}.function")
    return FunctionTool(
        name=function.name,
        description=function.description,
        schema=given(function.parameters),
        strict=function.strict,
        cache=read_cache(wire.cache_control, f"{path}.cache_control"),
        vendor=_tool_vendor(wire, rest, "function", inner),
    )


def _read_custom(wire: WireTool, rest: Members, path: str) -> CustomTool:
    if given(wire.custom) is None:
        raise missing_member(f"{path}.custom")
    custom, inner = _custom.read_all(wire.custom, f"{path}.custom")
    if given(custom.format) is not None and not bytes(custom.format).startswith(b"{"):
        raise BadRequest(f"{path}.custom.format: expected an object.", param=f"{path}.custom.format")
    return CustomTool(
        name=custom.name,
        description=custom.description,
        format=given(custom.format),
        vendor=_tool_vendor(wire, rest, "custom", inner),
    )


def _tool_vendor(wire: WireTool, rest: Members, member: str, inner: Members) -> Vendor | None:
    if inner:
        rest[member] = json.raw(inner)
    return vendor_of(rest, cache_note(wire.cache_control))
