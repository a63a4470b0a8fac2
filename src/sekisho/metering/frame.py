"""One record as one line: `crc32 json\\n`, the checksum as eight hexadecimal digits.

JSON from msgspec holds no raw line feed, so a line feed always ends a line, and whatever a crash leaves
behind spoils at most the line it tore.
"""

from zlib import crc32

import msgspec

from sekisho.core.record import AttemptRecord, CallFacts, CallRecord

_PAID = b'"cost":'
"""In the attempts of a line: one of them at least was paid for by itself."""
_FAILED = b'"code":'
"""The same: one of them at least failed, or was outrun."""
_UNCOUNTED = b'"uncounted":true'
"""In the explanation."""


class WrittenRecord(CallFacts, frozen=True, kw_only=True, gc=False):
    """A record as its line has it. What the database keeps as JSON stays as it was written, unread: the
    checksum vouches for it."""

    attempts: msgspec.Raw = msgspec.Raw(b"[]")
    explanation: msgspec.Raw = msgspec.Raw()
    """Empty: there is none; `tags` likewise."""
    tags: msgspec.Raw = msgspec.Raw()

    def told_attempts(self) -> tuple[bool, bool, bool]:
        """See `CallRecord`."""
        written = bytes(self.attempts)
        return len(written) > len(b"[]"), _FAILED in written, _PAID in written

    def tag_names(self) -> tuple[str, ...]:
        """See `CallRecord`."""
        try:
            return _tags(self.tags) if bytes(self.tags) else ()
        except msgspec.MsgspecError:
            return ()

    def is_uncounted(self) -> bool:
        """See `CallRecord`."""
        return _UNCOUNTED in bytes(self.explanation)

    def read_attempts(self) -> tuple[AttemptRecord, ...]:
        """See `CallRecord`."""
        try:
            return _attempts(self.attempts)
        except msgspec.MsgspecError:
            return ()  # as another version may write them: no reason to keep everybody off the books

    def asked(self) -> tuple[int, int]:
        """See `CallRecord`."""
        if not bytes(self.explanation):
            return 0, 0
        try:
            told = _asked(self.explanation)
        except msgspec.MsgspecError:
            return 0, 0
        return told.asked_tokens or 0, told.asked_cost or 0


class _Asked(msgspec.Struct):
    """Of an explanation."""

    asked_tokens: int | None = None
    asked_cost: int | None = None


AnyRecord = CallRecord | WrittenRecord


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(WrittenRecord).decode
_attempts = msgspec.json.Decoder(tuple[AttemptRecord, ...]).decode
_asked = msgspec.json.Decoder(_Asked).decode
_tags = msgspec.json.Decoder(tuple[str, ...]).decode


def encode(record: CallRecord) -> bytes:
    """The record's line. Raises ValueError for text that is not Unicode (a lone surrogate)."""
    body = _encode(record)
    return b"%08x %b\n" % (crc32(body), body)


def decode(line: bytes) -> WrittenRecord | None:
    """The record of a line without its line feed; None for anything that is not one."""
    body = line[9:]
    if line[:9] != b"%08x " % crc32(body):
        return None
    try:
        return _decode(body.decode())  # as text, so that what stays unread is that at least
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
