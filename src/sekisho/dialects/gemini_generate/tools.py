"""Tools and which of them the model may call: `tools` and `toolConfig` <-> the hub's.

One of Google's tools may hold many functions and tools that Google runs; the hub has each on its own.
Functions that stand together are written together. Notes: `_parameters`, the schema of arguments in Google's
own form, as it came; whatever `toolConfig` says beyond the hub's choice keeps it whole in `vendor`.
"""

from typing import Literal

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.request import CustomTool, FunctionTool, ProviderTool, Tool, ToolChoice
from sekisho.dialects.gemini_generate import json_schema, schema
from sekisho.dialects.gemini_generate.contents import listed
from sekisho.dialects.gemini_generate.parts_write import Item, Writing
from sekisho.dialects.gemini_generate.schema import NAME, own, spread, vendor_of
from sekisho.wire.json import members_of, raw
from sekisho.wire.shape import bad_request, given

PARAMETERS = "_parameters"
TOOL_CONFIG = "toolConfig"
_FUNCTIONS = "functionDeclarations"

_functions: msgspec.json.Decoder[schema.Listed] = msgspec.json.Decoder(schema.Listed)
_Mode = Literal["auto", "none", "required"]
_MODES: dict[str, _Mode] = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}
_WORDS = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}
_UNSAID = (None, "", "MODE_UNSPECIFIED")


def read(tools: schema.Listed) -> tuple[Tool, ...]:
    """Raises BadRequest naming the field."""
    found: list[Tool] = []
    for index, item in enumerate(listed(tools)):
        path = f"tools.{index}"
        try:
            members = members_of(item)
            functions = _functions.decode(members.get(_FUNCTIONS, b"null"))
        except msgspec.DecodeError as error:
            raise bad_request(error, path) from None
        for name, value in members.items():
            if name == _FUNCTIONS:
                found += [
                    _function(one, f"{path}.{name}.{number}") for number, one in enumerate(listed(functions))
                ]
            elif given(value) is not None:
                found.append(ProviderTool(dialect=NAME, type=name, raw=raw({name: value})))
    return tuple(found)


def read_choice(config: msgspec.Raw, vendor: Members) -> ToolChoice | None:
    """The choice that `toolConfig` makes. What it says beyond it goes into `vendor`, whole."""
    path = f"{TOOL_CONFIG}.functionCallingConfig"
    outer, rest = schema.tool_config.read_all(config, TOOL_CONFIG)
    calling = outer.function_calling_config
    if given(calling) is None:
        vendor[TOOL_CONFIG] = config
        return None
    wire, inner = schema.function_calling_config.read_all(calling, path)
    names = wire.allowed_function_names or []
    mode = None if wire.mode in _UNSAID else _MODES.get((wire.mode or "").upper())
    if mode is None and wire.mode not in _UNSAID:
        raise BadRequest(f"{path}.mode: unknown. Use AUTO, ANY, NONE or VALIDATED.", param=f"{path}.mode")
    plain = wire.mode in ("AUTO", "NONE") and not names
    plain = plain or (wire.mode == "ANY" and len(names) < 2)
    if rest or inner or not plain:
        vendor[TOOL_CONFIG] = config
    if mode == "required" and len(names) == 1:
        return ToolChoice(mode="named", name=names[0])
    return None if mode is None else ToolChoice(mode=mode)


def write(tools: tuple[Tool, ...], writing: Writing) -> list[object]:
    """The `tools`."""
    written: list[object] = []
    functions: list[Item] | None = None
    for index, tool in enumerate(tools):
        path = f"tools.{index}"
        if isinstance(tool, FunctionTool):
            if functions is None:
                functions = []
                written.append({_FUNCTIONS: functions})
            functions.append(_write_function(tool, path, writing))
        elif isinstance(tool, CustomTool):
            writing.content(path, "Gemini has no tools with free text as input")
        elif tool.dialect == NAME:
            functions = None
            written.append(tool.raw)
        else:
            writing.content(path, f"only providers of the dialect {tool.dialect} run {tool.type}")
    return written


def write_choice(choice: ToolChoice | None, kept: Members) -> Item:
    """The `toolConfig`, if any."""
    if choice is None or TOOL_CONFIG in kept:
        return {}  # what was kept is written with everything else
    config: Item = {"mode": _WORDS[choice.mode]}
    if choice.name is not None:
        config["allowedFunctionNames"] = [choice.name]
    return {TOOL_CONFIG: {"functionCallingConfig": config}}


def _function(item: msgspec.Raw, path: str) -> FunctionTool:
    wire, rest = schema.function_declaration.read_all(item, path)
    parameters = given(wire.parameters_json_schema)
    notes: Members = {}
    if parameters is None and given(wire.parameters) is not None:
        parameters = json_schema.from_openapi(wire.parameters)
        notes[PARAMETERS] = wire.parameters
    return FunctionTool(
        name=wire.name,
        description=wire.description,
        schema=parameters,
        vendor=vendor_of(rest, notes),
    )


def _write_function(tool: FunctionTool, path: str, writing: Writing) -> Item:
    written: Item = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    noted = own(tool.vendor).get(PARAMETERS)
    if noted is not None:
        written["parameters"] = noted
    elif tool.schema is not None:
        written["parametersJsonSchema"] = tool.schema
    if tool.strict is not None:
        writing.knob(f"{path}.strict", "Gemini has no strict functions; the mode VALIDATED checks all calls")
    if tool.cache is not None:
        writing.knob(f"{path}.cache", "Gemini caches prefixes by itself")
    writing.foreign(path, tool.vendor)
    return {**written, **spread(tool.vendor)}
