"""One item of a stream on its way to the client, and its parts: which events say them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from sekisho.core.message import (
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from sekisho.dialects.openai_responses import content, items
from sekisho.dialects.openai_responses.items import BETWEEN, CUTS, Item
from sekisho.dialects.openai_responses.reply import LOGPROBS, write_item
from sekisho.dialects.openai_responses.stream_parts import ANNOTATIONS
from sekisho.wire import json, sse
from sekisho.wire.json import items_of, members_of

if TYPE_CHECKING:
    from sekisho.core.contract import Members

_encode = json.encode


class Numbered:
    """Frames with their `sequence_number`."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def frame(self, name: str, members: Mapping[str, object]) -> bytes:
        data = _encode({"type": name, "sequence_number": self.next(), **members})
        return sse.encode(data, name.encode())

    def go_on_after(self, number: int) -> None:
        self._next = number + 1

    def next(self) -> int:
        number = self._next
        self._next = number + 1
        return number


class OpenPart:
    """A part that has not ended. This one has neither text nor events of its own."""

    __slots__ = ("_item", "_numbered", "_texts", "part")

    def __init__(self, part: Part, item: "OpenItem") -> None:
        self.part = part
        self._item = item
        self._numbered = item.numbered
        self._texts: list[str] = []

    def add(self, text: str, out: list[bytes]) -> None:
        """More of its text."""

    def sign(self, signature: str) -> None:
        if isinstance(self.part, Reasoning):
            whole = (self.part.signature or "") + signature
            self.part = msgspec.structs.replace(self.part, signature=whole)

    def grow(self, raw: msgspec.Raw, out: list[bytes]) -> None:
        """More of its vendor members."""

    def end(self, out: list[bytes]) -> None:  # noqa: ARG002 - kinds with events of their own say them
        self._item.parts.append(self.part)
        self._item.open -= 1


class Spoken(OpenPart):
    """A text or a refusal, with deltas written by hand: nearly all events of a stream are of them."""

    __slots__ = ("_annotations", "_content", "_ended", "_head", "_logprobs", "_name", "_place", "_tail")

    def __init__(self, part: Part, item: "OpenItem", place: int, out: list[bytes]) -> None:
        super().__init__(part, item)
        self._name = "output_text" if isinstance(part, Text) else "refusal"
        self._content = place
        self._ended = False
        self._place = {"item_id": item.id, "output_index": item.place, "content_index": place}
        self._annotations: list[msgspec.Raw] = []
        self._logprobs: list[msgspec.Raw] = []
        self._head, self._tail = delta_around(f"response.{self._name}.delta", self._place)
        if self._name == "output_text":
            self._tail = b',"logprobs":[]' + self._tail
        found = {**self._place, "part": self._said(part)}
        out.append(self._numbered.frame("response.content_part.added", found))

    def add(self, text: str, out: list[bytes]) -> None:
        if text:
            self._texts.append(text)
            number = b"%d" % self._numbered.next()
            out.append(self._head + number + b',"delta":' + _encode(text) + self._tail)

    def grow(self, raw: msgspec.Raw, out: list[bytes]) -> None:
        for annotation in items_of(members_of(raw).get(ANNOTATIONS, b"[]")):
            event = {
                **self._place,
                "annotation_index": len(self._annotations),
                "annotation": annotation,
            }
            out.append(self._numbered.frame("response.output_text.annotation.added", event))
            self._annotations.append(annotation)

    def logprobs(self, raw: msgspec.Raw, out: list[bytes]) -> None:
        """Log probabilities of what was said last; some come when the text has ended, and count as long as
        its item can tell them."""
        found = members_of(raw).get("content", b"null")
        if self._name != "output_text" or self._item.done or not bytes(found).startswith(b"["):
            return
        event = {**self._place, "delta": "", "logprobs": found}
        out.append(self._numbered.frame("response.output_text.delta", event))
        self._logprobs += items_of(found)
        if self._ended:
            ended = self._item.parts[self._content]
            self._item.parts[self._content] = items.noted(ended, {LOGPROBS: json.raw(self._logprobs)})

    def end(self, out: list[bytes]) -> None:
        self._ended = True
        text = "".join(self._texts)
        if isinstance(self.part, Text):
            self.part = msgspec.structs.replace(self.part, text=text)
            done: Item = {"text": text, "logprobs": self._logprobs}
            notes: Members = {}
            if self._annotations:
                notes[ANNOTATIONS] = json.raw(self._annotations)
            if self._logprobs:
                notes[LOGPROBS] = json.raw(self._logprobs)
            if notes:
                self.part = items.noted(self.part, notes)
        else:
            self.part = Refusal(text=text, vendor=self.part.vendor)
            done = {"refusal": text}
        out.append(self._numbered.frame(f"response.{self._name}.done", {**self._place, **done}))
        found = {**self._place, "part": self._said(self.part)}
        out.append(self._numbered.frame("response.content_part.done", found))
        super().end(out)

    def _said(self, part: Part) -> Item | msgspec.Raw:
        said = items.said(part)
        if isinstance(said, dict) and self._name == "output_text":
            said.setdefault(LOGPROBS, [])
        return said


class _Thinking(OpenPart):
    """A summary, or the thinking itself, in pieces that are announced one by one."""

    __slots__ = ("_around", "_cuts", "_length", "_piece", "_skip", "_summary", "_written")

    def __init__(self, part: Reasoning, item: "OpenItem") -> None:
        super().__init__(part, item)
        self._summary = items.member_of(part) == "summary"
        self._piece = 0
        self._cuts: list[int] = []
        self._length = 0
        self._skip = False
        self._written: list[str] = []
        """Of the piece that is open."""
        self._around: tuple[bytes, bytes] | None = None

    def add(self, text: str, out: list[bytes]) -> None:
        self._texts.append(text)
        self._length += len(text)
        if self._skip and text == BETWEEN:
            self._skip = False
            return
        if not text:
            return
        if self._around is None:
            self._around = self._open(out)
        self._written.append(text)
        head, tail = self._around
        out.append(head + b"%d" % self._numbered.next() + b',"delta":' + _encode(text) + tail)

    def grow(self, raw: msgspec.Raw, out: list[bytes]) -> None:
        if CUTS not in members_of(raw):
            return
        self._close(out)
        self._cuts.append(self._length)
        self._piece += 1
        self._skip = True

    def end(self, out: list[bytes]) -> None:
        self._close(out)
        if isinstance(self.part, Reasoning):
            self.part = msgspec.structs.replace(self.part, text="".join(self._texts))
        if self._cuts:
            self.part = items.noted(self.part, {CUTS: json.raw(self._cuts)})
        super().end(out)

    def _place(self) -> Item:
        index = "summary_index" if self._summary else "content_index"
        return {"item_id": self._item.id, "output_index": self._item.place, index: self._piece}

    def _open(self, out: list[bytes]) -> tuple[bytes, bytes]:
        self._of_part("added", "", out)
        name = "reasoning_summary_text" if self._summary else "reasoning_text"
        return delta_around(f"response.{name}.delta", self._place())

    def _close(self, out: list[bytes]) -> None:
        if self._around is None:
            return
        text = "".join(self._written)
        name = "reasoning_summary_text" if self._summary else "reasoning_text"
        out.append(self._numbered.frame(f"response.{name}.done", {**self._place(), "text": text}))
        self._of_part("done", text, out)
        self._written, self._around = [], None

    def _of_part(self, what: str, text: str, out: list[bytes]) -> None:
        name = "reasoning_summary_part" if self._summary else "content_part"
        kind = "summary_text" if self._summary else "reasoning_text"
        event = {**self._place(), "part": {"type": kind, "text": text}}
        out.append(self._numbered.frame(f"response.{name}.{what}", event))


class _Call(OpenPart):
    """A tool call. That its arguments are done is said with the item, for calls may interleave."""

    __slots__ = ("_around",)

    def __init__(self, part: ToolCall, item: "OpenItem") -> None:
        super().__init__(part, item)
        place = {"item_id": item.id, "output_index": item.place}
        self._around = delta_around(f"response.{_arguments(part)}.delta", place)

    def add(self, text: str, out: list[bytes]) -> None:
        if text:
            self._texts.append(text)
            head, tail = self._around
            out.append(head + b"%d" % self._numbered.next() + b',"delta":' + _encode(text) + tail)

    def end(self, out: list[bytes]) -> None:
        if isinstance(self.part, ToolCall):
            self.part = msgspec.structs.replace(self.part, arguments="".join(self._texts))
        super().end(out)


class OpenItem:
    """An item, from its announcement until it is done."""

    __slots__ = ("_first", "done", "id", "numbered", "open", "parts", "place", "whole")

    whole: Item | msgspec.Raw
    """As the last event repeats it, once it is done."""

    def __init__(self, first: Part, place: int, item_id: str, numbered: Numbered) -> None:
        known = items.head(first.vendor).get("id")
        self.id = str(json.decode(known)) if isinstance(known, msgspec.Raw) else item_id
        self.place = place
        self.numbered = numbered
        self.parts: list[Part] = []
        """Those that have ended."""
        self.open = 0
        self.whole = {}
        self._first = first
        self.done = False

    @property
    def idle(self) -> bool:
        """Its parts have ended, and nobody was told yet that it is done."""
        return not (self.done or self.open)

    def takes(self, part: Part) -> bool:
        """Whether a part that begins now belongs to this item."""
        return self.idle and bool(self.parts) and items.joins(self.parts[-1], part)

    def announce(self, out: list[bytes]) -> None:
        item = write_item([_empty(self._first)], self.id, "in_progress")
        if isinstance(item, dict) and items.spoken(self._first):
            item["content"] = []
        if isinstance(item, dict) and isinstance(self._first, Image):
            item["result"] = None
        event = {"output_index": self.place, "item": item}
        out.append(self.numbered.frame("response.output_item.added", event))

    def begin(self, part: Part, out: list[bytes]) -> OpenPart:
        self.open += 1
        found: OpenPart
        if isinstance(part, Text | Refusal):
            found = Spoken(_empty(part), self, len(self.parts), out)
        elif isinstance(part, Reasoning):
            found = _Thinking(part, self)
        elif isinstance(part, ToolCall):
            found = _Call(part, self)
        else:
            if isinstance(part, Opaque) and content.is_content(part):
                self._show(part, out)
            return OpenPart(part, self)
        if text := part.arguments if isinstance(part, ToolCall) else part.text:
            found.add(text, out)
        return found

    def _show(self, part: Opaque, out: list[bytes]) -> None:
        """Content of a kind that has no deltas."""
        place = {"item_id": self.id, "output_index": self.place, "content_index": len(self.parts)}
        event = {**place, "part": part.raw}
        out += [self.numbered.frame(f"response.content_part.{name}", event) for name in ("added", "done")]

    def finish(self, status: str, out: list[bytes]) -> None:
        self.done = True
        self.whole = write_item(self.parts, self.id, status)
        call = self.parts[0]
        if isinstance(call, ToolCall):
            member = "input" if call.custom else "arguments"
            place = {"item_id": self.id, "output_index": self.place}
            found = {**place, member: call.arguments}
            out.append(self.numbered.frame(f"response.{_arguments(call)}.done", found))
        event = {"output_index": self.place, "item": self.whole}
        out.append(self.numbered.frame("response.output_item.done", event))


def delta_around(name: str, place: Mapping[str, object]) -> tuple[bytes, bytes]:
    """The bytes of a delta's event before its number, and after its text."""
    kind = name.encode()
    head = b"event: " + kind + b'\ndata: {"type":"' + kind + b'","sequence_number":'
    return head, b"," + _encode(place)[1:-1] + b"}\n\n"


def _arguments(call: ToolCall) -> str:
    return "custom_tool_call_input" if call.custom else "function_call_arguments"


def _empty(part: Part) -> Part:
    """The part before anything of it was said."""
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments="")
    if isinstance(part, Reasoning):
        return msgspec.structs.replace(part, text="", signature=None)
    if isinstance(part, Text | Refusal):
        return msgspec.structs.replace(part, text="")
    return part
