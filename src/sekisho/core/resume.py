"""Stream writers that go on where a stream stands that they have not written."""

from collections.abc import Sequence

from sekisho.core.contract import LooseEnd, StreamReader, StreamWriter
from sekisho.core.event import Event, PartEnd, PartStart, Start, TextDelta
from sekisho.core.heard import Heard
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


def retold(heard: Heard | None, reader: StreamReader, writer: StreamWriter) -> LooseEnd | None:
    """The same from what was heard of a stream whose events say where its parts begin and end. None also
    where nothing, or not text alone, was heard."""
    if heard is None or not heard.plain or not heard.events:
        return None
    return primed(writer, reader.feed(b"".join(heard.events)), heard.text)


def spoken(heard: Heard | None, reader: StreamReader, writer: StreamWriter) -> LooseEnd | None:
    """The same for a stream whose events do not say that: its text is taken to be one part."""
    if heard is None or not heard.plain:
        return None
    start = next((event for event in reader.feed(b"".join(heard.events)) if isinstance(event, Start)), None)
    if start is None:
        return None
    events: list[Event] = [start]
    if heard.text:
        events += [PartStart(index=0, part=Text(text="")), TextDelta(index=0, text=heard.text)]
    return primed(writer, events, heard.text)
