"""A provider's stream of `chat.completion.chunk` events, read into the hub's events.

Servers differ in what they leave out: the reader takes chunks without choices, usage beside a choice or
alone, tool calls without index or id, and comments. It insists on a finish reason for every choice and on
`[DONE]`: what lacks them was cut off.

Unknown members are kept from the first chunk (in `Start`) and from those that end an answer (in `End`);
unknown members of deltas are dropped.
"""

from collections.abc import Sequence

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.event import End, Event, Start
from sekisho.core.usage import Usage
from sekisho.dialects.openai_chat import errors, usage
from sekisho.dialects.openai_chat.schema import WireChunk, WireChunkChoice
from sekisho.dialects.openai_chat.shape import vendor_of
from sekisho.dialects.openai_chat.stream_choice import ChoiceReader
from sekisho.wire import openai_finish as finish
from sekisho.wire.shape import BROKEN, Shape, given, refuse_bad_text
from sekisho.wire.sse import DONE, Frame, FrameDecoder

_chunk = Shape(WireChunk)


class ChatStreamReader:
    """One stream. See `core.contract.StreamReader`."""

    __slots__ = (
        "_choices",
        "_done",
        "_frames",
        "_kept",
        "_next_index",
        "_start",
        "_tier",
        "_usage",
    )

    _kept: Members
    """Unknown members of chunks, since `Start`."""
    _usage: Usage | None

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._choices: dict[int, ChoiceReader] = {}
        self._next_index = 0
        self._start: Start | None = None
        self._done = False
        self._usage = None
        self._tier: str | None = None
        self._kept = {}

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
            elif self._start is None:
                errors.refuse_what_is_no_stream(frame.raw)
        return events

    def _read_chunk(self, frame: Frame, events: list[Event]) -> None:
        data = frame.data
        refuse_bad_text(data)
        chunk = _chunk.decode(data)
        if given(chunk.error) is not None or frame.event == b"error":
            raise errors.in_answer(data)
        if chunk.choices is None and chunk.usage is None:
            errors.refuse(data)
            return
        choices = chunk.choices or []
        if self._start is None:
            self._begin(chunk, data, events)
        elif not choices or chunk.usage or choices[0].finish_reason:
            self._kept |= _chunk.rest(data)
        self._usage = usage.read(chunk.usage) or self._usage
        self._tier = chunk.service_tier or self._tier
        for choice in choices:
            self._read_choice(choice, events)

    def _begin(self, chunk: WireChunk, data: bytes, events: list[Event]) -> None:
        self._kept |= _chunk.rest(data)
        if not chunk.id and not chunk.choices:
            return  # Azure reports on its filters before the answer has a name
        self._start = Start(
            id=chunk.id or "",
            model=chunk.model or "",
            created=None if chunk.created is None else int(chunk.created),
            vendor=vendor_of(self._kept),
        )
        self._kept = {}
        events.append(self._start)

    def _read_choice(self, choice: WireChunkChoice, events: list[Event]) -> None:
        failed = finish.failure(choice.finish_reason)
        if failed is not None:
            raise failed
        reader = self._choices.get(choice.index)
        if reader is None:
            if choice.index < 0:
                raise Malformed(f"a choice with the index {choice.index}")
            stream_id = self._start.id if self._start else ""
            reader = self._choices[choice.index] = ChoiceReader(choice.index, stream_id)
        self._next_index = reader.read(choice, self._next_index, events)

    def _finished(self) -> bool:
        return bool(self._choices) and all(
            number in self._choices and self._choices[number].finish is not None
            for number in range(max(self._choices) + 1)
        )

    def _end(self) -> list[Event]:
        if self._start is None or not self._finished():
            raise Truncated("the stream ended before the answer had")
        self._done = True
        said = self._start.vendor or {}
        known = {name: raw for members in said.values() for name, raw in members.items()}
        kept = {name: raw for name, raw in self._kept.items() if known.get(name) != raw}
        readers = [self._choices[number] for number in sorted(self._choices)]
        events: list[Event] = []
        for reader in readers:
            self._next_index = reader.close(self._next_index, events)
        finishes = tuple(reader.finish for reader in readers if reader.finish is not None)
        end = End(finishes=finishes, usage=self._usage, service_tier=self._tier, vendor=vendor_of(kept))
        return [*events, end]
