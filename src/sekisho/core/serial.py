"""Parts one after the other, for dialects whose streams do not let them overlap."""

from collections.abc import Iterable

from sekisho.core.event import Event, PartEnd, PartStart, SignatureDelta, TextDelta, VendorDelta

OfPart = PartStart | TextDelta | SignatureDelta | VendorDelta | PartEnd


class Serial:
    """Puts one stream's events in order: of parts that overlap, the later wait until the first has ended."""

    __slots__ = ("_open", "_waiting")

    def __init__(self) -> None:
        self._open: int | None = None
        self._waiting: dict[int, list[OfPart]] = {}

    def put(self, event: Event) -> Iterable[Event]:
        """The events whose turn has come."""
        if not isinstance(event, OfPart):
            return (event,)
        if event.index == self._open:
            if not isinstance(event, PartEnd):
                return (event,)
            self._open = None
            return [event, *self._release()]
        if self._open is None and isinstance(event, PartStart):
            self._open = event.index
            return (event,)
        self._waiting.setdefault(event.index, []).append(event)
        return ()

    def _release(self) -> list[Event]:
        """What waits, up to the first part that has not ended."""
        released: list[Event] = []
        while self._open is None and self._waiting:
            index = next(iter(self._waiting))
            held = self._waiting.pop(index)
            released += held
            if not isinstance(held[-1], PartEnd):
                self._open = index
        return released
