"""Relaying several events at once, none of which may be lost if a later one is broken."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

_Frame = TypeVar("_Frame")


class Relaying(Protocol):
    unsent: bytes


def relay_all(tap: Relaying, frames: Iterable[_Frame], relay: Callable[[_Frame], bytes]) -> bytes:
    """What `relay` makes of the frames, one after the other. Where it raises, what it had made until then is
    left in `tap.unsent`."""
    made: list[bytes] = []
    whole: bytes | None = None
    try:
        for frame in frames:
            made.append(relay(frame))  # noqa: PERF401 - a comprehension would lose it all
        whole = b"".join(made)
        return whole
    finally:
        if whole is None:
            tap.unsent = b"".join(made)
