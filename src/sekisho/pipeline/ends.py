"""Whether an answer that another target goes on with is over."""

from collections.abc import Sequence

MORE_FOLLOWS = ",;:、，；：・–—-([{（「『"
"""What a text does not end in."""


def looks_whole(said: str) -> bool:
    """Whether the text may have come to its end, so that there was nothing left to say. Letters and figures
    end no text; who has nothing to say after them has failed."""
    last = said.rstrip()[-1:]
    return not (last.isalnum() or last in MORE_FOLLOWS) if last else True


class Stops:
    """Of one continuation: finds a stop sequence that begins in what was said and ends in what follows, which
    none of the two providers sees whole."""

    __slots__ = ("_left", "_said", "_seam", "_stops")

    def __init__(self, said: str, stops: Sequence[str]) -> None:
        longest = max(map(len, stops), default=0)
        self._stops = stops
        self._seam = said[1 - longest :] if longest > 1 else ""
        self._said = len(self._seam)
        self._left = longest - 1
        """Characters of what follows that may still belong to one."""

    def crossed(self, text: str) -> str | None:
        """The stop sequence that `text`, the next of what follows, completes."""
        if not self._said or self._left <= 0:
            return None
        self._seam += text[: self._left]
        self._left -= len(text)
        return next((stop for stop in self._stops if 0 <= self._seam.find(stop) < self._said), None)
