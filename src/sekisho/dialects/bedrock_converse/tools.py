"""`toolConfig` <-> the hub's tools.

Two rules of the API (2026-11) shape what is written. It refuses a conversation in which tools were used
unless tools are offered; where a request offers none, a placeholder stands in, the same in every turn. And
it has no word for "call no tool": the tools are then withheld.
"""

import msgspec

from sekisho.core.error import BadRequest
from sekisho.core.message import ToolCall, ToolResult
from sekisho.core.request import CustomTool, FunctionTool, ProviderTool, Request, Tool, ToolChoice
from sekisho.dialects.bedrock_converse import schema
from sekisho.dialects.bedrock_converse.blocks import CACHE_POINT, read_mark
from sekisho.dialects.bedrock_converse.blocks_write import Writing, write_mark
from sekisho.dialects.bedrock_converse.schema import NAME, Block, spread, union, vendor_of
from sekisho.wire.shape import Shape, given
from sekisho.wire.tool_json import object_schema

_spec = Shape(schema.ToolSpecIn)
_named = Shape(schema.NamedIn)
_PLACEHOLDER: dict[str, object] = {
    "toolSpec": {
        "name": "no_tool_available",
        "description": "Placeholder. No tool can be called now.",
        "inputSchema": {"json": object_schema(None)},
    }
}


# --- reading --------------------------------------------------------------------------------------


def read(config: schema.ToolConfigIn | None) -> tuple[Tool, ...]:
    """Raises BadRequest."""
    found: list[Tool] = []
    for index, raw in enumerate(config.tools if config else ()):
        path = f"toolConfig.tools.{index}"
        name, value = union(raw, path)
        last = found[-1] if found else None
        if name == CACHE_POINT and isinstance(last, FunctionTool):
            found[-1] = msgspec.structs.replace(last, cache=read_mark(value, f"{path}.{name}"))
        elif name == "toolSpec":
            found.append(_read_spec(value, f"{path}.{name}"))
        else:
            found.append(ProviderTool(dialect=NAME, type=name, raw=raw))
    return tuple(found)


def _read_spec(raw: msgspec.Raw, path: str) -> FunctionTool:
    wire, rest = _spec.read_all(raw, path)
    if not bytes(wire.input_schema.json).startswith(b"{"):
        raise BadRequest(f"{path}.inputSchema.json: expected an object.", param=f"{path}.inputSchema.json")
    return FunctionTool(
        name=wire.name,
        description=wire.description,
        schema=wire.input_schema.json,
        strict=wire.strict,
        vendor=vendor_of(rest),
    )


def read_choice(config: schema.ToolConfigIn | None) -> ToolChoice | None:
    """Raises BadRequest."""
    if config is None or given(config.tool_choice) is None:
        return None
    path = "toolConfig.toolChoice"
    name, value = union(config.tool_choice, path)
    if name == "tool":
        return ToolChoice(mode="named", name=_named.read(value, f"{path}.tool").name)
    if name == "auto":
        return ToolChoice(mode="auto")
    if name == "any":
        return ToolChoice(mode="required")
    raise BadRequest(f"{path}: one of `auto`, `any` and `tool`, not {name[:64]!r}.", param=path)


# --- writing --------------------------------------------------------------------------------------


def write(request: Request, writing: Writing) -> dict[str, object]:
    """`toolConfig`; empty where there is nothing to say."""
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        if request.tools:
            writing.losses.knob("tools", "Bedrock has no word against calling tools; they are withheld")
        writing.losses.knob("tool_choice", "Bedrock has no word for it; no tool is offered instead")
        return _without_tools(request)
    tools: list[Block] = []
    for index, tool in enumerate(request.tools):
        tools += _write_tool(tool, f"tools.{index}", writing)
    if not tools:
        if choice is not None and (request.tools or choice.mode != "auto"):
            writing.losses.content("tool_choice", "there is no tool that could be called")
        return _without_tools(request)
    return {"tools": tools} if choice is None else {"tools": tools, "toolChoice": _write_choice(choice)}


def _without_tools(request: Request) -> dict[str, object]:
    used = any(
        isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts
    )
    return {"tools": [_PLACEHOLDER]} if used else {}


def _write_choice(choice: ToolChoice) -> dict[str, object]:
    if choice.mode == "named":
        return {"tool": {"name": choice.name}}
    return {"any": {}} if choice.mode == "required" else {"auto": {}}


def _write_tool(tool: Tool, path: str, writing: Writing) -> list[Block]:
    if isinstance(tool, CustomTool):
        writing.losses.content(path, "Bedrock has no tools with free text as input")
        return []
    if isinstance(tool, ProviderTool):
        if tool.dialect == NAME:
            return [tool.raw]
        writing.losses.content(path, f"only providers of the dialect {tool.dialect} run {tool.type}")
        return []
    spec: dict[str, object] = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": object_schema(tool.schema)}
    if tool.strict is not None:
        spec["strict"] = tool.strict
    writing.losses.foreign(path, tool.vendor)
    written: list[Block] = [{"toolSpec": {**spec, **spread(tool.vendor)}}]
    if tool.cache is None:
        return written
    if writing.family.cache_points and not writing.family.cached_tools:
        writing.losses.knob(f"{path}.cache", "this model caches no tools")
        return written
    return written + write_mark(tool.cache, f"{path}.cache", writing)
