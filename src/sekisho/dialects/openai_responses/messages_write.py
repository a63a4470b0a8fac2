"""The hub's conversation as `instructions` and `input` items.

Every message is written from itself alone, so that a longer conversation starts with the same bytes. (Which
outputs are a custom tool's is known from the calls before them.)

What became of earlier thinking: OpenAI takes back what it encrypted (`encrypted_content`), and nothing else;
a summary alone means nothing to it. Thinking without that is written only where it came by this dialect, or
where the endpoint is known to want it (`TargetFacts.extensions` names `reasoning_content`, as open models
do). Otherwise it is dropped as a named loss, not as content: a model answers without it.
"""

from collections.abc import Sequence

from sekisho.core.message import (
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from sekisho.dialects.openai_responses import content, content_write, items
from sekisho.dialects.openai_responses.content_write import Item, Placed, Writing
from sekisho.dialects.openai_responses.conversation import CALLED, CUSTOM, as_instructions
from sekisho.dialects.openai_responses.items import ITEM
from sekisho.dialects.openai_responses.shape import NAME, own, spread
from sekisho.wire import json

THINKING = "reasoning_content"
"""The extension of endpoints that take plain thinking back."""


def write(messages: Sequence[Message], writing: Writing) -> tuple[str | None, list[object]]:
    """(`instructions`, `input`)."""
    written: list[object] = []
    custom = {
        part.id
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCall) and part.custom
    }
    instructions = as_instructions(messages[0]) if messages else None
    for index, message in enumerate(messages):
        if instructions is not None and index == 0:
            continue
        path = f"messages.{index}"
        writing.foreign(path, message.vendor)
        if message.name is not None:
            writing.knob(f"{path}.name", "messages have no names")
        parts = [(f"{path}.parts.{number}", part) for number, part in enumerate(message.parts)]
        if message.role == "assistant":
            written += _assistant(parts, writing)
        else:
            written += _others(message, parts, custom, writing)
    return instructions, written


def _others(message: Message, parts: list[Placed], custom: set[str], writing: Writing) -> list[object]:
    """System, developer and user messages; tool results go before them as items of their own."""
    written: list[object] = []
    rest: list[Placed] = []
    for path, part in parts:
        if isinstance(part, ToolResult):
            written.append(_result(part, path, custom, writing))
        elif isinstance(part, Opaque) and part.dialect == NAME and not content.is_content(part):
            written.append(part.raw)
        else:
            rest.append((path, part))
    if rest or not written:
        said = content_write.write(rest, writing)
        known = items.head(message.vendor)
        item: Item = {"type": "message", **known, "role": message.role, "content": said}
        written.append({**item, **spread(message.vendor)})
    return written


def _result(result: ToolResult, path: str, custom: set[str], writing: Writing) -> Item:
    if result.is_error:
        writing.knob(f"{path}.is_error", "an output cannot say that the tool failed")
    writing.foreign(path, result.vendor)
    writing.unmarked(path, result.cache)
    parts = [(f"{path}.parts.{index}", part) for index, part in enumerate(result.parts)]
    is_custom = result.call_id in custom or CUSTOM in own(result.vendor)
    return {
        "type": "custom_tool_call_output" if is_custom else "function_call_output",
        **items.head(result.vendor),
        **_called(result),
        "call_id": result.call_id,
        "output": content_write.write(parts, writing),
        **spread(result.vendor),
    }


def _called(result: ToolResult) -> Item:
    """Which tool gave the result, where its client said it again."""
    noted = own(result.vendor).get(CALLED)
    said = json.decode(noted) if noted is not None else {}
    return {name: value for name, value in said.items() if value is not None}


def _assistant(parts: list[Placed], writing: Writing) -> list[object]:
    groups: list[list[Part]] = []
    for path, part in parts:
        kept = _kept(part, path, writing)
        if kept is None:
            continue
        writing.foreign(path, kept.vendor)
        writing.unmarked(path, kept.cache)
        if groups and items.joins(groups[-1][-1], kept):
            groups[-1].append(kept)
        else:
            groups.append([kept])
    return [_item(group) for group in groups]


def _kept(part: Part, path: str, writing: Writing) -> Part | None:
    """The part as it can be said, if it can."""
    match part:
        case Text() | Refusal() | RedactedReasoning():
            return part
        case ToolCall():
            return _kept_call(part, path, writing)
        case Reasoning():
            return _kept_thought(part, path, writing)
        case Opaque(dialect=dialect) if dialect == NAME:
            return part
        case Image() if ITEM in own(part.vendor):
            return part
    writing.content(path, "no item of the assistant's can hold it")
    return None


def _kept_call(call: ToolCall, path: str, writing: Writing) -> ToolCall:
    if call.signature is None or ITEM in own(call.vendor) or "signature" in writing.facts.extensions:
        return call
    writing.knob(f"{path}.signature", "calls are not signed")
    return ToolCall(
        id=call.id,
        name=call.name,
        arguments=call.arguments,
        custom=call.custom,
        cache=call.cache,
        vendor=call.vendor,
    )


def _kept_thought(part: Reasoning, path: str, writing: Writing) -> Part | None:
    if part.signature is not None or ITEM in own(part.vendor) or items.JOINED in own(part.vendor):
        return part
    if THINKING in writing.facts.extensions:
        return items.thought("content", [part.text], {})
    writing.knob(path, "only thinking that the provider encrypted goes back to it")
    return None


def _item(group: Sequence[Part]) -> object:
    first = group[0]
    if isinstance(first, Opaque) and not content.is_content(first):
        return first.raw
    known = items.head(first.vendor)
    if "id" in known and not isinstance(first, Reasoning | RedactedReasoning):
        known.setdefault("status", "completed")  # compulsory beside an id, says the official SDK
    item = items.write(group, known)
    if isinstance(first, Text) and len(group) == 1 and not known and own(first.vendor).keys() <= {ITEM}:
        item["content"] = first.text
    return item
