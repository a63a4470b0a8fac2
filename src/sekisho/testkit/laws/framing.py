"""Streams as frames, whatever the framing."""

from typing import NamedTuple

from sekisho.testkit import eventframes
from sekisho.wire import sse


class Frame(NamedTuple):
    raw: bytes
    """As it came."""
    data: bytes
    """What it carries: JSON, or nothing."""


def frames(data: bytes) -> list[Frame]:
    """All whole frames of a stream. AWS's binary messages are known by their first checksum."""
    if eventframes.is_framed(data):
        return [Frame(message.raw, message.payload) for message in eventframes.split(data)]
    return [Frame(frame.raw, frame.data) for frame in sse.FrameDecoder().feed(data)]


def carrying(frame: Frame, data: bytes) -> bytes:
    """The frame with other data in it."""
    if eventframes.is_framed(frame.raw):
        (message,) = eventframes.split(frame.raw)
        return eventframes.message(message.headers, data)
    return frame.raw.replace(frame.data, data)
