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

    def paid_attempts(self) -> tuple[AttemptRecord, ...]:
        """See `CallRecord`."""
        return self._attempts() if _PAID in bytes(self.attempts) else ()

    def has_attempts(self) -> bool:
        """See `CallRecord`."""
        return len(bytes(self.attempts)) > len(b"[]")

    def tag_names(self) -> tuple[str, ...]:
        """See `CallRecord`."""
        try:
            return _tags(self.tags) if bytes(self.tags) else ()
        except msgspec.MsgspecError:
            return ()

    def is_untroubled(self) -> bool:
        """See `CallRecord`."""
        attempts = bytes(self.attempts)
        return _FAILED not in attempts and len(attempts) > len(b"[]")

    def is_uncounted(self) -> bool:
        """See `CallRecord`."""
        return _UNCOUNTED in bytes(self.explanation)

    def first_attempt(self) -> AttemptRecord | None:
        """See `CallRecord`."""
        attempts = self._attempts()
        return attempts[0] if attempts else None

    def asked(self) -> tuple[int, int]:
        """See `CallRecord`."""
        if not bytes(self.explanation):
            return 0, 0
        try:
            told = _asked(self.explanation)
        except msgspec.MsgspecError:
            return 0, 0
        return told.asked_tokens or 0, told.asked_cost or 0

    def _attempts(self) -> tuple[AttemptRecord, ...]:
        try:
            return _attempts(self.attempts)
        except msgspec.MsgspecError:
            return ()  # as another version may write them: no reason to keep everybody off the books


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
