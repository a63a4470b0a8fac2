"""An answer that goes on where another one broke off, in the client's one stream."""

from collections.abc import Callable, Sequence

import msgspec

from sekisho.core.contract import Dialect, Facts, LooseEnd
from sekisho.core.error import Malformed
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
from sekisho.core.message import Part, Reasoning, RedactedReasoning, Text
from sekisho.core.reply import Finish
from sekisho.core.usage import Usage
from sekisho.pipeline import provenance, withhold
from sekisho.pipeline.ends import Stops, looks_whole
from sekisho.pipeline.overlap import Overlap
from sekisho.pipeline.prepare import Prepared
from sekisho.pipeline.thread import Thread
from sekisho.pipeline.translate import note

Seen = Callable[[Facts], Usage]
"""What the whole answer came to for its client, if the part that goes on came to these facts."""


class Continuation:
    """Provider's events in, the rest of the client's stream out.

    Its text goes on in the part that is open, without what the client has already. Its thinking before that
    is not shown, unless the client has no text yet: a model does not think in the middle of a sentence.
    Further parts follow as they are. Its own names and its vendor's notes are dropped, for the client has
    those of the answer that it began with.

    Raises Malformed where its provider has nothing to say in the middle of a sentence: half an answer would
    look whole.
    """

    __slots__ = (
        "_client",
        "_end",
        "_needs_done",
        "_next",
        "_open",
        "_overlap",
        "_places",
        "_reader",
        "_sealer",
        "_seen",
        "_silent",
        "_spoke",
        "_stops",
        "_thread",
        "_told",
        "_unsent",
        "complete",
        "facts",
        "started",
    )

    def __init__(
        self,
        end: LooseEnd,
        overlap: Overlap,
        stops: Stops,
        prepared: Prepared,
        client: Dialect,
        seen: Seen,
    ):
        self._reader = prepared.dialect.stream_reader()
        own = prepared.dialect is client
        self._sealer = None if own else provenance.StreamSealer(prepared.dialect.name)
        self._client = client
        self._needs_done = prepared.quirks.needs_done
        self._end = end
        self._unsent = end.unsent
        self._overlap = overlap
        self._seen = seen
        self._stops = stops
        self._silent = False
        """About all thinking."""
        self._thread: Thread | None = None
        self._open = end.part
        """The part that its text goes on in."""
        self._next = end.parts
        self._spoke = False
        """A text of its own has begun."""
        self._told = not end.text.strip()
        """The client got something of it, or needs nothing."""
        self._places: dict[int, int | None] = {}
        """Its parts' indices -> those in the client's stream; None: not shown."""
        self.facts = Facts()
        self.started = False
        self.complete = False

    def withhold_thinking(self) -> None:
        """Show none of it, for a client who asked not to be told. Goes before everything else."""
        self._silent = True

    def keep(self) -> None:
        self._thread = Thread(self._end)

    def loose_end(self) -> LooseEnd | None:
        if self._thread is None:
            return None
        return self._thread.loose_end(self._end.writer, thinking=self._client.thinking_breaks_off)

    def feed(self, data: bytes) -> bytes:
        return self._write(self._reader.feed(data))

    def finish(self) -> bytes:
        if self.complete:
            return b""
        return self._write(self._reader.finish(needs_terminator=self._needs_done))

    def conclude(self, _usage: Usage) -> bytes:
        return self._write(self._reader.finish(needs_terminator=False))

    def _write(self, events: Sequence[Event]) -> bytes:
        if not events:
            return b""
        self.started = True
        shown: list[Event] = []
        for event in events:
            if not self.complete:
                note(self.facts, event)
                self._take(event, shown)
        sealed = shown if self._sealer is None else self._sealer.seal(shown)
        if self._thread is not None:
            self._thread.follow(sealed)
        unsent, self._unsent = self._unsent, b""
        return unsent + self._end.writer.write(sealed)

    def _take(self, event: Event, shown: list[Event]) -> None:
        match event:
            case TextDelta(index=index, text=text):
                self._say(self._places.get(index), text, shown)
            case PartStart():
                self._begin(event, shown)
            case PartEnd(index=index):
                place = self._places.pop(index, None)
                if place is not None and place == self._open:
                    self._close(shown)
                elif place is not None:
                    shown.append(PartEnd(index=place))
            case SignatureDelta() | VendorDelta():
                place = self._places.get(event.index)
                if place is not None and place != self._open:
                    shown.append(msgspec.structs.replace(event, index=place))
            case End():
                self._close(shown)
                self._end_with(event.finishes[:1], shown)
            case Start() | LogprobsDelta():
                pass

    def _begin(self, event: PartStart, shown: list[Event]) -> None:
        part = event.part
        self._places[event.index] = None
        if event.choice or self._hides(part):
            return
        if isinstance(part, Text) and not self._spoke:
            self._spoke = True
            if self._open is None:
                self._open = self._start(part, shown)
            self._places[event.index] = self._open
            self._say(self._open, part.text, shown)
            return
        self._close(shown)
        if self.complete:
            return
        self._told = True
        self._places[event.index] = self._next
        shown.append(msgspec.structs.replace(event, index=self._next))
        self._next += 1

    def _hides(self, part: Part) -> bool:
        """Thinking, until it speaks, and where it goes on with a text."""
        if self._silent:
            return withhold.is_thought(part)
        if self._spoke or not isinstance(part, Reasoning | RedactedReasoning):
            return False
        return self._open is not None or bool(self._end.text.strip())

    def _start(self, part: Text, shown: list[Event]) -> int:
        index = self._next
        self._next += 1
        shown.append(PartStart(index=index, part=msgspec.structs.replace(part, text="")))
        return index

    def _say(self, place: int | None, text: str, shown: list[Event]) -> None:
        if place is None:
            return
        if place == self._open:
            self._go_on(place, self._overlap.feed(text), shown)
        elif text:
            shown.append(TextDelta(index=place, text=text))

    def _go_on(self, place: int, text: str, shown: list[Event]) -> None:
        """More of the text that goes on; the end of the answer, where that completes a stop sequence."""
        stop = self._stops.crossed(text)
        if stop is not None:
            shown.append(PartEnd(index=place))
            self._open = None
            self.facts.finish = "stop_sequence"
            self._end_with((Finish(reason="stop_sequence", stop_sequence=stop),), shown)
        elif text:
            self._told = True
            shown.append(TextDelta(index=place, text=text))

    def _end_with(self, finishes: tuple[Finish, ...], shown: list[Event]) -> None:
        if self.complete:
            return
        if not self._told and finishes and finishes[0].reason == "stop" and not looks_whole(self._end.text):
            self.facts.finish = None
            raise Malformed("it went on with nothing, in the middle of a sentence")
        usage = self._seen(self.facts)
        shown.append(End(finishes=finishes, usage=usage, service_tier=self.facts.service_tier))
        self.complete = True

    def _close(self, shown: list[Event]) -> None:
        """The text that goes on has ended, or nothing of it comes."""
        if self._open is None:
            return
        self._go_on(self._open, self._overlap.finish(), shown)
        if self._open is not None:
            shown.append(PartEnd(index=self._open))
            self._open = None
