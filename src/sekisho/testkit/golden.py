"""Golden conversations on disk: `<root>/<dialect>/<case>/{request.json, reply.json, stream.sse}`.

A case has any of the three files; where it has both answers, they are the same answer. Errors stand beside
the cases: `<root>/<dialect>/errors/<name>.json` holds `{"status", "headers", "body"}`, where `body` is JSON
or a text; `<name>.sse` there holds a stream that reports an error after it has begun. Streams in AWS's binary
framing stand in `.jsonl` files instead of `.sse`, see `eventframes`.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from sekisho.testkit import eventframes

ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Case:
    dialect: str
    name: str
    request: bytes | None = None
    reply: bytes | None = None
    stream: bytes | None = None


@dataclass(frozen=True, slots=True)
class ErrorCase:
    dialect: str
    name: str
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class _ErrorFile(msgspec.Struct, forbid_unknown_fields=True):
    status: int
    body: msgspec.Raw
    headers: dict[str, str] = {}


def cases(root: Path, dialect: str) -> list[Case]:
    """All cases of a dialect, by name."""
    folders = sorted(path for path in (root / dialect).glob("*") if path.is_dir() and path.name != ERRORS)
    return [
        Case(
            dialect=dialect,
            name=folder.name,
            request=_bytes(folder / "request.json"),
            reply=_bytes(folder / "reply.json"),
            stream=_stream(folder),
        )
        for folder in folders
    ]


def errors(root: Path, dialect: str) -> list[ErrorCase]:
    """All recorded error answers of a dialect, by name."""
    return [_error(dialect, path) for path in sorted((root / dialect / ERRORS).glob("*.json"))]


def broken_streams(root: Path, dialect: str) -> list[Case]:
    """All recorded streams that end in an error of the provider, by name."""
    folder = root / dialect / ERRORS
    found = {path.stem: path.read_bytes() for path in folder.glob("*.sse")}
    found |= {path.stem: eventframes.from_lines(path.read_bytes()) for path in folder.glob("*.jsonl")}
    return [Case(dialect=dialect, name=name, stream=data) for name, data in sorted(found.items())]


def _error(dialect: str, path: Path) -> ErrorCase:
    found = msgspec.json.decode(path.read_bytes(), type=_ErrorFile)
    body = bytes(found.body)
    if body.startswith(b'"'):
        body = msgspec.json.decode(body, type=str).encode()
    headers = tuple((name.lower().encode(), value.encode()) for name, value in found.headers.items())
    return ErrorCase(dialect=dialect, name=path.stem, status=found.status, headers=headers, body=body)


def _stream(folder: Path) -> bytes | None:
    lines = _bytes(folder / "stream.jsonl")
    return _bytes(folder / "stream.sse") if lines is None else eventframes.from_lines(lines)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
