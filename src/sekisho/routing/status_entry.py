"""`status`: whether providers' public status pages are read, and what follows from them."""

from dataclasses import dataclass

from sekisho.providers.status import feeds
from sekisho.routing import values
from sekisho.routing.names import nearest_of
from sekisho.routing.node import Node, Scalar
from sekisho.routing.problem import Path, Wrong
from sekisho.routing.reader import Fields, Reader, scalar

LEAST, MOST = 60.0, 1_800.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class StatusEntry:
    every: float | None = None
    """Seconds between two readings of the pages of the document's providers; None: they are not asked."""
    pages: tuple[tuple[str, str], ...] = ()
    """Page -> the address that is asked in the place of its own."""
    avoid: bool = False
    """Targets whose provider reports an open major or critical incident of its API are tried after others."""


def status(reader: Reader, at: Node, path: Path) -> StatusEntry:
    return StatusEntry(**reader.record(at, path, STATUS))


def _interval(at: Scalar) -> float:
    seconds = values.duration(at)
    if not LEAST <= seconds <= MOST:
        raise Wrong("must be from 1m to 30m: pages are not to be hammered, and what is older says little")
    return seconds


def _pages(reader: Reader, at: Node, path: Path) -> tuple[tuple[str, str], ...]:
    def address(reader: Reader, at: Node, path: Path) -> tuple[str, str]:
        return path[-1], scalar(values.address)(reader, at, path)

    return reader.named(at, path, _name, address)


def _name(at: Scalar) -> str:
    known = feeds.load().feeds
    if at.text not in known:
        near = nearest_of(at.text, known, limit=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise Wrong(f"is no status page that is known; {hint}")
    return at.text


STATUS: Fields = {"every": scalar(_interval), "pages": _pages, "avoid": scalar(values.boolean)}
