"""Reading Anthropic's request into the hub."""

from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import Message, Part, ToolResult, Vendor
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
from sekisho.dialects.anthropic_messages import schema
from sekisho.dialects.anthropic_messages.blocks import read_content, read_mark
from sekisho.dialects.anthropic_messages.schema import NAME, Invalid, decode, fields, rest
from sekisho.wire.json import encode

_request = msgspec.json.Decoder(schema.RequestIn)
_message = msgspec.json.Decoder(schema.MessageIn)
_tool = msgspec.json.Decoder(schema.ToolIn)

_REQUEST = fields(schema.RequestIn)
_MESSAGE = fields(schema.MessageIn)
_TOOL = fields(schema.ToolIn, "type")
_FUNCTION_TYPES = (b"null", b'"custom"')
_MODES: dict[str, Literal["auto", "none", "required", "named"]] = {
    "auto": "auto",
    "any": "required",
    "none": "none",
    "tool": "named",
}

# Objects that the hub knows in part: what it does not know travels in `vendor` under the same name.
_PARTLY: dict[str, frozenset[str]] = {
    "thinking": frozenset(("type", "budget_tokens")),
    "output_config": fields(schema.OutputConfigIn),
    "metadata": fields(schema.MetadataIn),
}

_Item = TypeVar("_Item")


def read(body: bytes) -> Request:
    """The call that a body asks for. Raises BadRequest naming the field in Anthropic's words."""
    try:
        schema.utf8(body)
        return _read(body)
    except Invalid as error:
        raise BadRequest(str(error), param=error.path or None) from None


def _read(body: bytes) -> Request:
    found = decode(schema.members, body)
    asked = decode(_request, body)
    if not asked.messages:
        raise Invalid("messages", "at least one message is required")
    reasoning = _reasoning(asked)
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
        output=_output(asked),
        reasoning=reasoning,
        service_tier=asked.service_tier,
        user=asked.metadata.user_id if asked.metadata else None,
        stream=bool(asked.stream),
        # Anthropic's streams always end with the usage.
        include_usage=bool(asked.stream),
        cache=read_mark(asked.cache_control),
        vendor=_vendor(found, asked),
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
    found = decode(schema.members, raw, path)
    message = decode(_message, raw, path)
    parts = read_content(message.content, f"{path}.content")
    return Message(role=message.role, parts=_results_first(parts), vendor=rest(found, _MESSAGE))


def _results_first(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    if not any(isinstance(part, ToolResult) for part in parts):
        return parts
    return tuple(sorted(parts, key=lambda part: not isinstance(part, ToolResult)))


def _read_tool(raw: msgspec.Raw, path: str) -> Tool:
    found = decode(schema.members, raw, path)
    kind = found.get("type", msgspec.Raw(b"null"))
    if bytes(kind) not in _FUNCTION_TYPES:
        return ProviderTool(dialect=NAME, type=decode(schema.text, kind, f"{path}.type"), raw=raw)
    tool = decode(_tool, raw, path)
    if not bytes(tool.input_schema).startswith(b"{"):
        raise Invalid(
            f"{path}.input_schema", "Field required" if "input_schema" not in found else "not an object"
        )
    return FunctionTool(
        name=tool.name,
        description=tool.description,
        schema=tool.input_schema,
        strict=tool.strict,
        cache=read_mark(tool.cache_control),
        vendor=rest(found, _TOOL),
    )


def _each(
    items: list[msgspec.Raw], path: str, read_one: Callable[[msgspec.Raw, str], _Item]
) -> tuple[_Item, ...]:
    return tuple(read_one(raw, f"{path}.{index}") for index, raw in enumerate(items))


def _choice(choice: schema.ToolChoiceIn) -> ToolChoice:
    if choice.type != "tool":
        return ToolChoice(mode=_MODES[choice.type])
    if choice.name is None:
        raise Invalid("tool_choice.name", "Field required")
    return ToolChoice(mode="named", name=choice.name)


def _parallel(choice: schema.ToolChoiceIn | None) -> bool | None:
    if choice is None or choice.disable_parallel_tool_use is None:
        return None
    return not choice.disable_parallel_tool_use


def _output(asked: schema.RequestIn) -> OutputFormat | None:
    """`output_format` says the same in the beta structured-outputs-2025-11-13."""
    wanted = (asked.output_config and asked.output_config.format) or asked.output_format
    return OutputFormat(kind="json_schema", schema=wanted.schema) if wanted else None


def _reasoning(asked: schema.RequestIn) -> ReasoningSettings | None:
    effort = asked.output_config.effort if asked.output_config else None
    thinking = asked.thinking
    if thinking is None:
        return ReasoningSettings(effort=effort) if effort else None
    if thinking.type == "enabled" and thinking.budget_tokens is None:
        raise Invalid("thinking.budget_tokens", "Field required")
    return ReasoningSettings(
        enabled=thinking.type in ("enabled", "adaptive"),
        effort=effort,
        budget_tokens=thinking.budget_tokens if thinking.type == "enabled" else None,
        adaptive=thinking.type == "adaptive",
    )


def _vendor(found: Members, asked: schema.RequestIn) -> Vendor | None:
    vendor = rest(found, _REQUEST)
    for name, known in _PARTLY.items():
        if getattr(asked, name) is None:
            continue
        inner = rest(schema.members.decode(found[name]), known)
        if inner is not None:
            vendor = {NAME: {**(vendor or {}).get(NAME, {}), name: msgspec.Raw(encode(inner[NAME]))}}
    return vendor
