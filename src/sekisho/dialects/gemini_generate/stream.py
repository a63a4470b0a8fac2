"""Reading Google's streams into the hub's events.

Every event is a `GenerateContentResponse` with more parts. Texts and thoughts come in pieces and continue the
open part of their kind until a signature seals it; everything else comes whole. Usage is repeated, and the
last counts. No event says that it is the last: a stream is complete when it ends after every candidate had a
finish reason, or the prompt was blocked.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.error import BadRequest, Malformed, Truncated
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
from sekisho.core.message import Part, Reasoning, Text, ToolCall
from sekisho.dialects.gemini_generate import answer, errors, finish, logprobs, parts, schema, usage
from sekisho.dialects.gemini_generate.answer import FEEDBACK
from sekisho.dialects.gemini_generate.parts import SIGNATURE
from sekisho.dialects.gemini_generate.reply import keep
from sekisho.dialects.gemini_generate.schema import NAME, vendor_of
from sekisho.wire.json import raw
from sekisho.wire.shape import BROKEN, given, refuse_bad_text
from sekisho.wire.sse import Frame, FrameDecoder

_NO_TEXT = Text(text="")
_NO_THOUGHT = Reasoning(text="")


class _Candidate:
    """What of one candidate has come so far."""

    __slots__ = ("calls", "finish", "number", "open", "unknown")

    def __init__(self, number: int) -> None:
        self.number = number
        self.open: tuple[int, type[Text | Reasoning]] | None = None
        """(index, kind) of the part that further text continues."""
        self.calls = 0
        self.finish: str | None = None
        self.unknown: dict[str, msgspec.Raw] = {}


class Reader:
    """One stream. See `core.contract.StreamReader`."""

    __slots__ = (
        "_blocked",
        "_candidates",
        "_counts",
        "_frames",
        "_kept",
        "_next_index",
        "_reply_id",
        "_started",
        "_usage",
    )

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._candidates: dict[int, _Candidate] = {}
        self._next_index = 0
        self._started = False
        self._reply_id = ""
        self._usage = schema.RAW
        self._counts: usage.Found = {}
        self._kept: dict[str, msgspec.Raw] = {}
        """Unknown members of all events."""
        self._blocked: str | None = None

    def feed(self, data: bytes) -> list[Event]:
        return self._read(self._frames.feed(data))

    def finish(self, *, needs_terminator: bool = True) -> list[Event]:  # noqa: ARG002 - there is none
        events = self._read(self._frames.finish())
        finished = [
            candidate.finish for candidate in self._candidates.values() if candidate.finish is not None
        ]
        expected = max(self._candidates, default=-1) + 1
        if not self._started or len(finished) != expected or not (finished or self._blocked):
            raise Truncated("the stream ended before the answer had")
        for candidate in self._candidates.values():
            self._close(candidate, events)
        events.append(self._end())
        return events

    def _read(self, frames: Sequence[Frame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if frame.data:
                try:
                    self._read_event(frame.data, events)
                except (*BROKEN, BadRequest) as error:
                    raise Malformed(f"not an event of Gemini's format: {error}") from None
            elif not self._started:
                errors.refuse_what_is_no_stream(frame.raw)
        return events

    def _read_event(self, data: bytes, events: list[Event]) -> None:
        refuse_bad_text(data)
        wire, rest = schema.reply.decode_all(data)
        answer.check(wire, data)
        if given(wire.usage_metadata) is not None:
            self._usage = wire.usage_metadata
            self._counts = usage.parse(self._usage)
        if not self._started:
            self._started = True
            self._reply_id = wire.response_id or ""
            counted = usage.read(self._counts)
            events.append(Start(id=self._reply_id, model=wire.model_version or "", usage=counted))
        self._kept |= rest
        if given(wire.prompt_feedback) is not None:
            self._kept[FEEDBACK] = wire.prompt_feedback
            self._blocked = answer.block_reason(wire) or self._blocked
        for place, candidate in enumerate(wire.candidates or ()):
            self._read_candidate(answer.read_candidate(candidate, place), events)

    def _read_candidate(self, said: answer.Said, events: list[Event]) -> None:
        candidate = self._candidates.get(said.number)
        if candidate is None:
            candidate = self._candidates[said.number] = _Candidate(said.number)
        for item in said.parts:
            self._read_part(candidate, item, events)
        if said.logprobs is not None:
            events.append(LogprobsDelta(choice=candidate.number, raw=logprobs.read(said.logprobs)))
        candidate.finish = said.finish or candidate.finish
        candidate.unknown |= said.rest

    def _read_part(self, candidate: _Candidate, item: msgspec.Raw, events: list[Event]) -> None:
        wire, rest = schema.part.decode_all(item)
        if wire.text is None or rest or _is_more_than_text(wire):
            spare = answer.spare_id(candidate.number, candidate.calls, self._reply_id)
            self._whole(candidate, parts.read(wire, rest, item, "parts", spare), events)
            return
        signature = parts.signature_of(wire)
        if not wire.text and signature is None:
            return
        kind: type[Text | Reasoning] = Reasoning if wire.thought else Text
        if candidate.open is None or candidate.open[1] is not kind:
            self._close(candidate, events)
            part = _NO_THOUGHT if wire.thought else _NO_TEXT
            events.append(PartStart(index=self._next_index, part=part, choice=candidate.number))
            candidate.open = (self._next_index, kind)
            self._next_index += 1
        index = candidate.open[0]
        if wire.text:
            events.append(TextDelta(index=index, text=wire.text))
        if signature is not None:
            self._seal(candidate, index, signature, events)

    def _seal(self, candidate: _Candidate, index: int, signature: str, events: list[Event]) -> None:
        if candidate.open is not None and candidate.open[1] is Reasoning:
            events.append(SignatureDelta(index=index, signature=signature))
        else:
            members = raw({SIGNATURE: signature})
            events.append(VendorDelta(index=index, dialect=NAME, raw=members))
        self._close(candidate, events)

    def _whole(self, candidate: _Candidate, part: Part, events: list[Event]) -> None:
        self._close(candidate, events)
        index, number = self._next_index, candidate.number
        self._next_index += 1
        if isinstance(part, ToolCall):
            candidate.calls += 1
            bare = msgspec.structs.replace(part, arguments="")
            events.append(PartStart(index=index, part=bare, choice=number))
            events.append(TextDelta(index=index, text=part.arguments))
        else:
            events.append(PartStart(index=index, part=part, choice=number))
        events.append(PartEnd(index=index))

    def _close(self, candidate: _Candidate, events: list[Event]) -> None:
        if candidate.open is not None:
            events.append(PartEnd(index=candidate.open[0]))
            candidate.open = None

    def _end(self) -> End:
        ordered = [self._candidates[number] for number in sorted(self._candidates)]
        finishes = tuple(finish.read(candidate.finish, calls=bool(candidate.calls)) for candidate in ordered)
        if not finishes and self._blocked is not None:
            finishes = (finish.blocked(self._blocked),)
        vendor = dict(self._kept)
        unknown = {candidate.number: candidate.unknown for candidate in ordered}
        keep(vendor, answer.nested(unknown), self._usage)
        return End(
            finishes=finishes,
            usage=usage.read(self._counts),
            service_tier=usage.tier(self._counts),
            vendor=vendor_of(vendor),
        )


def _is_more_than_text(wire: schema.Part) -> bool:
    others = (wire.function_call, wire.inline_data, wire.file_data)
    return any(given(other) is not None for other in others)
