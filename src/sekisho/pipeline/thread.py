"""What a client's stream has come to, as its events pass, for another target to go on with it."""

from collections.abc import Iterable

from sekisho.core.contract import LooseEnd, StreamWriter
from sekisho.core.event import Event, LogprobsDelta, PartEnd, PartStart, TextDelta
from sekisho.core.heard import Heard
from sekisho.core.message import Reasoning, RedactedReasoning, Text


class Thread:
    """For streams that are written event by event. (Of those that are passed through, the tap knows.)"""

    __slots__ = ("_heard", "_part", "_parts", "_thought")

    def __init__(self, end: LooseEnd | None = None) -> None:
        """`end`: where the stream stands already."""
        self._heard = Heard()
        self._part: int | None = None
        """The text part that is open."""
        self._thought: int | None = None
        """The thinking that is open."""
        self._parts = 0
        if end is not None:
            self._heard.say(end.text)
            self._part, self._parts = end.part, end.parts

    def follow(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, TextDelta):
                if event.index == self._part:
                    self._heard.say(event.text)
            elif isinstance(event, PartStart):
                self._begin(event)
            elif isinstance(event, PartEnd):
                if event.index == self._part:
                    self._part = None
                elif event.index == self._thought:
                    self._thought = None
            elif isinstance(event, LogprobsDelta):
                self._heard.spoil()

    def _begin(self, event: PartStart) -> None:
        self._parts = event.index + 1
        part = event.part
        if event.choice == 0 and isinstance(part, Text):
            self._part = event.index
            self._heard.say(part.text)
        elif event.choice == 0 and isinstance(part, Reasoning | RedactedReasoning):
            self._thought = event.index
        else:
            self._heard.spoil()

    def loose_end(self, writer: StreamWriter, *, thinking: bool) -> LooseEnd | None:
        """`writer` has written the events. `thinking`: that may break off (`Dialect.thinking_breaks_off`)."""
        if not self._heard.plain or (self._thought is not None and not thinking):
            return None
        unsent = b""
        if self._thought is not None:
            unsent = writer.write([PartEnd(index=self._thought)])
            self._thought = None
        return LooseEnd(writer, self._heard.text, self._part, self._parts, unsent)
