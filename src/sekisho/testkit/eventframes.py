"""AWS's event-stream framing for tests, written apart from `wire.eventstream`, so that neither can hide a
fault of the other. Whoever is in doubt asks botocore: `tests/wire/test_eventstream.py` holds both to it.

Golden streams stand in files one can read, a line for a message:

{"event": "contentBlockDelta", "payload": {...}} {"exception": "throttlingException", "payload": {...}}
{"error": "InternalFailure", "message": "..."}
"""

import binascii
from typing import NamedTuple

import msgspec

TEXT = 7
"""The type of a header that is a text."""


class Message(NamedTuple):
    raw: bytes
    headers: bytes
    payload: bytes


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    event: str | None = None
    exception: str | None = None
    error: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"")
    message: str = ""


def from_lines(lines: bytes) -> bytes:
    """The stream that a golden file means."""
    return b"".join(_message(line) for line in lines.splitlines() if line.strip())


def message(headers: bytes, payload: bytes) -> bytes:
    """One message; `headers` are encoded."""
    start = _uint(12 + len(headers) + len(payload) + 4) + _uint(len(headers))
    start += _uint(binascii.crc32(start))
    return start + headers + payload + _uint(binascii.crc32(start + headers + payload))


def headers(**said: str) -> bytes:
    """Headers by name, `_` for `-` and without the colon: `event_type="metadata"`."""
    return b"".join(_header(":" + name.replace("_", "-"), value) for name, value in said.items())


def is_framed(data: bytes) -> bool:
    """Whether a stream begins with a message of this framing."""
    return len(data) >= 12 and _uint(binascii.crc32(data[:8])) == data[8:12]


def split(data: bytes) -> list[Message]:
    """All whole messages of a stream."""
    found: list[Message] = []
    while len(data) >= 16:
        total = int.from_bytes(data[:4], "big")
        if len(data) < total:
            break
        begin = 12 + int.from_bytes(data[4:8], "big")
        found.append(Message(data[:total], data[12:begin], data[begin : total - 4]))
        data = data[total:]
    return found


def _message(line: bytes) -> bytes:
    said = msgspec.json.decode(line, type=_Line)
    payload = bytes(said.payload)
    json = "application/json"
    if said.event is not None:
        return message(headers(event_type=said.event, content_type=json, message_type="event"), payload)
    if said.exception is not None:
        return message(
            headers(exception_type=said.exception, content_type=json, message_type="exception"), payload
        )
    return message(
        headers(error_code=said.error or "", error_message=said.message, message_type="error"), b""
    )


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return bytes([len(name)]) + name.encode() + bytes([TEXT]) + len(text).to_bytes(2, "big") + text


def _uint(number: int) -> bytes:
    return number.to_bytes(4, "big")
