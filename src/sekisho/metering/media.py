"""What an image measures, read off the first bytes of its file without decoding the rest."""

import binascii
from typing import NamedTuple

SEGMENTS = 64
"""Of a JPEG file that are stepped over before its size must have come."""


class Size(NamedTuple):
    width: int
    height: int


def image_size(text: str, begin: int = 0) -> Size | None:
    """Width and height of an image whose base64 begins there in a text; None where that cannot be told.

    Looks at a few dozen bytes, however large the image.
    """
    data = Base64(text, begin)
    head = data.read(0, 32)
    found: Size | None = None
    if head.startswith(b"\x89PNG") and len(head) >= 24:
        found = Size(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    elif head.startswith(b"GIF8") and len(head) >= 10:
        found = Size(int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        found = _webp(head)
    elif head.startswith(b"\xff\xd8"):
        found = _jpeg(data)
    return found if found and found.width > 0 and found.height > 0 else None


def _webp(head: bytes) -> Size | None:
    kind = head[12:16]
    if len(head) < 30:
        return None
    if kind == b"VP8X":
        return Size(
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        return Size(
            int.from_bytes(head[26:28], "little") & 0x3FFF,
            int.from_bytes(head[28:30], "little") & 0x3FFF,
        )
    return None


def _jpeg(data: "Base64") -> Size | None:
    """Steps from segment to segment (ISO/IEC 10918-1, B.1.1.4) up to the frame header."""
    at = 2
    for _ in range(SEGMENTS):
        head = data.read(at, 9)
        if len(head) < 9 or head[0] != 0xFF:
            return None
        if 0xC0 <= head[1] <= 0xCF and head[1] not in (0xC4, 0xC8, 0xCC):
            return Size(int.from_bytes(head[7:9], "big"), int.from_bytes(head[5:7], "big"))
        at += 2 + int.from_bytes(head[2:4], "big")
    return None


class Base64:
    """Bytes in base64, read here and there."""

    __slots__ = ("_begin", "_text")

    def __init__(self, text: str, begin: int):
        self._text = text
        self._begin = begin

    def read(self, start: int, count: int) -> bytes:
        """Some bytes. Fewer, or none, where they end or are broken."""
        group = start // 3
        text = self._text[self._begin + 4 * group : self._begin + 4 * ((start + count + 2) // 3)]
        try:
            decoded = binascii.a2b_base64(text + "=" * (-len(text) % 4))
        except ValueError:
            return b""
        skipped = start - 3 * group
        return decoded[skipped : skipped + count]
