"""Event streams and replies: what a stream means, and the stream that a reply could have been.

`Fold` is also the judge of the grammar in `core.event`: whatever it takes is well formed.
"""

from collections.abc import Iterable

import msgspec

from sekisho.core.error import Malformed, Truncated
from sekisho.core.event import (
    End,
    Event,
    LogprobsDelta,
    PartEnd,
    PartStart,
    SignatureDelta,
    Start,
    TextDelta,
    VendorDelta,
)
from sekisho.core.message import Opaque, Part, Reasoning, Refusal, Text, ToolCall, Vendor
from sekisho.core.reply import Choice, Reply

_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def fold(events: Iterable[Event]) -> Reply:
    """The reply that a stream means. Raises Truncated without an `End`, Malformed on a grammar breach."""
    result = Fold()
    for event in events:
        result.add(event)
    return result.reply()


def check(events: Iterable[Event]) -> None:
    """Raises Truncated without an `End`, Malformed on the first event that breaks the grammar."""
    fold(events)


def unfold(reply: Reply) -> list[Event]:
    """The stream that `reply` could have been: `fold` gives it back, but for the choices' `vendor`."""
    events: list[Event] = [Start(id=reply.id, model=reply.model, created=reply.created, vendor=reply.vendor)]
    index = 0
    for number, choice in enumerate(reply.choices):
        for part in choice.parts:
            events += _unfold_part(index, number, part)
            index += 1
        if choice.logprobs is not None:
            events.append(LogprobsDelta(choice=number, raw=choice.logprobs))
    finishes = tuple(choice.finish for choice in reply.choices)
    events.append(End(finishes=finishes, usage=reply.usage, service_tier=reply.service_tier))
    return events


class Fold:
    """Takes one stream's events one by one, refuses what the grammar forbids, and adds up their meaning."""

    __slots__ = ("_end", "_logprobs", "_next_index", "_open", "_parts", "_start")

    def __init__(self) -> None:
        self._start: Start | None = None
        self._end: End | None = None
        self._next_index = 0
        self._open: dict[int, _OpenPart] = {}
        self._parts: dict[int, list[_OpenPart]] = {}
        self._logprobs: dict[int, list[msgspec.Raw]] = {}

    def add(self, event: Event) -> None:
        """Raises Malformed where `event` may not stand here."""
        if self._end is not None:
            raise Malformed(f"{_name(event)} after the end of the stream")
        if isinstance(event, Start):
            if self._start is not None:
                raise Malformed("a second start of the stream")
            self._start = event
        elif self._start is None:
            raise Malformed(f"{_name(event)} before the start of the stream")
        elif isinstance(event, PartStart):
            self._begin(event)
        elif isinstance(event, PartEnd):
            self._part(event)
            del self._open[event.index]
        elif isinstance(event, LogprobsDelta):
            self._logprobs.setdefault(event.choice, []).append(event.raw)
        elif isinstance(event, End):
            self._finish(event)
        else:
            self._part(event).add(event)

    def reply(self) -> Reply:
        """What was said. Raises Truncated unless the stream is complete."""
        if self._start is None or self._end is None:
            raise Truncated("the stream has no end")
        choices = tuple(
            Choice(
                parts=tuple(part.whole() for part in self._parts.get(number, ())),
                finish=finish,
                logprobs=_merge(self._logprobs[number]) if number in self._logprobs else None,
            )
            for number, finish in enumerate(self._end.finishes)
        )
        vendor = _merge_vendor(self._start.vendor, self._end.vendor)
        return Reply(
            id=self._start.id,
            model=self._start.model,
            choices=choices,
            usage=self._end.usage,
            created=self._start.created,
            service_tier=self._end.service_tier,
            vendor=vendor,
        )

    def _begin(self, event: PartStart) -> None:
        if event.index != self._next_index:
            raise Malformed(f"part {event.index} starts where part {self._next_index} should")
        calls = isinstance(event.part, ToolCall)
        for index, other in self._open.items():
            if other.choice == event.choice and not (calls and isinstance(other.part, ToolCall)):
                raise Malformed(f"part {event.index} starts before part {index} of its choice has ended")
        opened = _OpenPart(event)
        self._next_index += 1
        self._open[event.index] = opened
        self._parts.setdefault(event.choice, []).append(opened)

    def _part(self, event: TextDelta | SignatureDelta | VendorDelta | PartEnd) -> "_OpenPart":
        part = self._open.get(event.index)
        if part is None:
            raise Malformed(f"{_name(event)} for part {event.index}, which is not open")
        return part

    def _finish(self, event: End) -> None:
        if self._open:
            raise Malformed(f"the stream ends before part {min(self._open)} has")
        seen = {*self._parts, *self._logprobs}
        if any(choice not in range(len(event.finishes)) for choice in seen):
            raise Malformed(f"{len(event.finishes)} finishes for choices {sorted(seen)}")
        self._end = event


class _OpenPart:
    __slots__ = ("_signature", "_text", "_vendor", "choice", "part")

    def __init__(self, event: PartStart) -> None:
        self.part = event.part
        self.choice = event.choice
        self._text: list[str] = []
        self._signature: list[str] = []
        self._vendor: list[VendorDelta] = []

    def add(self, event: TextDelta | SignatureDelta | VendorDelta) -> None:
        if isinstance(event, TextDelta):
            if not isinstance(self.part, Text | Refusal | Reasoning | ToolCall):
                raise Malformed(f"text for part {event.index}, a {_name(self.part)}")
            self._text.append(event.text)
        elif isinstance(event, SignatureDelta):
            if not isinstance(self.part, Reasoning):
                raise Malformed(f"a signature for part {event.index}, a {_name(self.part)}")
            self._signature.append(event.signature)
        else:
            self._vendor.append(event)

    def whole(self) -> Part:
        part = _grow(self.part, self._vendor) if self._vendor else self.part
        text = "".join(self._text)
        if isinstance(part, ToolCall):
            return msgspec.structs.replace(part, arguments=part.arguments + text) if text else part
        if isinstance(part, Reasoning) and self._signature:
            signature = "".join((part.signature or "", *self._signature))
            return msgspec.structs.replace(part, text=part.text + text, signature=signature)
        if isinstance(part, Text | Refusal | Reasoning) and text:
            return msgspec.structs.replace(part, text=part.text + text)
        return part


def _unfold_part(index: int, choice: int, part: Part) -> list[Event]:
    events: list[Event] = []
    if isinstance(part, ToolCall):
        bare: Part = msgspec.structs.replace(part, arguments="")
        text = part.arguments
    elif isinstance(part, Reasoning):
        bare, text = msgspec.structs.replace(part, text="", signature=None), part.text
    elif isinstance(part, Text | Refusal):
        bare, text = msgspec.structs.replace(part, text=""), part.text
    else:
        bare, text = part, ""
    events.append(PartStart(index=index, choice=choice, part=bare))
    if text:
        events.append(TextDelta(index=index, text=text))
    if isinstance(part, Reasoning) and part.signature is not None:
        events.append(SignatureDelta(index=index, signature=part.signature))
    events.append(PartEnd(index=index))
    return events


def _grow(part: Part, deltas: list[VendorDelta]) -> Part:
    if isinstance(part, Opaque):
        return msgspec.structs.replace(part, raw=_merge([part.raw, *(delta.raw for delta in deltas)]))
    vendor = dict(part.vendor or {})
    for dialect in dict.fromkeys(delta.dialect for delta in deltas):
        more = [delta.raw for delta in deltas if delta.dialect == dialect]
        known = msgspec.Raw(_encode(vendor.get(dialect, {})))
        vendor[dialect] = _decode_members(_merge([known, *more]))
    return msgspec.structs.replace(part, vendor=vendor)


def _merge_vendor(first: Vendor | None, second: Vendor | None) -> Vendor | None:
    if first is None or second is None:
        return first or second
    merged = dict(first)
    for dialect, members in second.items():
        merged[dialect] = {**merged.get(dialect, {}), **members}
    return merged


def _merge(values: list[msgspec.Raw]) -> msgspec.Raw:
    """JSON values as one, untouched members byte for byte: objects by member, lists and texts one after
    the other, of anything else the last. A null neither adds nor removes."""
    solid = [value for value in values if bytes(value) != b"null"] or values[:1]
    if len(solid) == 1:
        return solid[0]
    kinds = {bytes(value)[:1] for value in solid}
    if kinds == {b"{"}:
        members: dict[str, list[msgspec.Raw]] = {}
        for value in solid:
            for name, member in _decode_members(value).items():
                members.setdefault(name, []).append(member)
        return msgspec.Raw(_encode({name: _merge(found) for name, found in members.items()}))
    if kinds == {b"["}:
        return msgspec.Raw(_encode([item for value in solid for item in _raw_items.decode(value)]))
    if kinds == {b'"'}:
        return msgspec.Raw(_encode("".join(map(_text.decode, solid))))
    return solid[-1]


def _decode_members(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return _raw_members.decode(raw)
    except msgspec.DecodeError as error:
        raise Malformed(f"a vendor's delta is not an object: {error}") from None


def _name(value: object) -> str:
    return type(value).__name__
