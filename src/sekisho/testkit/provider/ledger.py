"""What the scripted provider served: the other side of the gateway's books."""

import os
from collections import Counter
from pathlib import Path

import msgspec

from sekisho.core.usage import Usage


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was begun."""

    id: str
    dialect: str
    model: str
    stream: bool
    completed: bool
    """Everything up to the last byte was handed to the connection, the terminator included."""
    usage: Usage


class Aborted(msgspec.Struct, frozen=True, kw_only=True):
    """A client that left before its answer was over."""

    id: str
    at: float
    """When it was noticed, on the monotonic clock."""


class Ledger:
    """Keeps every answer, in memory and, given a file, there as well: one write for each, before the
    answer's last byte goes out, so that a client that has an answer finds it in the file."""

    def __init__(self, file: Path | None = None, *, keep: bool = True):
        self.served: list[Served] = []
        self.aborted: list[Aborted] = []
        self.counts: Counter[str] = Counter()
        """requests, completed, incomplete, aborted, refused."""
        self._keep = keep
        self._descriptor: int | None = None
        if file is not None:
            self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def enter(self, served: Served) -> None:
        self.counts["completed" if served.completed else "incomplete"] += 1
        if self._keep:
            self.served.append(served)
        if self._descriptor is not None:
            os.write(self._descriptor, msgspec.json.encode(served) + b"\n")

    def abort(self, aborted: Aborted) -> None:
        self.counts["aborted"] += 1
        if self._keep:
            self.aborted.append(aborted)

    def lines(self) -> bytes:
        """Everything served, as JSON lines."""
        return b"".join(msgspec.json.encode(served) + b"\n" for served in self.served)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def read(file: Path) -> list[Served]:
    """The answers in a ledger file; a last line that is not whole is left out."""
    decoder = msgspec.json.Decoder(Served)
    lines = file.read_bytes().split(b"\n")
    return [decoder.decode(line) for line in lines[:-1]]
