"""What is kept of a stream that passes, for another target to go on with it.

The client's SDK puts the answer together by the places and numbers that every event names, and the last
event repeats the whole answer. So the events that announce items and parts, and say that they are done, are
kept as they came; of texts that are still being said only the text is.
"""

from typing import TYPE_CHECKING

import msgspec

from sekisho.core import resume
from sekisho.core.contract import LooseEnd, ReplyOptions
from sekisho.core.heard import Heard
from sekisho.dialects.openai_responses.stream import BEGUN, TEXT_DELTA, ResponsesStreamReader
from sekisho.dialects.openai_responses.stream_write import ResponsesStreamWriter
from sekisho.wire import sse
from sekisho.wire.json import encode
from sekisho.wire.shape import Wire
from sekisho.wire.sse import Frame, FrameDecoder

if TYPE_CHECKING:
    from sekisho.core.event import Event

_ADDED, _DONE = "response.output_item.added", "response.output_item.done"
_PART_ADDED, _PART_DONE = "response.content_part.added", "response.content_part.done"
_KEPT = frozenset(
    (
        BEGUN[0],
        _ADDED,
        _DONE,
        _PART_ADDED,
        _PART_DONE,
        "response.reasoning_summary_part.done",
        "response.output_text.annotation.added",
    )
)
_GOES_ON = ("message", "reasoning")
"""Items after which another model could go on."""
_SPOILS = frozenset(
    (
        "response.refusal.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    )
)


class _Typed(Wire):
    type: str | None = None
    text: str | None = None


class _Event(Wire):
    type: str = ""
    sequence_number: int = -1
    output_index: int = 0
    content_index: int = 0
    item: _Typed | None = None
    part: _Typed | None = None


_event = msgspec.json.Decoder(_Event)


def note_delta(heard: Heard, kind: str, text: object) -> None:
    """More of something is said."""
    if kind == TEXT_DELTA:
        if isinstance(text, str):
            heard.say(text)
    elif kind in _SPOILS:
        heard.spoil()


def note(heard: Heard, kind: str, frame: Frame) -> None:
    """An event that is no delta of what the model wrote. Raises msgspec.DecodeError."""
    if kind not in _KEPT or not heard.plain:
        return
    heard.keep(frame.raw)
    if kind != BEGUN[0] and not _goes_on(kind, _event.decode(frame.data)):
        heard.spoil()


def _goes_on(kind: str, event: _Event) -> bool:
    if kind in (_ADDED, _DONE):
        return event.item is not None and (event.item.type or "message") in _GOES_ON
    if kind in (_PART_ADDED, _PART_DONE):
        return event.part is not None and event.part.type in ("output_text", "reasoning_text")
    return True


def loose_end(heard: Heard, latest: bytes, options: ReplyOptions) -> LooseEnd | None:
    """Where the stream stands whose last event had the data `latest`. None where another answer could not go
    on. Raises Malformed."""
    frames = [frame for raw in heard.events for frame in FrameDecoder().feed(raw)]
    stands = _Standing()
    for frame in frames:
        stands.follow(_event.decode(frame.data))
    stands.speak(len(heard.text))
    if not stands.takes_text(len(heard.text)):
        return None
    events: list[Event] = []
    reader = ResponsesStreamReader()
    for frame in frames:
        events += reader.feed(frame.raw)
    if stands.part is not None:
        item, part = stands.part
        delta = {"output_index": item, "content_index": part, "delta": heard.text[stands.ended :]}
        events += reader.feed(sse.encode(encode({"type": TEXT_DELTA, **delta})))
    writer = ResponsesStreamWriter(options)
    end = resume.primed(writer, events, heard.text)
    writer.go_on_after(_event.decode(latest).sequence_number, item_done=stands.item is None)
    return end


class _Standing:
    """Which item and part are open."""

    def __init__(self) -> None:
        self.item: str | None = None
        """Type of the item that is open."""
        self.part: tuple[int, int] | None = None
        """The text that is being said: its item's place, and its own."""
        self.ended = 0
        """Characters of the texts that have ended."""
        self._spoke = False
        """A text of the open message has ended."""
        self._whole = False
        """A message came without its parts."""
        self._place = 0
        """Of the item that was announced last."""

    def speak(self, said: int) -> None:
        """Compatible servers begin to speak without saying in which part."""
        if self.item == "message" and self.part is None and not self._spoke and said > self.ended:
            self.part = (self._place, 0)

    def takes_text(self, said: int) -> bool:
        """Whether a text may go on or begin here, after `said` characters of deltas. Not in thinking; not in
        a message of which no part was announced, for the next would be announced as another; and not where
        a server says more, or less, in deltas than as a whole."""
        inside = self.item is not None and self.part is None and not self._spoke
        return not (inside or self._whole or (self.part is None and said != self.ended))

    def follow(self, event: _Event) -> None:
        if event.type == _ADDED and event.item is not None:
            self.item, self._spoke = event.item.type or "message", False
            self._place = event.output_index
        elif event.type == _DONE and event.item is not None:
            self._whole = self._whole or ((event.item.type or "message") == "message" and not self._spoke)
            self.item = self.part = None
        elif event.type == _PART_ADDED and self.item == "message":
            self.part = (event.output_index, event.content_index)
        elif event.type == _PART_DONE and self.part is not None:
            self.part, self._spoke = None, True
            self.ended += len(event.part.text or "") if event.part is not None else 0
