"""One choice of a stream: deltas -> parts. What kind of part is open follows from what the deltas bring."""

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
from sekisho.core.reply import Finish
from sekisho.dialects.openai_chat import reasoning, signatures
from sekisho.dialects.openai_chat.parts import arguments, call_shape, read_image
from sekisho.dialects.openai_chat.reply import audio_shape, logprobs, pieces, read_audio
from sekisho.dialects.openai_chat.schema import WireChunkChoice, WireDelta, WireToolCall
from sekisho.dialects.openai_chat.shape import NAME, vendor_of
from sekisho.wire import json, media
from sekisho.wire import openai_finish as finish
from sekisho.wire.shape import given

_CALLS = "calls"

Kind = tuple[object, ...] | str
"""What the open part is of: deltas of the same kind go on in it."""


class _Call:
    __slots__ = ("id", "index")

    def __init__(self, index: int, call_id: str) -> None:
        self.index = index
        self.id = call_id


class ChoiceReader:
    """`read` takes one delta after the other; the hub's part indices are counted by the caller."""

    __slots__ = (
        "_audio",
        "_calls",
        "_events",
        "_kind",
        "_latest",
        "_next",
        "_number",
        "_open",
        "_stream_id",
        "finish",
    )

    finish: Finish | None
    """Set by the delta that ends the choice."""

    def __init__(self, number: int, stream_id: str) -> None:
        self._number = number
        self._stream_id = stream_id
        self._kind: Kind | None = None
        self._open: list[int] = []
        self._calls: dict[int, _Call] = {}
        self._latest: int = -1
        self._audio: list[msgspec.Raw] = []
        self._next = 0
        self._events: list[Event] = []
        self.finish = None

    def read(self, choice: WireChunkChoice, next_index: int, events: list[Event]) -> int:
        """Appends what `choice` brings to `events`; returns the next free part index."""
        self._next, self._events = next_index, events
        if choice.delta is not None:
            self._delta(choice.delta)
        found = logprobs(choice.logprobs)
        if found is not None:
            events.append(LogprobsDelta(choice=self._number, raw=found))
        if choice.finish_reason is not None:
            self.close(self._next, events)
            self.finish = finish.read(choice.finish_reason, choice.native_finish_reason, choice.stop_reason)
        return self._next

    def close(self, next_index: int, events: list[Event]) -> int:
        """Ends what is open: at the finish reason, and again at the end, for deltas that came after it."""
        self._next, self._events = next_index, events
        self._speak()
        self._close()
        return self._next

    def _delta(self, delta: WireDelta) -> None:
        self._reasoning(delta)
        for member, text in pieces(delta.content):
            if member:
                self._text((member,), reasoning.by_member(member), text)
            else:
                self._text("text", Text(text=""), text)
        if delta.annotations:
            self._begin("text", Text(text=""))
            raw = json.raw({"annotations": delta.annotations})
            self._events.append(VendorDelta(index=self._open[0], dialect=NAME, raw=raw))
        if delta.refusal:
            self._text("refusal", Refusal(text=""), delta.refusal)
        for call in delta.tool_calls or ():
            self._call(call_shape.decode(call), call)
        for image in delta.images or ():
            self._whole(read_image(image, "images"))
        if given(delta.audio) is not None:
            self._audio.append(delta.audio)

    def _reasoning(self, delta: WireDelta) -> None:
        details = [(raw, reasoning.detail_shape.decode(raw)) for raw in delta.reasoning_details or ()]
        if not any(reasoning.text_of(detail) for _, detail in details):
            # the plain members repeat the details' text, and count only where there is none
            for member in ("reasoning_content", "reasoning"):
                text = getattr(delta, member)
                if text:
                    self._text((member,), reasoning.by_member(member), text)
                    break
        for raw, detail in details:
            part = reasoning.part_of(raw, detail)
            if not isinstance(part, Reasoning):
                self._whole(part)
                continue
            kind = (detail.type, _detail_index(raw))
            self._begin(kind, msgspec.structs.replace(part, text="", signature=None))
            if part.text:
                self._events.append(TextDelta(index=self._open[0], text=part.text))
            if part.signature is not None:
                self._events.append(SignatureDelta(index=self._open[0], signature=part.signature))

    def _text(self, kind: Kind, part: Part, text: str) -> None:
        self._begin(kind, part)
        self._events.append(TextDelta(index=self._open[0], text=text))

    def _begin(self, kind: Kind, part: Part) -> None:
        """Goes on in the open part where it is of the same kind, else starts `part`."""
        if self._kind != kind:
            self._close()
            self._kind = kind
            self._start(part)

    def _whole(self, part: Part) -> None:
        self._close()
        self._start(part)
        self._close()

    def _start(self, part: Part) -> None:
        self._events.append(PartStart(index=self._next, choice=self._number, part=part))
        self._open.append(self._next)
        self._next += 1

    def _close(self) -> None:
        self._events += [PartEnd(index=index) for index in self._open]
        self._open.clear()
        self._calls.clear()
        self._kind = None
        self._latest = -1

    # --- tool calls: several may be open, and their deltas may interleave ---

    def _call(self, wire: WireToolCall, raw: msgspec.Raw) -> None:
        if self._kind != _CALLS:
            self._close()
            self._kind = _CALLS
        place = self._place(wire)
        call = self._calls.get(place)
        if call is None or (wire.id and wire.id != call.id and _name(wire)):
            call = self._calls[place] = self._start_call(wire, raw)
        self._latest = place
        text = _arguments(wire)
        if text:
            self._events.append(TextDelta(index=call.index, text=text))

    def _place(self, wire: WireToolCall) -> int:
        """The call's index; where a server gives none, an id starts the next call."""
        if wire.index is not None:
            return wire.index
        return self._latest + 1 if wire.id or self._latest < 0 else self._latest

    def _start_call(self, wire: WireToolCall, raw: msgspec.Raw) -> _Call:
        name = _name(wire)
        if not name:
            raise Malformed("a tool call that starts without a name")
        call_id = wire.id or f"call_{self._next}_{self._stream_id}"
        signature, notes = signatures.read(wire.extra_content)
        vendor = vendor_of(call_shape.rest(raw), notes)
        call = _Call(self._next, call_id)
        self._start(
            ToolCall(
                id=call_id,
                name=name,
                arguments="",
                custom=wire.custom is not None,
                signature=signature,
                vendor=vendor,
            )
        )
        return call

    # --- audio: its data comes in pieces, which the hub's events have no place for ---

    def _speak(self) -> None:
        if not self._audio:
            return
        found: dict[str, object] = {}
        data: list[str] = []
        transcript = ""
        for raw in self._audio:
            wire = audio_shape.decode(raw)
            data += [wire.data] if wire.data else []
            transcript += wire.transcript or ""
            found |= audio_shape.rest(raw)
            if wire.id is not None:
                found["id"] = wire.id
        try:
            whole = json.raw({**found, "data": media.joined(data), "transcript": transcript})
        except ValueError as error:
            raise Malformed(f"audio that is not base64: {error}") from None
        self._audio.clear()
        self._whole(read_audio(whole))


def _detail_index(raw: msgspec.Raw) -> bytes:
    """The `index` of an entry of `reasoning_details`: deltas with the same one belong together."""
    return bytes(reasoning.detail_shape.rest(raw).get("index", b""))


def _name(wire: WireToolCall) -> str | None:
    if wire.custom is not None:
        return wire.custom.name
    return wire.function.name if wire.function is not None else None


def _arguments(wire: WireToolCall) -> str:
    if wire.custom is not None:
        return wire.custom.input or ""
    return arguments(wire.function.arguments) if wire.function is not None else ""
