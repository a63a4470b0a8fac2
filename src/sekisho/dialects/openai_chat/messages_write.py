"""The hub's conversation as OpenAI's messages.

Every message is written from itself alone, so that a longer conversation starts with the same bytes.

What became of earlier thinking: OpenAI's API takes none back, and strict servers refuse the members that
others invented for it. So a part of thinking is written only where it came by this dialect, or where the
endpoint is known to want it (`TargetFacts.extensions` names `reasoning_content`, as DeepSeek and Moonshot
demand in tool loops, or `reasoning_details`). Otherwise it is dropped as a named loss, not as content:
a model answers without it, as OpenAI's models always do.
"""

from collections.abc import Sequence

from sekisho.core.message import (
    Audio,
    Document,
    FileRef,
    Image,
    Message,
    Opaque,
    Part,
    PlainText,
    Reasoning,
    RedactedReasoning,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from sekisho.dialects.openai_chat import reasoning, signatures
from sekisho.dialects.openai_chat.parts import TOOL_MEDIA
from sekisho.dialects.openai_chat.parts_write import (
    Item,
    Writing,
    write_call,
    write_content,
    write_image,
    write_items,
)
from sekisho.dialects.openai_chat.shape import own, spread

_MEDIA = (Image, Document, Audio, Video)
_FOLLOWS = "(The result follows in the next message.)"

Placed = tuple[str, Part]
"""A part and its path in hub terms."""


def write(messages: Sequence[Message], writing: Writing) -> list[Item]:
    written: list[Item] = []
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        writing.foreign(path, message.vendor)
        parts = [(f"{path}.parts.{number}", part) for number, part in enumerate(message.parts)]
        if message.role == "assistant":
            written.append(_assistant(message, parts, writing))
        else:
            written += _others(message, parts, writing)
    return written


def _others(message: Message, parts: list[Placed], writing: Writing) -> list[Item]:
    """System, developer and user messages; tool results go before them as messages of their own."""
    written: list[Item] = []
    moved: list[object] = []
    rest: list[Placed] = []
    for path, part in parts:
        if isinstance(part, ToolResult):
            written.append(_tool_result(part, path, writing, moved))
        else:
            rest.append((path, part))
    if rest or moved or not written:
        content: object = write_content(rest, writing)
        if moved:
            content = [*moved, *write_items(rest, writing)]
        written.append({"role": message.role, "content": content, **_name(message), **spread(message.vendor)})
    return written


def _tool_result(result: ToolResult, path: str, writing: Writing, moved: list[object]) -> Item:
    """The `tool` message. What strict servers refuse in it, images above all, is put into `moved`, which the
    user says after all results: it must not fail the agents whose tools take screenshots."""
    if result.is_error:
        writing.knob(f"{path}.is_error", "a tool message cannot say that the tool failed")
    writing.foreign(path, result.vendor)
    parts = [(f"{path}.parts.{index}", part) for index, part in enumerate(result.parts)]
    takes_media = TOOL_MEDIA in own(result.vendor) or "tool_images" in writing.facts.extensions
    inside: list[Placed] = []
    outside: list[Placed] = []
    for place, part in parts:
        stays = takes_media or not isinstance(part, _MEDIA) or _is_text(part)
        (inside if stays else outside).append((place, part))
    content = write_content(inside, writing)
    items = write_items(outside, writing)
    if items:
        writing.knob(f"{path}.parts", "tool messages hold text only; the rest follows as said by the user")
        moved += [{"type": "text", "text": f"From the result of the tool call {result.call_id}:"}, *items]
    return {
        "role": "tool",
        "tool_call_id": result.call_id,
        "content": content or (_FOLLOWS if items else ""),
        **writing.mark(path, result.cache, result.vendor),
        **spread(result.vendor),
    }


def _is_text(part: Part) -> bool:
    return isinstance(part, Document) and isinstance(part.source, PlainText)


def _assistant(message: Message, parts: list[Placed], writing: Writing) -> Item:
    thoughts: list[Placed] = []
    content: list[Placed] = []
    beside: list[Placed] = []
    calls: list[Item] = []
    for path, part in parts:
        if isinstance(part, Reasoning | RedactedReasoning) or reasoning.is_detail(part):
            thoughts.append((path, part))
        elif isinstance(part, ToolCall):
            writing.foreign(path, part.vendor)
            if part.cache is not None:
                writing.knob(f"{path}.cache", "a tool call takes no cache mark")
            calls.append(_call(part, path, writing))
        elif isinstance(part, Image | Audio):
            beside.append((path, part))
        else:
            content.append((path, part))
    said = {**_reasoning(thoughts, writing)}
    more = _beside(beside, content, writing)
    written: Item = {"role": "assistant", "content": write_content(content, writing) or None}
    if written["content"] is None and not calls and not more:
        written["content"] = ""
    if calls:
        said["tool_calls"] = calls
    return {**written, **_name(message), **said, **more, **spread(message.vendor)}


def _call(call: ToolCall, path: str, writing: Writing) -> Item:
    wanted = signatures.came_signed(call) or "thought_signature" in writing.facts.extensions
    if call.signature is not None and not wanted:
        writing.knob(f"{path}.signature", "the endpoint takes no signatures of calls")
    return write_call(call, signed=wanted)


def _reasoning(thoughts: list[Placed], writing: Writing) -> Item:
    kept: list[Part] = []
    for path, part in thoughts:
        writing.foreign(path, part.vendor)
        came_so = isinstance(part, Opaque) or reasoning.is_detail(part) or reasoning.member_of(part)
        if came_so or "reasoning_details" in writing.facts.extensions:
            kept.append(part)
        elif "reasoning_content" in writing.facts.extensions and isinstance(part, Reasoning):
            kept.append(reasoning.by_member("reasoning_content", part.text))
            if part.signature is not None:
                writing.knob(f"{path}.signature", "plain thinking has no signature")
        else:
            writing.knob(path, "the endpoint takes no earlier thinking back")
    return reasoning.write(kept, for_client=False)


def _beside(parts: list[Placed], content: list[Placed], writing: Writing) -> Item:
    """What stands beside an assistant message's content: earlier audio by its id, images it made."""
    found: Item = {}
    images: list[Item] = []
    for path, part in parts:
        if isinstance(part, Image):
            writing.foreign(path, part.vendor)
            image = write_image(part, path, writing)
            images += [{**image, **spread(part.vendor)}] if image else []
        elif isinstance(part, Audio) and isinstance(part.source, FileRef):
            found["audio"] = {"id": part.source.id}
        elif isinstance(part, Audio) and part.transcript is not None:
            writing.content(path, "earlier audio goes by its id; its transcript was sent instead")
            content.append((path, Text(text=part.transcript)))
        else:
            writing.content(path, "earlier audio goes by its id")
    if images:
        found["images"] = images
    return found


def _name(message: Message) -> Item:
    return {} if message.name is None else {"name": message.name}
