"""Tools and the choice among them, read and written.

`strict` differs by API: left out, it means strict schemas here, to which OpenAI bends them as far as it can,
but lenient ones in Chat Completions (https://platform.openai.com/docs/guides/function-calling, "strict
mode", 2026-11). So the hub's None is written as `false`, unless this API's own client left it out, which the
note `_strict` says.

The hub's grammars are those of Chat Completions, `{"type": "grammar", "grammar": {...}}`; here they are flat.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import Members
from sekisho.core.request import CustomTool, FunctionTool, ProviderTool, Tool, ToolChoice
from sekisho.dialects.openai_responses import namespaces
from sekisho.dialects.openai_responses.content_write import Item, Writing
from sekisho.dialects.openai_responses.schema import WireTool, WireToolChoice
from sekisho.dialects.openai_responses.shape import NAME, own, spread, vendor_of
from sekisho.wire import json, openai_request
from sekisho.wire.json import members_of
from sekisho.wire.shape import BROKEN, Shape, bad_request, given, missing_member

STRICT = "_strict"
GRAMMAR = "grammar"

_tool = Shape(WireTool)
_choice = Shape(WireToolChoice)


def read(raws: Sequence[msgspec.Raw]) -> tuple[Tool, ...]:
    """All tools, those of a namespace one by one. Raises BadRequest."""
    found: list[Tool] = []
    for index, raw in enumerate(raws):
        tool = _read(raw, f"tools.{index}")
        grouped: Sequence[Tool] = ()
        if isinstance(tool, ProviderTool) and tool.type == "namespace":
            grouped = namespaces.read(raw, f"tools.{index}", _read)
        found += grouped or (tool,)
    return tuple(found)


def _read(raw: msgspec.Raw, path: str) -> Tool:
    """One tool. What the hub does not know, the provider runs itself."""
    wire, rest = _tool.read_all(raw, path)
    if wire.type not in ("function", "custom"):
        return ProviderTool(dialect=NAME, type=wire.type, raw=raw)
    if wire.name is None:
        raise missing_member(f"{path}.name")
    if wire.type == "custom":
        form = _read_format(wire.format, f"{path}.format")
        return CustomTool(name=wire.name, description=wire.description, format=form, vendor=vendor_of(rest))
    notes = {STRICT: json.raw(None)} if wire.strict is None else {}
    return FunctionTool(
        name=wire.name,
        description=wire.description,
        schema=given(wire.parameters),
        strict=wire.strict,
        vendor=vendor_of(rest, notes),
    )


def read_choice(raw: msgspec.Raw, vendor: Members) -> ToolChoice | None:
    """`tool_choice`; what only this dialect knows of it is kept in `vendor`. Raises BadRequest."""
    if given(raw) is None:
        return None
    choice = openai_request.read_choice(raw)
    if choice is not None:
        return choice
    wire = _choice.read(raw, "tool_choice")
    if wire.type in ("function", "custom"):
        if wire.name is None:
            raise missing_member("tool_choice.name")
        return ToolChoice(mode="named", name=wire.name)
    vendor["tool_choice"] = raw  # which tools are allowed, or a provider's own tool: nobody else knows
    if wire.type == "allowed_tools":
        return ToolChoice(mode="required" if wire.mode == "required" else "auto")
    return None


def write(tools: Sequence[Tool], writing: Writing) -> list[object]:
    """The `tools`."""
    out: list[object] = []
    for index, tool in enumerate(tools):
        path = f"tools.{index}"
        if not isinstance(tool, ProviderTool):
            namespaces.write(tool, _write(tool, path, writing), out)
        elif tool.dialect == NAME:
            out.append(tool.raw)
        else:
            writing.content(path, f"a tool that only {tool.dialect} runs")
    return out


def _write(tool: FunctionTool | CustomTool, path: str, writing: Writing) -> Item:
    writing.foreign(path, tool.vendor)
    item: Item = {"type": "custom" if isinstance(tool, CustomTool) else "function", "name": tool.name}
    if tool.description is not None:
        item["description"] = tool.description
    if isinstance(tool, CustomTool):
        if tool.format is not None:
            item["format"] = _flat(tool.format)
        return {**item, **spread(tool.vendor)}
    writing.unmarked(path, tool.cache)
    item["parameters"] = tool.schema
    if tool.strict is not None or STRICT not in own(tool.vendor):
        item["strict"] = bool(tool.strict)
    return {**item, **spread(tool.vendor)}


def write_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> object:
    if choice.mode != "named":
        return choice.mode
    return {"type": openai_request.kind_of(choice.name, tools), "name": choice.name}


def _read_format(raw: msgspec.Raw, path: str) -> msgspec.Raw | None:
    if given(raw) is None:
        return None
    try:
        members = members_of(raw)
    except BROKEN as error:
        raise bad_request(error, path) from None
    kind = members.pop("type", msgspec.Raw(b"null"))
    if bytes(kind) != b'"grammar"' or GRAMMAR in members:
        return raw
    return json.raw({"type": kind, GRAMMAR: members})


def _flat(form: msgspec.Raw) -> object:
    try:
        members = members_of(form)
        inner = members_of(members.pop(GRAMMAR, b""))
    except BROKEN:
        return form
    return {**members, **inner}
