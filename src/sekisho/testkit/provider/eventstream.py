"""AWS's event-stream framing, written from its specification and not from the gateway's.

smithy.io/2.0/aws/amazon-eventstream.html (read 2026-11): total length, length of headers and a CRC of these
two; headers; payload; a CRC of everything before it. All numbers are big-endian, and every header here is a
string (type 7).
"""

import struct
import zlib
from collections.abc import Mapping

_STRING = 7


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    block = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 4 + 4 + 4 + len(block) + len(payload) + 4, len(block))
    checked = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return checked + struct.pack(">I", zlib.crc32(checked))


def corrupted(framed: bytes) -> bytes:
    """The same with one bit of its payload turned, so that its last checksum is wrong."""
    return framed[:-5] + bytes((framed[-5] ^ 1,)) + framed[-4:]


def _header(name: str, value: str) -> bytes:
    said, text = name.encode(), value.encode()
    return struct.pack(">B", len(said)) + said + struct.pack(">BH", _STRING, len(text)) + text
