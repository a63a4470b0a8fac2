"""Reading Bedrock's event streams into the hub's events.

Only tools, server tools' results and images have a start; other blocks begin with their first delta, and
some models leave starts and stops out. A block that begins while another is open closes it, unless both are
tool calls. What the hub has no event for becomes a VendorDelta on the part it concerns. `metadata` comes
last and ends the stream. AWS pads every payload with a member `p` of random length, against guessing from
sizes.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.event import End, Event, PartEnd, PartStart, SignatureDelta, Start, TextDelta, VendorDelta
from sekisho.core.message import Image, Inline, Opaque, Part, Reasoning, RedactedReasoning, Text, ToolCall
from sekisho.dialects.bedrock_converse import errors, finish, formats, frames, schema, usage
from sekisho.dialects.bedrock_converse.reply import stop_sequence, with_usage
from sekisho.dialects.bedrock_converse.schema import NAME, union, vendor_of
from sekisho.wire import json, media
from sekisho.wire.eventstream import Frame, FrameDecoder
from sekisho.wire.json import members_of
from sekisho.wire.shape import BROKEN, Shape, given, refuse_bad_text

if TYPE_CHECKING:
    from sekisho.core.reply import Finish
    from sekisho.core.usage import Usage

PADDING = "p"
_OF_METADATA = ("usage", "metrics", "serviceTier", "trace")
"""What no other event may say: kept, it would overwrite what is known."""

_start = msgspec.json.Decoder(schema.StartIn)
_block_start = msgspec.json.Decoder(schema.BlockStartIn)
_block_delta = msgspec.json.Decoder(schema.BlockDeltaIn)
_block_stop = msgspec.json.Decoder(schema.BlockStopIn)
_stop = Shape(schema.StopIn)
_metadata = Shape(schema.MetadataIn)
_tool_use = msgspec.json.Decoder(schema.ToolUseIn)
_format = msgspec.json.Decoder(dict[str, str])
_source = msgspec.json.Decoder(schema.SourceIn)
_EMPTY: Mapping[type[Part], Part] = {
    Text: Text(text=""),
    Reasoning: Reasoning(text=""),
    RedactedReasoning: RedactedReasoning(data=""),
}
"""What begins with its first delta."""


class _OpenPart:
    """A block that has begun and not ended."""

    __slots__ = ("index", "part", "pieces")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        """The hub's; -1 for a part that is told as a whole when it ends."""
        self.part = part
        self.pieces: list[str] = []
        """Of what is no text: a tool's input, an image, encrypted thinking."""


class Reader:
    """One stream. See `core.contract.StreamReader`."""

    __slots__ = ("_closed", "_decoder", "_finish", "_next", "_open", "_started", "_tier", "_usage", "_vendor")

    def __init__(self) -> None:
        self._decoder = FrameDecoder()
        self._started = False
        self._closed = False
        self._next = 0
        self._open: dict[int, _OpenPart] = {}
        """By Bedrock's index."""
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._tier: str | None = None
        self._vendor: Members = {}

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._decoder.feed(data):
            self._read(frame, events)
        return events

    def finish(self, *, needs_terminator: bool = True) -> list[Event]:
        events: list[Event] = []
        if not self._closed:
            if needs_terminator or self._finish is None:
                raise Truncated("the stream ended without metadata")
            self._end(events)
        return events

    def _read(self, frame: Frame, events: list[Event]) -> None:
        if self._closed:
            return
        if frame.headers.get(":message-type") != "event":
            raise errors.read_exception(*frames.failure(frame))
        handler = _HANDLERS.get(str(frame.headers.get(":event-type")))
        if handler is None:
            return
        try:
            refuse_bad_text(frame.payload)
            handler(self, frame.payload, events)
        except (*BROKEN, BadRequest) as error:
            raise Malformed(f"not an event of Converse: {error}") from None

    def _message_start(self, payload: bytes, events: list[Event]) -> None:
        if self._started:
            raise Malformed("a second messageStart")
        message = _start.decode(payload)
        self._started = True
        events.append(Start(id=message.id, model=message.model))

    # --- blocks -----------------------------------------------------------------------------------

    def _block_start(self, payload: bytes, events: list[Event]) -> None:
        event = _block_start.decode(payload)
        at = event.content_block_index
        name, value = union(event.start, "start")
        if name == "toolUse":
            tool = _tool_use.decode(value)
            if not tool.name:
                raise Malformed("a tool call without a name")
            if tool.type is None:
                self._begin(at, ToolCall(id=tool.tool_use_id, name=tool.name, arguments=""), events)
                return
        if name == "image":
            media_type = formats.media_type_of("image", _format.decode(value).get("format", ""))
            image = Image(source=Inline(media_type=media_type or "application/octet-stream", data=""))
            self._begin(at, image, events)
        elif name in ("toolUse", "toolResult"):
            members_of(value)
            self._begin(at, Opaque(dialect=NAME, type=name, raw=json.raw({name: value})), events)

    def _block_delta(self, payload: bytes, events: list[Event]) -> None:
        event = _block_delta.decode(payload)
        at, delta = event.content_block_index, event.delta
        if delta.text is not None:
            index = self._of(at, Text, events).index
            if delta.text:
                events.append(TextDelta(index=index, text=delta.text))
        elif delta.tool_use is not None:
            self._tool_input(at, delta.tool_use.input, events)
        elif delta.reasoning_content is not None:
            self._reasoning(at, delta.reasoning_content, events)
        elif given(delta.citation) is not None:
            self._vendor_delta(self._of(at, Text, events), {"citations": [delta.citation]}, events)
        elif given(delta.tool_result) is not None:
            opened = self._expected(at, Opaque)
            self._vendor_delta(opened, {"toolResult": {"content": delta.tool_result}}, events)
        elif given(delta.image) is not None:
            inner = members_of(delta.image)
            self._expected(at, Image).pieces.append(_source.decode(inner.get("source", b"{}")).data or "")

    def _tool_input(self, at: int, text: str, events: list[Event]) -> None:
        opened = self._open.get(at)
        if opened is None or not isinstance(opened.part, ToolCall | Opaque):
            raise Malformed(f"input for block {at}, which is no open tool call")
        if text:
            opened.pieces.append(text)
            if isinstance(opened.part, ToolCall):
                events.append(TextDelta(index=opened.index, text=text))

    def _reasoning(self, at: int, delta: schema.ReasoningDeltaIn, events: list[Event]) -> None:
        if delta.redacted_content is not None:
            self._of(at, RedactedReasoning, events).pieces.append(delta.redacted_content)
            return
        index = self._of(at, Reasoning, events).index
        if delta.text:
            events.append(TextDelta(index=index, text=delta.text))
        if delta.signature:
            events.append(SignatureDelta(index=index, signature=delta.signature))

    def _vendor_delta(self, opened: _OpenPart, members: dict[str, object], events: list[Event]) -> None:
        events.append(VendorDelta(index=opened.index, dialect=NAME, raw=json.raw(members)))

    def _of(
        self, at: int, kind: type[Text | Reasoning | RedactedReasoning], events: list[Event]
    ) -> _OpenPart:
        """The open block at `at`, which begins here if it is not of this kind."""
        opened = self._open.get(at)
        if opened is not None and type(opened.part) is kind:
            return opened
        return self._begin(at, _EMPTY[kind], events)

    def _expected(self, at: int, kind: type[Part]) -> _OpenPart:
        opened = self._open.get(at)
        if opened is None or not isinstance(opened.part, kind):
            raise Malformed(f"a delta for block {at}, which has not begun as one of its kind")
        return opened

    def _begin(self, at: int, part: Part, events: list[Event]) -> _OpenPart:
        if not self._started:
            raise Malformed("content before messageStart")
        for other, opened in list(self._open.items()):
            if other == at or not (isinstance(part, ToolCall) and isinstance(opened.part, ToolCall)):
                self._close(other, events)
        if isinstance(part, Image | RedactedReasoning):
            opened = _OpenPart(-1, part)
        else:
            opened = _OpenPart(self._next, part)
            events.append(PartStart(index=self._next, part=part))
            self._next += 1
        self._open[at] = opened
        return opened

    def _block_stop(self, payload: bytes, events: list[Event]) -> None:
        at = _block_stop.decode(payload).content_block_index
        if at in self._open:
            self._close(at, events)

    def _close(self, at: int, events: list[Event]) -> None:
        opened = self._open.pop(at)
        part, index = opened.part, opened.index
        if index < 0:
            index = self._next
            self._next += 1
            events.append(PartStart(index=index, part=_whole(part, opened.pieces)))
        elif isinstance(part, ToolCall) and not opened.pieces:
            events.append(TextDelta(index=index, text="{}"))
        elif isinstance(part, Opaque) and opened.pieces:  # a server tool's input is whole JSON only now
            members = members_of(b'{"input":' + "".join(opened.pieces).encode() + b"}")
            self._vendor_delta(opened, {"toolUse": members}, events)
        events.append(PartEnd(index=index))

    # --- the end ----------------------------------------------------------------------------------

    def _message_stop(self, payload: bytes, events: list[Event]) -> None:
        rest = _stop.rest(payload)
        self._finish = finish.read(_stop.decode(payload).stop_reason, stop_sequence(rest))
        self._keep({name: raw for name, raw in rest.items() if name not in _OF_METADATA})
        for at in list(self._open):
            self._close(at, events)

    def _keep(self, rest: Members) -> None:
        rest.pop(PADDING, None)
        self._vendor |= rest

    def _metadata(self, payload: bytes, events: list[Event]) -> None:
        if not self._started:
            raise Malformed("metadata before messageStart")
        said = _metadata.decode(payload)
        self._usage = usage.read(said.usage)
        self._tier = said.service_tier.type if said.service_tier else None
        self._keep(with_usage(_metadata.rest(payload), said.usage))
        self._end(events)

    def _end(self, events: list[Event]) -> None:
        for at in list(self._open):
            self._close(at, events)
        self._closed = True
        events.append(
            End(
                finishes=(self._finish or finish.read(None),),
                usage=self._usage,
                service_tier=self._tier,
                vendor=vendor_of(self._vendor),
            )
        )


def _whole(part: Part, pieces: list[str]) -> Part:
    """A part whose content came in pieces of base64. Raises Malformed."""
    try:
        data = media.joined(pieces)
    except ValueError as error:
        raise Malformed(f"a block that is not base64: {error}") from None
    if not media.is_base64(data):
        raise Malformed("a block that is not base64")
    if isinstance(part, Image) and isinstance(part.source, Inline):
        return msgspec.structs.replace(part, source=msgspec.structs.replace(part.source, data=data))
    return RedactedReasoning(data=data)


_Handler = Callable[[Reader, bytes, list[Event]], None]
_HANDLERS: Mapping[str, _Handler] = {
    "messageStart": Reader._message_start,  # noqa: SLF001 - the table belongs to the class
    "contentBlockStart": Reader._block_start,  # noqa: SLF001
    "contentBlockDelta": Reader._block_delta,  # noqa: SLF001
    "contentBlockStop": Reader._block_stop,  # noqa: SLF001
    "messageStop": Reader._message_stop,  # noqa: SLF001
    "metadata": Reader._metadata,  # noqa: SLF001
}
