"""What a model thought, left out of an answer whose client asked not to be told.

The counts stay, those of thinking included: it was paid for. What is left out is more than is thinking for
sure: log probabilities, of which some servers tell those of thoughts as well, and what only its own dialect
understands, of a choice or as a part. Signatures of tool calls stay, for a next turn needs them.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from sekisho.core.event import (
    Event,
    LogprobsDelta,
    PartEnd,
    PartStart,
    SignatureDelta,
    TextDelta,
    VendorDelta,
)
from sekisho.core.message import Audio, Document, Image, Opaque, Part, Reasoning, RedactedReasoning, Video
from sekisho.core.reply import Reply

Pass = Callable[[Sequence[Event]], list[Event]]
"""A provider's events -> those for the client."""
THOUGHT = "thought"
"""Gemini's note on an image and its like that belong to its thinking."""


def is_thought(part: Part) -> bool:
    """Whether the part is thinking, or might be."""
    if isinstance(part, Reasoning | RedactedReasoning | Opaque):
        return True
    if not isinstance(part, Image | Audio | Video | Document) or part.vendor is None:
        return False
    return any(THOUGHT in members for members in part.vendor.values())


def from_reply(reply: Reply) -> Reply:
    """The reply without thinking."""
    choices = tuple(
        replace(
            choice,
            parts=tuple(part for part in choice.parts if not is_thought(part)),
            logprobs=None,
            vendor=None,
        )
        for choice in reply.choices
    )
    return replace(reply, choices=choices)


class Withholder:
    """The same for one stream. Its parts are counted anew, without those that are left out."""

    __slots__ = ("_next", "_on", "_places")

    def __init__(self, on: Pass) -> None:
        """`on`: what becomes of the events that are left."""
        self._on = on
        self._next = 0
        self._places: dict[int, int] = {}
        """Indices of open parts that are shown -> those in the client's stream."""

    def take(self, events: Sequence[Event]) -> list[Event]:
        return self._on([shown for event in events if (shown := self._shown(event)) is not None])

    def _shown(self, event: Event) -> Event | None:
        match event:
            case PartStart():
                return self._begin(event)
            case TextDelta() | SignatureDelta() | VendorDelta():
                place = self._places.get(event.index)
                return None if place is None else replace(event, index=place)
            case PartEnd():
                place = self._places.pop(event.index, None)
                return None if place is None else PartEnd(index=place)
            case LogprobsDelta():
                return None
        return event

    def _begin(self, event: PartStart) -> PartStart | None:
        if is_thought(event.part):
            return None
        place = self._places[event.index] = self._next
        self._next += 1
        return replace(event, index=place)
