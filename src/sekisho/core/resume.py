"""Stream writers that go on where a stream stands that they have not written."""

from collections.abc import Sequence

from sekisho.core.contract import LooseEnd, StreamWriter
from sekisho.core.event import Event, PartEnd, PartStart, Start, TextDelta
from sekisho.core.message import Part, Text


def primed(writer: StreamWriter, events: Sequence[Event], text: str) -> LooseEnd | None:
    """`writer`, new, brought to where a stream stands that is made of `events` so far, of which its client
    has the `text`. None where another answer could not go on: in the middle of anything but a text."""
    writer.write(events)
    parts = 0
    opened: dict[int, Part] = {}
    for event in events:
        if isinstance(event, PartStart):
            parts = event.index + 1
            opened[event.index] = event.part
        elif isinstance(event, PartEnd):
            opened.pop(event.index, None)
    if not opened:
        return LooseEnd(writer, text, None, parts)
    (index, part), *others = opened.items()
    return LooseEnd(writer, text, index, parts) if isinstance(part, Text) and not others else None


def spoken(writer: StreamWriter, start: Start, text: str) -> LooseEnd | None:
    """The same for a stream whose events do not say where its parts begin and end."""
    events: list[Event] = [start]
    if text:
        events += [PartStart(index=0, part=Text(text="")), TextDelta(index=0, text=text)]
    return primed(writer, events, text)
