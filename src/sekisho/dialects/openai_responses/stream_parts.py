"""What a stream's events say about items and their parts, as the hub's events.

Items may overlap, which the hub's grammar allows for tool calls only: a part that begins ends the others,
and what is known only as a whole waits until nothing is open.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from sekisho.core.error import Malformed
from sekisho.core.event import (
    Event,
    LogprobsDelta,
    PartEnd,
    PartStart,
    SignatureDelta,
    TextDelta,
    VendorDelta,
)
from sekisho.core.message import Part, Reasoning, Refusal, Text, ToolCall
from sekisho.dialects.openai_responses import content, items
from sekisho.dialects.openai_responses.reply import read_item, without_logprobs
from sekisho.dialects.openai_responses.schema import WireEvent, WireKind, WireReasoning, WireThought
from sekisho.dialects.openai_responses.shape import NAME, own
from sekisho.wire import json
from sekisho.wire.json import members_of
from sekisho.wire.shape import Shape

if TYPE_CHECKING:
    from sekisho.core.contract import Members

ANNOTATIONS = "annotations"
_NO_TEXT = Text(text="")
_NO_REFUSAL = Refusal(text="")

_kind = Shape(WireKind)
_reasoning = Shape(WireReasoning)
_thought = Shape(WireThought)

Place = tuple[int, int]
"""An item's index and a content part's within it."""


class _Thought:
    """An open reasoning part."""

    __slots__ = ("index", "length", "member", "piece")

    def __init__(self, index: int, member: str, piece: int) -> None:
        self.index = index
        self.member = member
        self.piece = piece
        self.length = 0


class PartReader:
    """Takes one stream's events about items; every method appends the hub's events to `events`."""

    __slots__ = (
        "_annotated",
        "_begun",
        "_calls",
        "_held",
        "_next",
        "_notes",
        "_open",
        "_silent",
        "_speaking",
        "_spoken",
        "_texts",
        "_thoughts",
        "called",
    )

    called: bool
    """A call of the client's tools was among the items."""

    def __init__(self) -> None:
        self.called = False
        self._next = 0
        self._open: set[int] = set()
        """Open parts, by their hub index."""
        self._speaking: int | None = None
        """The one of them that is no tool call."""
        self._texts: dict[Place, int] = {}
        self._thoughts: dict[int, _Thought] = {}
        self._calls: dict[int, int] = {}
        self._silent: set[int] = set()
        """Items that are calls without arguments so far."""
        self._spoken: set[tuple[int, int, str]] = set()
        """Pieces that have begun: item, place within it, and which member of a reasoning item."""
        self._annotated: set[Place] = set()
        self._notes: dict[int, Members] = {}
        """What the first part of an item notes."""
        self._begun: set[int] = set()
        """Items of which a part has begun."""
        self._held: list[Part] = []

    # --- items ---

    def added(self, event: WireEvent, events: list[Event]) -> None:
        raw, place = event.item, event.output_index
        kind = items.kind_of(raw, "item")
        # It is in progress, which it will not have been when all is said.
        bare = json.raw({name: value for name, value in members_of(raw).items() if name != "status"})
        if kind == "message":
            self._notes[place] = items.message_notes(bare, "item")
        elif kind == "reasoning":
            self._notes[place] = own(items.read(bare, "item")[0].vendor)
        elif kind in ("function_call", "custom_tool_call"):
            call = items.read(bare, "item")[0]
            if isinstance(call, ToolCall):
                self._calls[place] = self._start(msgspec.structs.replace(call, arguments=""), events)
                self._silent.add(place)
                self._begun.add(place)

    def done(self, event: WireEvent, events: list[Event]) -> None:
        place = event.output_index
        if place in self._thoughts:
            signature = _reasoning.decode(event.item).encrypted_content
            index = self._thoughts.pop(place).index
            if signature:
                events.append(SignatureDelta(index=index, signature=signature))
            self._end(index, events)
        elif place in self._calls:
            index = self._calls.pop(place)
            if place in self._silent and (text := _arguments(event.item)):
                events.append(TextDelta(index=index, text=text))
            self._end(index, events)
        for key in [key for key in self._texts if key[0] == place]:
            self._end(self._texts.pop(key), events)
        if place not in self._begun:
            self.item(event.item, place, events)

    def item(self, raw: msgspec.Raw, place: int, events: list[Event]) -> None:
        """An item that is known only as a whole."""
        self._begun.add(place)
        for part in read_item(raw, "item"):
            self._whole(part, events)

    def close(self, events: list[Event]) -> None:
        """Nothing follows."""
        for index in sorted(self._open):
            self._end(index, events)
        self._texts.clear()
        self._thoughts.clear()
        self._calls.clear()

    @property
    def empty(self) -> bool:
        """No item has been seen."""
        return not self._begun

    # --- content of messages ---

    def text(self, event: WireEvent, events: list[Event]) -> None:
        self._said(event, _NO_TEXT, events)

    def refusal(self, event: WireEvent, events: list[Event]) -> None:
        self._said(event, _NO_REFUSAL, events)

    def _said(self, event: WireEvent, empty: Part, events: list[Event]) -> None:
        if not event.delta or event.delta.__class__ is not str:
            return
        index = self._texts.get((event.output_index, event.content_index))
        if index is None:
            index = self._start_text(event, empty, events)
        events.append(TextDelta(index=index, text=event.delta))

    def annotation(self, event: WireEvent, events: list[Event]) -> None:
        place = (event.output_index, event.content_index)
        index = self._texts.get(place)
        if index is None:
            index = self._start_text(event, Text(text=""), events)
        self._annotated.add(place)
        raw = json.raw({ANNOTATIONS: [event.annotation]})
        events.append(VendorDelta(index=index, dialect=NAME, raw=raw))

    def content_done(self, event: WireEvent, events: list[Event]) -> None:
        if _kind.decode(event.part).type == "reasoning_text":
            self._piece_done(event, "content", event.content_index, events)
            return
        place = (event.output_index, event.content_index)
        index = self._texts.pop(place, None)
        part = content.read_part(event.part, "part")
        if index is None:
            if (*place, "") not in self._spoken:
                self._spoken.add((*place, ""))
                self._whole(self._first(part, event.output_index), events)
            return
        found = own(part.vendor).get(ANNOTATIONS)
        if found is not None and place not in self._annotated:
            raw = json.raw({ANNOTATIONS: found})
            events.append(VendorDelta(index=index, dialect=NAME, raw=raw))
        self._end(index, events)

    def _start_text(self, event: WireEvent, part: Part, events: list[Event]) -> int:
        index = self._start(self._first(part, event.output_index), events)
        self._spoken.add((event.output_index, event.content_index, ""))
        self._texts[event.output_index, event.content_index] = index
        return index

    def _first(self, part: Part, place: int) -> Part:
        """The part, noted as an item's first where it is."""
        if place in self._begun:
            return part
        self._begun.add(place)
        return items.noted(part, self._notes.pop(place, items.item_note(None, None)))

    # --- thinking ---

    def summary(self, event: WireEvent, events: list[Event]) -> None:
        self._think(event, "summary", event.summary_index, events)

    def thinking(self, event: WireEvent, events: list[Event]) -> None:
        self._think(event, "content", event.content_index, events)

    def summary_done(self, event: WireEvent, events: list[Event]) -> None:
        self._piece_done(event, "summary", event.summary_index, events)

    def _piece_done(self, event: WireEvent, member: str, piece: int, events: list[Event]) -> None:
        if (event.output_index, piece, member) not in self._spoken:
            event.delta = _thought.decode(event.part).text
            self._think(event, member, piece, events)

    def _think(self, event: WireEvent, member: str, piece: int, events: list[Event]) -> None:
        text = event.delta
        if not text or text.__class__ is not str:
            return
        place = event.output_index
        thought = self._thoughts.get(place)
        if thought is None or thought.member != member:
            thought = self._start_thought(place, member, piece, events)
        elif thought.piece != piece:
            raw = json.raw({items.CUTS: [thought.length]})
            events.append(VendorDelta(index=thought.index, dialect=NAME, raw=raw))
            events.append(TextDelta(index=thought.index, text=items.BETWEEN))
            thought.length += len(items.BETWEEN)
            thought.piece = piece
        self._spoken.add((place, piece, member))
        thought.length += len(text)
        events.append(TextDelta(index=thought.index, text=text))

    def _start_thought(self, place: int, member: str, piece: int, events: list[Event]) -> _Thought:
        before = self._thoughts.pop(place, None)
        if before is not None:
            self._end(before.index, events)
        if place in self._begun:
            notes: Members = {items.JOINED: json.raw(value=True)}
        else:
            notes = self._notes.pop(place, items.item_note(None, None))
        self._begun.add(place)
        index = self._start(items.thought(member, [""], notes), events)
        thought = self._thoughts[place] = _Thought(index, member, piece)
        return thought

    # --- tool calls ---

    def arguments(self, event: WireEvent, events: list[Event]) -> None:
        index = self._calls.get(event.output_index)
        if index is None:
            raise Malformed("arguments of a call that did not begin")
        if event.delta and event.delta.__class__ is str:
            self._silent.discard(event.output_index)
            events.append(TextDelta(index=index, text=event.delta))

    # --- the grammar ---

    def _start(self, part: Part, events: list[Event]) -> int:
        calls = isinstance(part, ToolCall)
        if not calls:
            self._cut_short(sorted(self._open), events)
        elif self._speaking is not None:
            self._cut_short([self._speaking], events)
        index = self._next
        self._next += 1
        self._open.add(index)
        self._speaking = None if calls else index
        self.called = self.called or calls
        events.append(PartStart(index=index, part=part))
        return index

    def _cut_short(self, indices: list[int], events: list[Event]) -> None:
        """Ends parts for another to begin; what is still said of them begins anew."""
        if not indices:
            return
        cut = set(indices)
        self._texts = {place: index for place, index in self._texts.items() if index not in cut}
        self._calls = {place: index for place, index in self._calls.items() if index not in cut}
        self._thoughts = {
            place: thought for place, thought in self._thoughts.items() if thought.index not in cut
        }
        for index in indices:
            self._end(index, events)

    def _end(self, index: int, events: list[Event]) -> None:
        self._open.discard(index)
        if self._speaking == index:
            self._speaking = None
        events.append(PartEnd(index=index))
        if not self._open and self._held:
            held, self._held = self._held, []
            for part in held:
                self._whole(part, events)

    def _whole(self, part: Part, events: list[Event]) -> None:
        if self._open:
            self._held.append(part)
            return
        part, logprobs = without_logprobs(part)
        bare, text = _emptied(part)
        index = self._start(bare, events)
        if text:
            events.append(TextDelta(index=index, text=text))
        if logprobs:
            events.append(LogprobsDelta(choice=0, raw=json.raw({"content": logprobs})))
        self._end(index, events)


def _arguments(raw: msgspec.Raw) -> str:
    """What the call in an item that is done was called with."""
    return "".join(part.arguments for part in items.read(raw, "item") if isinstance(part, ToolCall))


def _emptied(part: Part) -> tuple[Part, str]:
    """A part as it starts, and the text that follows."""
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments=""), part.arguments
    if isinstance(part, Text | Refusal | Reasoning):
        return msgspec.structs.replace(part, text=""), part.text
    return part, ""


HANDLERS: Mapping[str, Callable[[PartReader, WireEvent, list[Event]], None]] = {
    "response.output_item.added": PartReader.added,
    "response.output_item.done": PartReader.done,
    "response.content_part.done": PartReader.content_done,
    "response.output_text.delta": PartReader.text,
    "response.output_text.annotation.added": PartReader.annotation,
    "response.refusal.delta": PartReader.refusal,
    "response.reasoning_summary_text.delta": PartReader.summary,
    "response.reasoning_summary_part.done": PartReader.summary_done,
    "response.reasoning_text.delta": PartReader.thinking,
    "response.function_call_arguments.delta": PartReader.arguments,
    "response.custom_tool_call_input.delta": PartReader.arguments,
}
"""Event -> what it means. Events that say again what was said, or less, are not here."""
