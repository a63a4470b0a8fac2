"""An answer with its timing and its faults, as a list of writes. No clock and no socket here."""

from dataclasses import dataclass
from typing import Literal

from sekisho.testkit.provider.script import Script

Ending = Literal["keep", "close", "reset", "stall"]
Step = tuple[float, bytes]
"""Wait so many seconds, then write."""

MALFORMED = b'data: {"id":"chatcmpl-scripted","object":"chat.comp\n\n'
"""An event of server-sent events with broken JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What a format's stream looks like where it goes wrong."""

    error: bytes
    """The provider's own error event, and what ends the body after it."""
    malformed: bytes = MALFORMED
    corrupt: bytes = MALFORMED
    """One whose checksum is wrong, in framings that have one."""
    terminators: int = 1
    """So many of the last events say that the stream is complete."""


@dataclass(frozen=True, slots=True)
class Performance:
    steps: tuple[Step, ...]
    ending: Ending = "keep"
    complete: bool = True
    """The client gets a whole answer if it stays until the end."""


def http_head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\n{lines}\r\n".encode("latin-1")


_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
}


def silent(script: Script) -> Performance:
    """What happens where not even headers come."""
    ending: Ending = script.before_headers or "close"
    return Performance(((script.delay_before_headers, b""),), ending, complete=False)


def unary(head: bytes, body: bytes, script: Script) -> Performance:
    """A whole body; any of the faults that name events breaks it in the middle."""
    ending = _broken(script)
    garbled = script.malformed_after_events is not None or script.corrupt_after_events is not None
    if garbled:
        body = body[: len(body) // 2].ljust(len(body))
    if script.cut_after_bytes is not None:
        ending, body = "close", body[: script.cut_after_bytes]
    elif ending is not None:
        body = body[: len(body) // 2]
    whole = ending is None and not garbled
    steps = [(script.delay_before_headers, head + body)]
    return Performance(_trickled(steps, script), ending or "keep", whole)


def stream(head: bytes, frames: list[bytes], faults: Faults, script: Script) -> Performance:
    """Events in a chunked body, one HTTP chunk each."""
    ending = _broken(script)
    frames = list(frames)
    whole = ending is None and not script.missing_terminator
    for at, frame in (
        (script.malformed_after_events, faults.malformed),
        (script.corrupt_after_events, faults.corrupt),
    ):
        if at is not None:
            frames.insert(at, frame)
            whole = False
    if script.missing_terminator:
        del frames[-faults.terminators :]
    if script.error_after_events is not None:
        frames[script.error_after_events :] = [faults.error]
        whole = False
    limit = _first(script.cut_after_events, script.stall_after_events, script.reset_after_events)
    if ending is not None:
        frames = frames[:limit]
    if script.cut_after_bytes is not None:
        ending, whole = "close", False
        frames = _cut(frames, script.cut_after_bytes)
    last = b"" if ending else b"0\r\n\r\n"
    steps = _timed(head, frames, last, script)
    return Performance(_trickled(_merged(steps), script), ending or "keep", whole)


def _broken(script: Script) -> Ending | None:
    if script.stall_after_events is not None:
        return "stall"
    if script.reset_after_events is not None:
        return "reset"
    return "close" if script.cut_after_events is not None else None


def _first(*limits: int | None) -> int | None:
    return next((limit for limit in limits if limit is not None), None)


def _cut(frames: list[bytes], size: int) -> list[bytes]:
    kept: list[bytes] = []
    for frame in frames:
        if size <= 0:
            break
        kept.append(frame[:size])
        size -= len(frame)
    return kept


def _timed(head: bytes, frames: list[bytes], last: bytes, script: Script) -> list[Step]:
    steps: list[Step] = [(script.delay_before_headers, head)]
    wait = script.first_token_delay
    for frame in frames:
        steps.append((wait, b"%x\r\n%b\r\n" % (len(frame), frame)))
        wait = script.chunk_gap
    steps.append((0.0, last))
    return steps


def _merged(steps: list[Step]) -> list[Step]:
    """What follows without a wait goes in the same write."""
    merged: list[tuple[float, list[bytes]]] = []
    for wait, data in steps:
        if merged and not wait:
            merged[-1][1].append(data)
        else:
            merged.append((wait, [data]))
    return [(wait, b"".join(group)) for wait, group in merged]


def _trickled(steps: list[Step], script: Script) -> tuple[Step, ...]:
    size = script.trickle_bytes
    if size is None:
        return tuple(steps)
    split: list[Step] = []
    for wait, data in steps:
        split.append((wait, data[:size]))
        rest = range(size, len(data), size)
        split.extend((script.trickle_gap, data[start : start + size]) for start in rest)
    return tuple(split)
