"""Streams as frames, whatever the framing."""

from typing import NamedTuple

from sekisho.wire import sse


class Frame(NamedTuple):
    raw: bytes
    """As it came."""
    data: bytes
    """What it carries: JSON, or nothing."""


def frames(data: bytes) -> list[Frame]:
    """All whole frames of a stream."""
    return [Frame(frame.raw, frame.data) for frame in sse.FrameDecoder().feed(data)]
