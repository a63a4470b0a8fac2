"""What a model said, item by item: read into parts, and written back. The same in requests and answers.

A hub message of the assistant's is a row of parts, where this API has a row of items, some of which hold
several parts. Notes in a part's vendor members say how the items were cut:

    _item     the part is the first of an item; its value has the item's `id` and, unless completed, `status`
    _joined   the part goes on in the reasoning item of the part before it
    _member   `content`: the thinking is the model's own text, not a summary of it
    _cuts     places in a reasoning's text where one part of the summary or content ends

Texts without `_item` that follow each other are one message. Several parts of a summary become one
reasoning part, a blank line between them, because they have one signature (`encrypted_content`).
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import (
    Image,
    Inline,
    Opaque,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
    Vendor,
)
from sekisho.dialects.openai_responses import content
from sekisho.dialects.openai_responses.namespaces import joined, parted
from sekisho.dialects.openai_responses.schema import (
    WireCall,
    WireDrawing,
    WireKind,
    WireMessage,
    WireReasoning,
)
from sekisho.dialects.openai_responses.shape import NAME, own, spread, vendor_of
from sekisho.wire import json, media
from sekisho.wire.json import members_of
from sekisho.wire.shape import Shape, leading_type, missing_member

ITEM = "_item"
JOINED = "_joined"
MEMBER = "_member"
CUTS = "_cuts"
MESSAGE = "message"
"""The vendor member of a message's first part that holds the item's unknown members (`phase`)."""
BETWEEN = "\n\n"

Item = dict[str, object]

_kind = Shape(WireKind)
_message = Shape(WireMessage)
_reasoning = Shape(WireReasoning)
_call = Shape(WireCall)
_drawing = Shape(WireDrawing)
_cuts = msgspec.json.Decoder(list[int])

# --- reading ---------------------------------------------------------------------------------------


def read(raw: msgspec.Raw, path: str) -> list[Part]:
    """The parts of an item that the model made; an item that the hub does not know is one opaque part.
    Raises BadRequest."""
    kind = kind_of(raw, path)
    reader = _READERS.get(kind)
    return reader(raw, path) if reader else [Opaque(dialect=NAME, type=kind, raw=raw)]


def kind_of(raw: msgspec.Raw, path: str) -> str:
    """An item's type, which messages and references may leave out."""
    kind = leading_type(raw)
    if kind is not None:
        return kind
    wire = _kind.read(raw, path)
    if wire.type is not None:
        return wire.type
    if wire.role is None and wire.id is None:
        raise missing_member(f"{path}.type")
    return "message" if wire.role is not None else "item_reference"


def item_note(item_id: str | None, status: str | None) -> Members:
    """The note that a part is the first of an item."""
    found: Members = {}
    if item_id is not None:
        found["id"] = json.raw(item_id)
    if status is not None and status != "completed":
        found["status"] = json.raw(status)
    return {ITEM: json.raw(found)}


def thought(member: str, texts: Sequence[str], notes: Members) -> Reasoning:
    """The reasoning part of a `summary` or `content`."""
    vendor = dict(notes)
    if member == "content":
        vendor[MEMBER] = json.raw(member)
    if len(texts) > 1:
        ends = accumulate(len(text) + len(BETWEEN) for text in texts[:-1])
        vendor[CUTS] = json.raw([end - len(BETWEEN) for end in ends])
    return Reasoning(text=BETWEEN.join(texts), vendor=vendor_of(vendor))


def message_notes(raw: msgspec.Raw, path: str) -> Members:
    """What the first part of a message item notes of it."""
    return _message_notes(*_message.read_all(raw, path))


def _message_notes(wire: WireMessage, rest: Members) -> Members:
    notes = item_note(wire.id, wire.status)
    return {**notes, MESSAGE: json.raw(rest)} if rest else notes


def _read_message(raw: msgspec.Raw, path: str) -> list[Part]:
    wire, rest = _message.read_all(raw, path)
    parts = content.read(wire.content, f"{path}.content")
    if parts:
        parts[0] = noted(parts[0], _message_notes(wire, rest))
    return parts


def _read_reasoning(raw: msgspec.Raw, path: str) -> list[Part]:
    wire, rest = _reasoning.read_all(raw, path)
    notes = {**rest, **item_note(wire.id, wire.status)}
    signature = wire.encrypted_content or None
    found: list[Part] = []
    for member, pieces in (("content", wire.content), ("summary", wire.summary)):
        texts = [piece.text for piece in pieces or ()]
        if any(texts):
            found.append(thought(member, texts, {JOINED: json.raw(value=True)} if found else notes))
    if not found and signature is not None:
        return [RedactedReasoning(data=signature, vendor=vendor_of(notes))]
    if not found:
        return [Reasoning(text="", vendor=vendor_of(notes))]
    found[-1] = msgspec.structs.replace(found[-1], signature=signature)
    return found


def _read_call(raw: msgspec.Raw, path: str) -> list[Part]:
    wire, rest = _call.read_all(raw, path)
    if not wire.name:
        raise BadRequest(f"{path}.name: empty. Name the tool.", param=f"{path}.name")
    custom = wire.type == "custom_tool_call"
    return [
        ToolCall(
            id=wire.call_id,
            name=joined(wire.namespace, wire.name),
            arguments=(wire.input if custom else wire.arguments) or "",
            custom=custom,
            signature=wire.signature,
            vendor=vendor_of({**rest, **item_note(wire.id, wire.status)}),
        )
    ]


def _read_drawing(raw: msgspec.Raw, path: str) -> list[Part]:
    """A picture that the model made; a call that has none (yet) stays opaque."""
    wire, rest = _drawing.read_all(raw, path)
    if not wire.result:
        return [Opaque(dialect=NAME, type=wire.type, raw=raw)]
    form = wire.output_format
    if form is not None:
        rest["output_format"] = json.raw(form)
    media_type = "image/svg+xml" if form == "svg" else f"image/{form if form and form.isalnum() else 'png'}"
    source = media.inline(media_type, wire.result, f"{path}.result")
    return [Image(source=source, vendor=vendor_of({**rest, **item_note(wire.id, wire.status)}))]


def noted(part: Part, notes: Members) -> Part:
    """`part` with more in its vendor members."""
    return msgspec.structs.replace(part, vendor={**(part.vendor or {}), NAME: {**own(part.vendor), **notes}})


_READERS: dict[str, Callable[[msgspec.Raw, str], list[Part]]] = {
    "message": _read_message,
    "reasoning": _read_reasoning,
    "function_call": _read_call,
    "custom_tool_call": _read_call,
    "image_generation_call": _read_drawing,
}

# --- writing ---------------------------------------------------------------------------------------


def spoken(part: Part) -> bool:
    """Whether a part is content of a message."""
    return isinstance(part, Text | Refusal) or (isinstance(part, Opaque) and content.is_content(part))


def joins(before: Part | None, part: Part) -> bool:
    """Whether a part belongs to the same item as the one before it."""
    if before is None:
        return False
    if spoken(part):
        return spoken(before) and ITEM not in own(part.vendor)
    return isinstance(before, Reasoning) and JOINED in own(part.vendor)


def head(vendor: Vendor | None) -> Item:
    """`id` and `status` of the item that a value began, as far as they are known."""
    return dict(members_of(own(vendor).get(ITEM, b"{}")))


def write(parts: Sequence[Part], known: Item) -> Item:
    """The item of parts that join, under the `id` and `status` in `known`; not for opaque items."""
    first = parts[0]
    if isinstance(first, ToolCall):
        return _write_call(first, known)
    if isinstance(first, Image):
        return _write_drawing(first, known)
    if isinstance(first, Reasoning | RedactedReasoning):
        return _write_reasoning(parts, known)
    more = own(first.vendor).get(MESSAGE)
    return {
        **_begin("message", known),
        "role": "assistant",
        "content": [said(part) for part in parts],
        **(members_of(more) if more is not None else {}),
    }


def said(part: Part) -> Item | msgspec.Raw:
    """One content part of what a model said."""
    if isinstance(part, Opaque):
        return part.raw
    rest = spread(part.vendor)
    rest.pop(MESSAGE, None)
    if isinstance(part, Text):
        return {"type": "output_text", "text": part.text, "annotations": [], **rest}
    return {"type": "refusal", "refusal": part.text if isinstance(part, Refusal) else "", **rest}


def pieces(part: Reasoning) -> list[str]:
    """The texts of the summary or content that a reasoning part was joined from."""
    cuts = own(part.vendor).get(CUTS)
    if cuts is None:
        return [part.text]
    found, start = [], 0
    for cut in _cuts.decode(cuts):
        found.append(part.text[start:cut])
        start = cut + len(BETWEEN)
    return [*found, part.text[start:]]


def member_of(part: Part) -> str:
    """The member of a reasoning item that a part's text stands in."""
    return "content" if MEMBER in own(part.vendor) else "summary"


def _begin(kind: str, known: Item) -> Item:
    item: Item = {"id": known["id"]} if "id" in known else {}
    item["type"] = kind
    if "status" in known:
        item["status"] = known["status"]
    return item


def _write_reasoning(parts: Sequence[Part], known: Item) -> Item:
    item: Item = {**_begin("reasoning", known), "summary": []}
    for part in parts:
        if isinstance(part, RedactedReasoning):
            item["encrypted_content"] = part.data
        elif isinstance(part, Reasoning):
            member = member_of(part)
            kind = "reasoning_text" if member == "content" else "summary_text"
            if part.text:
                item[member] = [{"type": kind, "text": text} for text in pieces(part)]
            if part.signature is not None:
                item["encrypted_content"] = part.signature
    return {**item, **spread(parts[0].vendor)}


def _write_call(call: ToolCall, known: Item) -> Item:
    namespace, name = parted(call.name)
    item = _begin("custom_tool_call" if call.custom else "function_call", known)
    item |= {"call_id": call.id, "name": name, "input" if call.custom else "arguments": call.arguments}
    if namespace is not None:
        item["namespace"] = namespace
    if call.signature is not None:
        item["signature"] = call.signature
    return {**item, **spread(call.vendor)}


def _write_drawing(image: Image, known: Item) -> Item:
    rest: Item = dict(spread(image.vendor))
    source = image.source if isinstance(image.source, Inline) else None
    if source is not None and ITEM not in own(image.vendor):
        rest["output_format"] = source.media_type.removeprefix("image/").removesuffix("+xml")
    return {**_begin("image_generation_call", known), "result": source.data if source else None, **rest}
