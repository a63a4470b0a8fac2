"""Writing a request for a model behind Anthropic's API.

Byte-stable: the same hub request gives the same bytes, and a conversation that grows by a turn keeps the
bytes of what was there. Values that came as JSON (schemas, tool input) go out as they came.

Instructions after the first turn keep their place. Models that take them get a message of role `system`,
which must follow a user turn, end the conversation or precede an assistant turn, and never follow another
of its kind (mid-conversation system messages, 2026-11): within one user turn they therefore move behind what
the user said, as one message. Other models get a user turn that is marked as an instruction.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from sekisho.core.contract import TargetFacts, Written
from sekisho.core.loss import Losses
from sekisho.core.request import CustomTool, FunctionTool, Request, Tool
from sekisho.core.turns import INSTRUCTIONS, Numbered, join_results, said_by_user
from sekisho.dialects.anthropic_messages.blocks import Block, write_content, write_mark
from sekisho.dialects.anthropic_messages.request_settings import write_settings
from sekisho.dialects.anthropic_messages.schema import NAME, spread
from sekisho.wire.claude import rules
from sekisho.wire.json import encode
from sekisho.wire.tool_json import object_schema


def write(request: Request, target: TargetFacts) -> Written:
    """The body for `target`, and what of the request it cannot say."""
    losses = Losses(NAME)
    body: dict[str, object] = {"model": target.model}
    write_settings(body, request, target, losses)
    tools = [_write_tool(tool, f"tools.{index}", losses) for index, tool in enumerate(request.tools)]
    if tools:
        body["tools"] = [tool for tool in tools if tool is not None]
    numbered = list(enumerate(request.messages))
    first = next((at for at, message in numbered if message.role not in INSTRUCTIONS), len(numbered))
    system = _content(numbered[:first], losses) if first else ""
    if system:
        body["system"] = system
    system_turns = rules(target.model).system_turns
    body["messages"] = _write_turns(numbered[first:], losses, system_turns=system_turns)
    return Written(body=encode(body), losses=tuple(losses.found))


def _write_turns(
    numbered: Iterable[Numbered], losses: Losses, *, system_turns: bool
) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for is_assistant, turn in groupby(numbered, key=lambda item: item[1].role == "assistant"):
        if is_assistant:
            for item in turn:
                _write_message("assistant", [item], losses, out)
            continue
        items = list(turn)
        said = [item for item in items if item[1].role == "user"]
        for joined in join_results(said):
            _write_message("user", joined, losses, out)
        if len(said) == len(items):
            continue
        instructions = [item for item in items if item[1].role != "user"]
        if said and system_turns:
            _write_message("system", instructions, losses, out)
        else:
            _write_as_user(instructions, losses, out)
    return out


def _write_as_user(instructions: Sequence[Numbered], losses: Losses, out: list[dict[str, object]]) -> None:
    for at, message in instructions:
        losses.knob(f"messages.{at}.role", "instructions cannot stand here; sent as a marked user turn")
        parts = tuple(map(said_by_user, message.parts))
        _write_message("user", [(at, msgspec.structs.replace(message, parts=parts))], losses, out)


def _write_message(
    role: str, items: Sequence[Numbered], losses: Losses, out: list[dict[str, object]]
) -> None:
    """One message, or none: where nothing can be said there is no turn, for the API refuses empty ones."""
    content = _content(items, losses)
    message: dict[str, object] = {"role": role, "content": content}
    for _, item in items:
        message.update(spread(item.vendor))
    if content or (role == "user" and not any(item.parts for _, item in items)):
        out.append(message)


def _content(items: Sequence[Numbered], losses: Losses) -> str | list[Block]:
    for at, message in items:
        if message.name is not None:
            losses.knob(f"messages.{at}.name", "Anthropic's messages have no names")
        losses.foreign(f"messages.{at}", message.vendor)
    if len(items) == 1:
        return write_content(items[0][1].parts, f"messages.{items[0][0]}.parts", losses)
    blocks: list[Block] = []
    for at, message in items:
        content = write_content(message.parts, f"messages.{at}.parts", losses)
        blocks += [{"type": "text", "text": content}] if isinstance(content, str) else content
    return blocks


def _write_tool(tool: Tool, path: str, losses: Losses) -> Block | None:
    if isinstance(tool, FunctionTool):
        return _write_function(tool, path, losses)
    if isinstance(tool, CustomTool):
        losses.content(path, "Anthropic has no tools with free text as input")
        return None
    if tool.dialect != NAME:
        losses.content(path, f"only providers of the dialect {tool.dialect} run {tool.type}")
        return None
    return tool.raw


def _write_function(tool: FunctionTool, path: str, losses: Losses) -> dict[str, object]:
    written: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    written["input_schema"] = object_schema(tool.schema)
    if tool.strict is not None:
        written["strict"] = tool.strict
    if tool.cache is not None:
        written["cache_control"] = write_mark(tool.cache)
    losses.foreign(path, tool.vendor)
    return {**written, **spread(tool.vendor)}
