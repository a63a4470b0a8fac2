"""The journal's files. Each belongs to one process, which holds a lock on it for as long as it may write.

A segment appears under its final name only when it is locked, so a file that can be locked belongs to
nobody any more: nothing will be added to it.
"""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from sekisho.metering import frame
from sekisho.metering.frame import WrittenRecord

SUFFIX = ".log"
UNBORN = ".new"
"""Ends the name of a segment that is not locked yet."""
CHUNK = 1024 * 1024
MOST_LINES = 2_000


class Segment:
    """A segment that this process writes."""

    def __init__(self, directory: Path, now: float):
        """Make one. `now` in seconds since the epoch. Raises OSError."""
        name = f"{int(now * 1000):013d}-{os.getpid()}-{secrets.token_hex(4)}"
        self.path = directory / (name + SUFFIX)
        self.size = 0
        """Bytes of whole lines."""
        self._named = False
        hidden = directory / (name + UNBORN)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self.descriptor = os.open(hidden, flags, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self.path)
        except OSError:
            os.close(self.descriptor)
            hidden.unlink(missing_ok=True)
            raise

    def write(self, data: bytes) -> None:
        """Append whole lines. Raises OSError; what was written until then is cut back to whole lines, and
        `size` says how far that is. The segment must then not be written again."""
        written = 0
        try:
            while written < len(data):
                written += os.write(self.descriptor, data[written:] if written else data)
        except OSError:
            whole = data.rfind(b"\n", 0, written) + 1
            if whole < written:
                # Where this fails too, a reader finds a torn tail and skips it.
                with contextlib.suppress(OSError):
                    os.ftruncate(self.descriptor, self.size + whole)
            self.size += whole
            raise
        self.size += written

    def sync(self) -> None:
        """Wait until everything written is on the disk, and so is the file's name. For a worker thread;
        raises OSError."""
        os.fsync(self.descriptor)
        if not self._named:
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
            self._named = True

    def close(self) -> None:
        """Give the segment up: it may be loaded to its end and deleted. An empty one is deleted here."""
        try:
            if self.size == 0:
                self.path.unlink(missing_ok=True)
        finally:
            os.close(self.descriptor)


class Portion(NamedTuple):
    records: list[WrittenRecord]
    next_offset: int
    """Where to read on."""
    damaged: int
    """Whole lines that were no records; they are skipped."""
    torn: bool
    """A dead writer left an unfinished last line, which is skipped: its call was never acknowledged."""
    ended: bool
    """Nothing more can be read for now."""


def read(path: Path, offset: int, *, final: bool) -> Portion:
    """At most 2,000 records from `offset` on, which must be a line's start. Raises OSError.

    `final`: the writer is gone (ask `alive` before the last read, not after), so a last line without
    its end will never get one. Otherwise such a line is left for later.
    """
    data, at_end = _read_lines(path, offset)
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].split(b"\n", MOST_LINES)
    rest = lines.pop()
    consumed = whole - len(rest)
    records = [record for record in map(frame.decode, lines) if record is not None]
    damaged = len(lines) - len(records)
    ended = at_end and not rest
    torn = False
    if ended and final and whole < len(data):
        record = frame.decode(data[whole:])  # only the line feed may be missing
        torn = record is None
        if record is not None:
            records.append(record)
        consumed = len(data)
    return Portion(records, offset + consumed, damaged, torn, ended)


def _read_lines(path: Path, offset: int) -> tuple[bytes, bool]:
    """Bytes with at least one line end unless the file has none, and whether that is all of the file."""
    size = CHUNK
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        data = file.read(size)
        while len(data) == size and b"\n" not in data:
            data += file.read(size)
            size *= 2
    return data, len(data) < size


def alive(path: Path) -> bool:
    """Whether a process may still write to this segment. Raises OSError (FileNotFoundError included)."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def find(directory: Path) -> list[Path]:
    """All segments, oldest first. Raises OSError."""
    with os.scandir(directory) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.name.endswith(SUFFIX))


def sweep(directory: Path, before: float) -> None:
    """Delete what processes that were killed while making a segment left behind: empty files that are older
    than `before` (seconds since the epoch). Raises OSError."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(UNBORN) and entry.stat().st_mtime < before:
                Path(entry.path).unlink(missing_ok=True)
