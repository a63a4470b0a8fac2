"""AWS event streams (application/vnd.amazon.eventstream) without I/O: bytes in any split -> whole messages.

A message is a prelude (total length, length of the headers, CRC-32 of these two), headers, a payload, and the
CRC-32 of everything before it; integers are big-endian. The format is Smithy's "Amazon Event Stream
specification" (https://smithy.io/2.0/aws/amazon-eventstream.html, 2026-11); the limits are botocore's.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple
from zlib import crc32

from sekisho.core.error import Malformed

MAX_HEADERS = 128 * 1024
MAX_PAYLOAD = 24 * 1024 * 1024
"""Bytes. A provider that announces more is broken or hostile."""

HeaderValue = bool | int | str | bytes
"""By the header's type: a truth, an integer (a time: milliseconds since the epoch), a text, or bytes."""

_PRELUDE = 12
_CHECKSUM = 4
_prelude = struct.Struct(">III")
_lengths = struct.Struct(">II")
_checksum = struct.Struct(">I")
_short = struct.Struct(">H")
_INTEGERS = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8}
"""Header type -> bytes of its integer: byte, short, integer, long, time."""
_BYTES, _TEXT, _UUID, _UUID_SIZE = 6, 7, 9, 16


class Frame(NamedTuple):
    raw: bytes
    """The message as it came."""
    headers: Mapping[str, HeaderValue]
    payload: bytes


class FrameDecoder:
    """Collects bytes until a message is whole. One object for one stream."""

    __slots__ = ("_block", "_headers", "_held", "_needed", "_size")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._needed = 0
        """Bytes that are held before it is worth looking again."""
        self._block = b""
        self._headers: Mapping[str, HeaderValue] = {}
        """What `_block` says: a stream's messages mostly repeat the headers of the one before."""

    def feed(self, data: bytes) -> list[Frame]:
        """All messages that `data` completes. Raises Malformed for a wrong checksum or an endless message."""
        if self._held:
            self._held.append(data)  # joined once, so that a long message costs linear time
            self._size += len(data)
            if self._size < self._needed:
                return []
            data = b"".join(self._held)
        frames: list[Frame] = []
        at, left = 0, len(data)
        needed = _PRELUDE
        while left >= _PRELUDE:
            total, size = _read_prelude(data, at)
            if left < total:
                needed = total
                break
            raw = data[at : at + total] if at or left > total else data
            frames.append(self._read(raw, size))
            at += total
            left -= total
        self._held = [data[at:]] if left else []
        self._size, self._needed = left, needed
        return frames

    def _read(self, raw: bytes, size: int) -> Frame:
        end = len(raw) - _CHECKSUM
        if crc32(memoryview(raw)[:end]) != _checksum.unpack_from(raw, end)[0]:
            raise Malformed("a message of the event stream with a wrong checksum")
        start = _PRELUDE + size
        block = raw[_PRELUDE:start]
        if block != self._block:
            self._headers = read_headers(block)
            self._block = block
        return Frame(raw, self._headers, raw[start:end])


def _read_prelude(data: bytes, at: int) -> tuple[int, int]:
    """(total length, length of the headers) of the message that begins at `at`."""
    total, size, checksum = _prelude.unpack_from(data, at)
    if crc32(data[at : at + _lengths.size]) != checksum:
        raise Malformed("not an event stream: a prelude with a wrong checksum")
    payload = total - size - _PRELUDE - _CHECKSUM
    if size > MAX_HEADERS or not 0 <= payload <= MAX_PAYLOAD:
        raise Malformed(f"a message of {total} bytes, {size} of them headers")
    return total, size


def read_headers(block: bytes) -> dict[str, HeaderValue]:
    """Raises Malformed where `block` is not whole headers with different names."""
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(block):
            start = at + 1
            at = start + block[at]
            name = _part(block, start, at).decode()
            if name in headers:
                raise Malformed(f"the header {name[:64]!r} twice in one message")
            headers[name], at = _read_value(block, at)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise Malformed("broken headers in a message of the event stream") from None
    return headers


def _read_value(block: bytes, at: int) -> tuple[HeaderValue, int]:
    """(value, where the next header begins) of the value whose type stands at `at`."""
    kind = block[at]
    at += 1
    if kind in (0, 1):
        return kind == 0, at
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(_part(block, at, end), "big", signed=True), end
    if kind in (_BYTES, _TEXT):
        end = at + 2 + _short.unpack_from(block, at)[0]
        value = _part(block, at + 2, end)
        return (value.decode() if kind == _TEXT else value), end
    if kind == _UUID:
        return _part(block, at, at + _UUID_SIZE), at + _UUID_SIZE
    raise Malformed(f"a header of the unknown type {kind}")


def _part(block: bytes, start: int, end: int) -> bytes:
    """Raises IndexError where `block` ends before."""
    if end > len(block):
        raise IndexError
    return block[start:end]


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Headers of texts, for `encode`."""
    pieces: list[bytes] = []
    for name, value in headers.items():
        key, text = name.encode(), value.encode()
        pieces += (bytes((len(key),)), key, bytes((_TEXT,)), _short.pack(len(text)), text)
    return b"".join(pieces)


def encode(headers: bytes, payload: bytes) -> bytes:
    """One message. `headers` are encoded already, for most messages share theirs."""
    lengths = _lengths.pack(_PRELUDE + len(headers) + len(payload) + _CHECKSUM, len(headers))
    message = b"".join((lengths, _checksum.pack(crc32(lengths)), headers, payload))
    return message + _checksum.pack(crc32(message))
