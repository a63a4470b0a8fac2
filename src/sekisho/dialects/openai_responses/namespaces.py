"""Tools that are grouped under a name, as Codex sends its own and those of MCP servers, and calls of them.

No other API has such groups: the hub has each tool on its own, under a name that says both and can be taken
apart again without knowing the request: `ns13_collaboration_spawn_agent`, the number being the length of the
namespace, which may hold underscores. What the namespace says of itself stands before what each tool does. A
call goes back to a client as it insists on it, with `namespace` beside `name` (openai-python 3.54,
`types/responses/namespace_tool.py`; https://github.com/vllm-project/vllm/issues/46737, 2026-11).

Notes in a tool's vendor members: `_namespace`, the group without its tools, and `_place`, the tool's in it.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from sekisho.core.request import CustomTool, FunctionTool, Tool
from sekisho.dialects.openai_responses.schema import WireNamespace
from sekisho.dialects.openai_responses.shape import NAME, own
from sekisho.wire import json
from sekisho.wire.json import members_of
from sekisho.wire.shape import Shape

if TYPE_CHECKING:
    from sekisho.core.contract import Members

LONGEST = 64
"""Characters of a function's name, in every API."""
NAMESPACE = "_namespace"
PLACE = "_place"

_namespace = Shape(WireNamespace)
_JOINED = re.compile(r"ns([1-9]\d?)_", re.ASCII)
_BETWEEN = "\n\n"


def joined(namespace: str | None, name: str) -> str:
    """The hub's name of a tool."""
    return f"ns{len(namespace)}_{namespace}_{name}" if namespace else name


def parted(name: str) -> tuple[str | None, str]:
    """(namespace, name) of a name of the hub's."""
    found = _JOINED.match(name)
    if found is None:
        return None, name
    end = found.end() + int(found[1])
    inner = name[end + 1 :]
    return (name[found.end() : end], inner) if name[end : end + 1] == "_" and inner else (None, name)


def read(
    raw: msgspec.Raw, path: str, read_tool: Callable[[msgspec.Raw, str], Tool]
) -> Sequence[FunctionTool | CustomTool]:
    """The tools of a namespace; none where one of them could not be named, or is not the client's own. Raises
    BadRequest."""
    wire, rest = _namespace.read_all(raw, path)
    head: Members = {"type": json.raw(wire.type), "name": json.raw(wire.name)}
    if wire.description is not None:
        head["description"] = json.raw(wire.description)
    found: list[FunctionTool | CustomTool] = []
    for place, item in enumerate(wire.tools):
        tool = read_tool(item, f"{path}.tools.{place}")
        if not isinstance(tool, FunctionTool | CustomTool):
            return ()
        name = joined(wire.name, tool.name)
        if len(name) > LONGEST:
            return ()
        notes = {NAMESPACE: json.raw({**head, **rest}), PLACE: json.raw(place)}
        said = [text for text in (wire.description, tool.description) if text is not None]
        found.append(
            msgspec.structs.replace(
                tool,
                name=name,
                description=_BETWEEN.join(said) if said else None,
                vendor={NAME: {**own(tool.vendor), **notes}},
            )
        )
    return found


def write(tool: FunctionTool | CustomTool, item: dict[str, object], out: list[object]) -> None:
    """Adds a tool, written as `item`, to `out`: to the namespace that it came in, if it did."""
    notes = own(tool.vendor)
    if NAMESPACE not in notes:
        out.append(item)
        return
    head = members_of(notes[NAMESPACE])
    item["name"] = parted(tool.name)[1]
    if "description" in head:
        before = msgspec.json.decode(head["description"], type=str)
        after = (tool.description or "").removeprefix(before)
        item.pop("description", None)
        if after:
            item["description"] = after.removeprefix(_BETWEEN)
    last = out[-1] if out else None
    tools = last.get("tools") if isinstance(last, dict) else None
    if bytes(notes[PLACE]) == b"0" or not isinstance(tools, list):
        tools = []
        out.append({**head, "tools": tools})
    tools.append(item)
