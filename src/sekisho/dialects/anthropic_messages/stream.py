"""Reading Anthropic's event streams into the hub's events.

What the hub has no event for becomes a VendorDelta on the part it concerns; unknown events are skipped, as
Anthropic asks of its clients. Blocks do not overlap in this format: a block that starts while another is
open closes it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.event import End, Event, PartEnd, PartStart, SignatureDelta, Start, TextDelta, VendorDelta
from sekisho.core.message import Opaque, Part, Reasoning, Refusal, Text, ToolCall
from sekisho.dialects.anthropic_messages import errors, finish, schema, usage
from sekisho.dialects.anthropic_messages.blocks import read_part
from sekisho.dialects.anthropic_messages.reply import with_usage
from sekisho.dialects.anthropic_messages.schema import NAME, vendor_of
from sekisho.wire import json
from sekisho.wire.json import members_of
from sekisho.wire.shape import BROKEN, refuse_bad_text
from sekisho.wire.sse import Frame, FrameDecoder

_event = msgspec.json.Decoder(schema.EventIn)


class Reader:
    """One stream. See `core.contract.StreamReader`."""

    __slots__ = (
        "_closed",
        "_decoder",
        "_finish",
        "_index",
        "_input",
        "_next",
        "_part",
        "_started",
        "_stopped",
        "_usage",
        "_vendor",
    )

    _vendor: Members

    def __init__(self) -> None:
        self._decoder = FrameDecoder()
        self._started = False
        self._closed = False
        self._next = 0
        self._index = -1
        """The provider's index of the open block."""
        self._part: Part | None = None
        """The open part as it started."""
        self._input: list[str] = []
        """Pieces of the open tool's input."""
        self._finish = finish.read(None)
        self._stopped = False
        """The reason why it stopped was said."""
        self._usage: Any = None
        self._vendor = {}

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._decoder.feed(data):
            self._read(frame, events)
        return events

    def finish(self, *, needs_terminator: bool = True) -> list[Event]:
        events: list[Event] = []
        for frame in self._decoder.finish():
            self._read(frame, events)
        if not (self._closed or needs_terminator) and self._stopped:
            self._end(events)
        if not self._closed:
            raise Truncated("the stream ended without message_stop")
        return events

    def _read(self, frame: Frame, events: list[Event]) -> None:
        if not frame.data or self._closed:
            return
        try:
            refuse_bad_text(frame.data)
            event = _event.decode(frame.data)
            if event.type == "error":
                raise errors.read_reported(frame.data)
            handler = _HANDLERS.get(event.type)
            if handler is not None:
                handler(self, event, frame, events)
        except (*BROKEN, BadRequest) as error:
            raise Malformed(f"not an event of Anthropic's format: {error}") from None

    def _message_start(self, event: schema.EventIn, _frame: Frame, events: list[Event]) -> None:
        if self._started:
            raise Malformed("a second message_start")
        message, rest = schema.start.decode_all(event.message)
        self._started = True
        self._usage = message.usage
        events.append(
            Start(
                id=message.id,
                model=message.model,
                usage=usage.read(message.usage),
                vendor=vendor_of(rest),
            )
        )

    def _block_start(self, event: schema.EventIn, _frame: Frame, events: list[Event]) -> None:
        if not self._started:
            raise Malformed("content before message_start")
        self._close_block(events)
        part = read_part(event.content_block, "content_block")
        first = ""
        if isinstance(part, ToolCall):
            first = "" if part.arguments == "{}" else part.arguments
            part = msgspec.structs.replace(part, arguments="")
        self._index, self._part = event.index, part
        events.append(PartStart(index=self._next, part=part))
        if first:
            self._input.append(first)
            events.append(TextDelta(index=self._next, text=first))

    def _block_delta(self, event: schema.EventIn, frame: Frame, events: list[Event]) -> None:
        delta, part = event.delta, self._part
        if part is None or event.index != self._index or delta is None:
            raise Malformed(f"a delta for block {event.index}, which is not open")
        if isinstance(part, Opaque):
            self._opaque_delta(part, delta, frame, events)
        elif delta.type == "citations_delta":
            raw = json.raw({"citations": [delta.citation]})
            events.append(VendorDelta(index=self._next, dialect=NAME, raw=raw))
        elif delta.type == "signature_delta":
            if isinstance(part, Reasoning) and delta.signature:
                events.append(SignatureDelta(index=self._next, signature=delta.signature))
        else:
            text = _delta_text(part, delta)
            if text:
                if isinstance(part, ToolCall):
                    self._input.append(text)
                events.append(TextDelta(index=self._next, text=text))

    def _opaque_delta(self, part: Opaque, delta: schema.DeltaIn, frame: Frame, events: list[Event]) -> None:
        if delta.type == "input_json_delta":
            self._input.append(delta.partial_json)
            return
        more = schema.kind.rest(members_of(frame.data)["delta"])
        if more:
            events.append(VendorDelta(index=self._next, dialect=part.dialect, raw=json.raw(more)))

    def _block_stop(self, event: schema.EventIn, _frame: Frame, events: list[Event]) -> None:
        if event.index == self._index:
            self._close_block(events)

    def _close_block(self, events: list[Event]) -> None:
        part = self._part
        if part is None:
            return
        if isinstance(part, ToolCall) and not self._input:
            events.append(TextDelta(index=self._next, text="{}"))
        if isinstance(part, Opaque) and any(self._input):
            # A server tool's input is whole JSON only now.
            members = members_of(b'{"input":' + "".join(self._input).encode() + b"}")
            events.append(VendorDelta(index=self._next, dialect=NAME, raw=json.raw(members)))
        events.append(PartEnd(index=self._next))
        self._next += 1
        self._part = None
        self._input.clear()

    def _message_delta(self, event: schema.EventIn, frame: Frame, _events: list[Event]) -> None:
        self._usage = usage.merge(self._usage, event.usage)
        said, rest = schema.message_delta.decode_all(frame.data)
        self._vendor |= rest
        if event.delta is not None:
            if event.delta.stop_reason is not None:
                self._finish = finish.read(event.delta.stop_reason, event.delta.stop_sequence)
                self._stopped = True
            self._vendor |= schema.stop.rest(said.delta)

    def _message_stop(self, _event: schema.EventIn, _frame: Frame, events: list[Event]) -> None:
        if not self._started:
            raise Malformed("message_stop before message_start")
        self._end(events)

    def _end(self, events: list[Event]) -> None:
        self._close_block(events)
        self._closed = True
        events.append(
            End(
                finishes=(self._finish,),
                usage=usage.read(self._usage),
                service_tier=usage.tier(self._usage),
                vendor=vendor_of(with_usage(self._vendor, self._usage)),
            )
        )


def _delta_text(part: Part, delta: schema.DeltaIn) -> str:
    """The text that a delta adds to a part of its own kind; deltas of a kind not known add none."""
    if isinstance(part, Text | Refusal):
        return delta.text
    if isinstance(part, Reasoning):
        return delta.thinking
    return delta.partial_json if isinstance(part, ToolCall) else ""


_Handler = Callable[[Reader, schema.EventIn, Frame, list[Event]], None]
_HANDLERS: Mapping[str, _Handler] = {
    "message_start": Reader._message_start,  # noqa: SLF001 - the table belongs to the class
    "content_block_start": Reader._block_start,  # noqa: SLF001
    "content_block_delta": Reader._block_delta,  # noqa: SLF001
    "content_block_stop": Reader._block_stop,  # noqa: SLF001
    "message_delta": Reader._message_delta,  # noqa: SLF001
    "message_stop": Reader._message_stop,  # noqa: SLF001
}
