"""Server-sent events (WHATWG HTML, section 9.2) without I/O: bytes in any split -> whole frames."""

import re
from typing import NamedTuple

from sekisho.core.error import Malformed

MAX_EVENT = 16 * 1024 * 1024
"""Bytes. A provider that sends more without ending an event is broken or hostile."""
DONE = b"[DONE]"
"""The data of the event that ends a stream of OpenAI's family."""

_BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")


class Frame(NamedTuple):
    raw: bytes
    """The event as it came, its blank line included."""
    event: bytes
    """The `event` field, or empty."""
    data: bytes
    """The `data` lines joined by newlines; empty for comments."""


class FrameDecoder:
    """Collects bytes until an event is whole. One object for one stream."""

    __slots__ = ("_at_start", "_held", "_size", "_tail")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._tail = b""
        """The last bytes held: an event's end may begin in them."""
        self._at_start = True

    def feed(self, data: bytes) -> list[Frame]:
        """All frames that `data` completes. Raises Malformed for an endless event."""
        if not self._held and not self._tail:
            frame = _plain_event(data)
            if frame is not None and len(data) <= MAX_EVENT:
                self._at_start = False
                return [frame]
        window = self._tail + data
        if self._at_start:
            if len(window) < len(_BOM) and _BOM.startswith(window):
                self._tail = window
                return []
            self._at_start = False
            data = window = window.removeprefix(_BOM)
        if b"\n\n" not in window and (b"\r" not in window or _END.search(window) is None):
            self._held.append(data)  # joined once, so that a long event costs linear time
            self._size += len(data)
            self._tail = window[-3:]
            _limit(self._size)
            return []
        buffer = b"".join((*self._held, data)) if self._held else data
        frames, rest = _split(buffer) if b"\r" in buffer else _split_plain(buffer)
        self._held = [rest] if rest else []
        self._size = len(rest)
        self._tail = rest[-3:]
        if len(buffer) > MAX_EVENT:
            _limit(max(len(rest), *(len(frame.raw) for frame in frames)))
        return frames

    def finish(self) -> list[Frame]:
        """What is left when the connection ends: a last event without its blank line, if any."""
        rest = b"".join(self._held)
        self._held = []
        self._size = 0
        self._tail = b""
        return [_parse(rest)] if rest.strip() else []


def _limit(size: int) -> None:
    if size > MAX_EVENT:
        raise Malformed(f"an event longer than {MAX_EVENT} bytes")


def _split_plain(buffer: bytes) -> tuple[list[Frame], bytes]:
    pieces = buffer.split(b"\n\n")
    rest = pieces.pop()
    return [_parse(piece + b"\n\n") for piece in pieces], rest


def _split(buffer: bytes) -> tuple[list[Frame], bytes]:
    frames: list[Frame] = []
    start = 0
    for match in _END.finditer(buffer):
        end = match.end()
        if end == len(buffer) and buffer.endswith(b"\r"):
            break  # a line feed may follow and belong to this line end
        frames.append(_parse(buffer[start:end]))
        start = end
    return frames, buffer[start:]


def _plain_event(raw: bytes) -> Frame | None:
    """By far the most common events, and mostly what one network read brings: one line of data, which the
    event's name may precede."""
    if raw.endswith(b"\r\n\r\n") and raw.startswith(b"data: ") and raw.count(b"\r") == raw.count(b"\n") == 2:
        return Frame(raw, b"", raw[6:-4])  # Google's line ends
    if not raw.endswith(b"\n\n") or b"\r" in raw:
        return None
    lines = raw.count(b"\n")
    if lines == 2 and raw.startswith(b"data: "):
        return Frame(raw, b"", raw[6:-2])
    if lines == 3 and raw.startswith(b"event: "):
        end = raw.index(b"\n")
        if raw.startswith(b"data: ", end + 1):
            return Frame(raw, raw[7:end], raw[end + 7 : -2])
    return None


def _parse(raw: bytes) -> Frame:
    plain = _plain_event(raw)
    if plain is not None:
        return plain
    event = b""
    data: list[bytes] = []
    for line in _LINE.split(raw):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
    return Frame(raw, event, b"\n".join(data))


def encode(data: bytes, event: bytes = b"") -> bytes:
    """One frame of JSON. Line ends, which stand between values that are passed on as they came, become
    spaces."""
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    if event:
        return b"event: " + event + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"
