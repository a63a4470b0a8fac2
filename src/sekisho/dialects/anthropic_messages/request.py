"""Reading Anthropic's request into the hub."""

from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

from sekisho.core.error import BadRequest
from sekisho.core.message import Message
from sekisho.core.request import (
    FunctionTool,
    OutputFormat,
    ProviderTool,
    ReasoningSettings,
    Request,
    Sampling,
    Tool,
    ToolChoice,
)
from sekisho.core.turns import results_first
from sekisho.dialects.anthropic_messages import schema
from sekisho.dialects.anthropic_messages.blocks import read_content, read_mark
from sekisho.dialects.anthropic_messages.schema import NAME, vendor_of
from sekisho.wire.shape import BROKEN, bad_request, given, missing_member, refuse_bad_text

_MODES: dict[str, Literal["auto", "none", "required", "named"]] = {
    "auto": "auto",
    "any": "required",
    "none": "none",
    "tool": "named",
}

_Item = TypeVar("_Item")


def read(body: bytes) -> Request:
    """The call that a body asks for. Raises BadRequest naming the field in Anthropic's words."""
    try:
        refuse_bad_text(body)
        return _read(body)
    except BROKEN as error:
        raise bad_request(error, "") from None


def _read(body: bytes) -> Request:
    asked, vendor = schema.request.read_all(body, "")
    if not asked.messages:
        raise BadRequest("messages: empty. Send at least one message.", param="messages")
    config = schema.output_config.read_member(asked.output_config, "output_config", vendor)
    thinking = schema.thinking.read_member(asked.thinking, "thinking", vendor)
    metadata = schema.metadata.read_member(asked.metadata, "metadata", vendor)
    choice = asked.tool_choice
    return Request(
        model=asked.model,
        messages=_messages(asked),
        tools=_each(asked.tools or [], "tools", _read_tool),
        tool_choice=None if choice is None else _choice(choice),
        parallel_tool_calls=_parallel(choice),
        max_tokens=asked.max_tokens,
        stop=tuple(asked.stop_sequences or ()),
        sampling=Sampling(temperature=asked.temperature, top_p=asked.top_p, top_k=asked.top_k),
        output=_output((config and config.format) or asked.output_format),
        reasoning=_reasoning(thinking, config.effort if config else None),
        service_tier=asked.service_tier,
        user=metadata.user_id if metadata else None,
        stream=bool(asked.stream),
        # Anthropic's streams always end with the usage.
        include_usage=bool(asked.stream),
        cache=read_mark(asked.cache_control),
        vendor=vendor_of(vendor),
    )


def _messages(asked: schema.RequestIn) -> tuple[Message, ...]:
    messages = _each(asked.messages, "messages", _read_message)
    if not asked.system:
        return messages
    parts = read_content(asked.system, "system")
    if messages[0].role == "system":  # the API refuses it; we let it continue the instructions
        parts += messages[0].parts
        messages = messages[1:]
    return (Message(role="system", parts=parts), *messages)


def _read_message(raw: msgspec.Raw, path: str) -> Message:
    message, rest = schema.message.read_all(raw, path)
    parts = read_content(message.content, f"{path}.content")
    return Message(role=message.role, parts=results_first(parts), vendor=vendor_of(rest))


def _read_tool(raw: msgspec.Raw, path: str) -> Tool:
    kind = schema.tool_kind.read(raw, path).type
    if kind not in (None, "custom"):
        return ProviderTool(dialect=NAME, type=kind, raw=raw)
    tool, rest = schema.tool.read_all(raw, path)
    field = f"{path}.input_schema"
    if given(tool.input_schema) is None:
        raise missing_member(field)
    if not bytes(tool.input_schema).startswith(b"{"):
        raise BadRequest(f"{field}: expected an object.", param=field)
    return FunctionTool(
        name=tool.name,
        description=tool.description,
        schema=tool.input_schema,
        strict=tool.strict,
        cache=read_mark(tool.cache_control),
        vendor=vendor_of(rest),
    )


def _each(
    items: list[msgspec.Raw], path: str, read_one: Callable[[msgspec.Raw, str], _Item]
) -> tuple[_Item, ...]:
    return tuple(read_one(raw, f"{path}.{index}") for index, raw in enumerate(items))


def _choice(choice: schema.ToolChoiceIn) -> ToolChoice:
    if choice.type != "tool":
        return ToolChoice(mode=_MODES[choice.type])
    if choice.name is None:
        raise missing_member("tool_choice.name")
    return ToolChoice(mode="named", name=choice.name)


def _parallel(choice: schema.ToolChoiceIn | None) -> bool | None:
    if choice is None or choice.disable_parallel_tool_use is None:
        return None
    return not choice.disable_parallel_tool_use


def _output(wanted: schema.OutputFormatIn | None) -> OutputFormat | None:
    return OutputFormat(kind="json_schema", schema=wanted.schema) if wanted else None


def _reasoning(thinking: schema.ThinkingIn | None, effort: str | None) -> ReasoningSettings | None:
    if thinking is None:
        return ReasoningSettings(effort=effort) if effort else None
    if thinking.type == "enabled" and thinking.budget_tokens is None:
        raise missing_member("thinking.budget_tokens")
    return ReasoningSettings(
        enabled=thinking.type in ("enabled", "adaptive"),
        effort=effort,
        budget_tokens=thinking.budget_tokens if thinking.type == "enabled" else None,
        adaptive=thinking.type == "adaptive",
    )
