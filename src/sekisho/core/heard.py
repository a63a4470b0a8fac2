"""What the client of a stream was told, kept while it passes, for another target to go on with."""

LONGEST = 1024 * 1024
"""Bytes of text and events beyond which nothing is kept any more."""


class Heard:
    """Filled by a stream's tap, event by event.

    The text is kept as UTF-8, for as many small texts would take ten times the room. Of the events only those
    are kept that say how the answer is built up (where a part begins and ends), so that a stream of 1,000
    words costs 6 KB, and thinking next to nothing.
    """

    __slots__ = ("_room", "_text", "events", "plain")

    def __init__(self) -> None:
        self._room = LONGEST
        self._text = bytearray()
        self.events: list[bytes] = []
        """As they came from the provider."""
        self.plain = True
        """Nothing but text and thinking was said so far. False is final: nobody could go on from a tool call
        or an image, and nothing is kept any more."""

    @property
    def text(self) -> str:
        """All of the answer's text, parts joined; without thinking."""
        return self._text.decode()

    def say(self, text: str) -> None:
        """The client sees more of the answer's text."""
        try:
            said = text.encode()
        except UnicodeEncodeError:  # half of a character: whatever comes of it, nobody goes on from there
            self.spoil()
            return
        self._room -= len(said)
        if self._room >= 0:
            self._text += said
        elif self.plain:
            self.spoil()

    def keep(self, event: bytes) -> None:
        """An event that says more than text."""
        self._room -= len(event)
        if self._room >= 0:
            self.events.append(event)
        elif self.plain:
            self.spoil()

    def spoil(self) -> None:
        """Something was said that another target could not go on from."""
        self.plain = False
        self._room = -1
        self._text = bytearray()
        self.events = []
