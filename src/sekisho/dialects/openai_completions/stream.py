"""A provider's stream of `text_completion` chunks, read into the hub's events.

A choice's text is one part. The reader insists on a finish reason for every choice and on `[DONE]`: what
lacks them was cut off. Unknown members are kept from the first chunk (in `Start`); those of choices are
dropped.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.event import End, Event, LogprobsDelta, PartEnd, PartStart, Start, TextDelta
from sekisho.core.message import Text
from sekisho.core.reply import Finish
from sekisho.core.usage import Usage
from sekisho.dialects.openai_completions import errors, logprobs, usage
from sekisho.dialects.openai_completions.reply import read_choice, reply_shape
from sekisho.dialects.openai_completions.schema import WireReply, vendor_of
from sekisho.wire import openai_finish as finish
from sekisho.wire.shape import BROKEN, given, refuse_bad_text
from sekisho.wire.sse import DONE, Frame, FrameDecoder


class CompletionStreamReader:
    """One stream. See `core.contract.StreamReader`."""

    __slots__ = ("_begun", "_done", "_finishes", "_frames", "_parts", "_tier", "_usage")

    _parts: dict[int, int]
    """Choice -> its part."""
    _finishes: dict[int, Finish]
    _usage: Usage | None

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._begun = False
        self._done = False
        self._parts = {}
        self._finishes = {}
        self._usage = None
        self._tier: str | None = None

    def feed(self, data: bytes) -> list[Event]:
        return self._read(self._frames.feed(data))

    def finish(self, *, needs_terminator: bool = True) -> list[Event]:
        events = self._read(self._frames.finish())
        if self._done:
            return events
        if needs_terminator or not self._finished():
            raise Truncated("the stream ended without [DONE]")
        return [*events, *self._end()]

    def _read(self, frames: Sequence[Frame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if self._done:
                break  # nothing that follows belongs to the answer
            if frame.data == DONE:
                events += self._end()
            elif frame.data:
                try:
                    self._read_chunk(frame, events)
                except (*BROKEN, BadRequest) as error:
                    raise Malformed(f"an event that is no chunk: {error}") from None
            elif not self._begun:
                errors.refuse_what_is_no_stream(frame.raw)
        return events

    def _read_chunk(self, frame: Frame, events: list[Event]) -> None:
        data = frame.data
        refuse_bad_text(data)
        chunk = reply_shape.decode(data)
        if given(chunk.error) is not None or frame.event == b"error":
            raise errors.in_answer(data)
        if chunk.choices is None and chunk.usage is None:
            errors.refuse(data)
            return
        if not self._begun:
            self._begin(chunk, data, events)
        self._usage = usage.read(chunk.usage) or self._usage
        self._tier = chunk.service_tier or self._tier
        for raw in chunk.choices or ():
            self._read_choice(raw, events)

    def _begin(self, chunk: WireReply, data: bytes, events: list[Event]) -> None:
        self._begun = True
        created = None if chunk.created is None else int(chunk.created)
        vendor = vendor_of(reply_shape.rest(data))
        events.append(Start(id=chunk.id or "", model=chunk.model or "", created=created, vendor=vendor))

    def _read_choice(self, raw: msgspec.Raw, events: list[Event]) -> None:
        choice = read_choice(raw)
        number = choice.index
        if number < 0:
            raise Malformed(f"a choice with the index {number}")
        if choice.text and number not in self._parts:
            self._parts[number] = len(self._parts)
            events.append(PartStart(index=self._parts[number], choice=number, part=Text(text="")))
        if choice.text:
            events.append(TextDelta(index=self._parts[number], text=choice.text))
        told = logprobs.read(choice.logprobs)
        if told is not None:
            events.append(LogprobsDelta(choice=number, raw=told))
        if choice.finish_reason is not None:
            self._finishes[number] = finish.read(
                choice.finish_reason, choice.native_finish_reason, choice.stop_reason
            )

    def _finished(self) -> bool:
        last = max((*self._finishes, *self._parts), default=-1)
        return last >= 0 and len(self._finishes) == last + 1

    def _end(self) -> list[Event]:
        if not self._finished():
            raise Truncated("the stream ended before the answer had")
        self._done = True
        finishes = tuple(self._finishes[number] for number in sorted(self._finishes))
        ends: list[Event] = [PartEnd(index=index) for index in self._parts.values()]
        return [*ends, End(finishes=finishes, usage=self._usage, service_tier=self._tier)]
