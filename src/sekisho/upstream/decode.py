"""Content codings, for providers that compress although we ask them not to."""

import zlib

from sekisho.core.error import Malformed, Truncated

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_GZIP = (b"gzip", b"x-gzip")


def inflater(encoding: bytes) -> "Inflater | None":
    """The decoder for a Content-Encoding; None for none. Raises Malformed naming what we cannot decode."""
    coding = encoding.strip().lower()
    if coding in (b"", b"identity"):
        return None
    if coding in _GZIP or coding == b"deflate":
        return Inflater(deflate=coding == b"deflate")
    name = coding.decode("latin-1")
    raise Malformed(f"it sent the content encoding {name[:40]!r}, although asked for none")


class Inflater:
    """Decodes in pieces of a bounded size, so that a small answer cannot unpack into all our memory."""

    __slots__ = ("_deflate", "_input", "_members", "_more", "_zlib")

    def __init__(self, *, deflate: bool) -> None:
        self._deflate = deflate
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._input = b""
        self._more = False
        self._members = 0

    @property
    def pending(self) -> bool:
        """There may be output left in what was fed."""
        return self._more

    def feed(self, data: bytes, size: int) -> bytes:
        """At most `size` bytes of output; while `pending`, more of it comes for feeding b""."""
        self._input += data
        pieces: list[bytes] = []
        room = size
        while room > 0 and (self._input or self._more):
            piece = self._step(room)
            pieces.append(piece)
            room -= len(piece)
        return b"".join(pieces)

    def _step(self, room: int) -> bytes:
        if self._zlib.eof:
            self._next_member()
        elif self._members == 0 and self._deflate and not self._more and self._input:
            self._choose_deflate()
        try:
            piece = self._zlib.decompress(self._input, room)
        except zlib.error:
            raise Malformed("it sent a body that its content encoding cannot have made") from None
        self._members = self._members or 1
        # Output that fills the room may have a rest inside zlib, even when all input is eaten.
        self._more = len(piece) == room
        self._input = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
        if self._zlib.eof:
            self._more = bool(self._input)
        return piece

    def _next_member(self) -> None:
        if self._deflate:
            raise Malformed("it sent data after the end of its compressed body")
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)

    def _choose_deflate(self) -> None:
        """`deflate` means a zlib stream, but some servers send the bare one."""
        if self._input[0] & 0x0F != zlib.DEFLATED:
            self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)

    def finish(self) -> None:
        """The body has ended. Raises Truncated unless its compressed stream has, too."""
        if self._members and not self._zlib.eof:
            raise Truncated("it ended its compressed body in the middle")
