"""One record as one line: `crc32 json\\n`, the checksum as eight hexadecimal digits.

JSON from msgspec holds no raw line feed, so a line feed always ends a line, and whatever a crash leaves
behind spoils at most the line it tore.
"""

from zlib import crc32

import msgspec

from sekisho.core.record import CallRecord

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(CallRecord).decode


def encode(record: CallRecord) -> bytes:
    """The record's line. Raises ValueError for text that is not Unicode (a lone surrogate)."""
    body = _encode(record)
    return b"%08x %b\n" % (crc32(body), body)


def decode(line: bytes) -> CallRecord | None:
    """The record of a line without its line feed; None for anything that is not one."""
    body = line[9:]
    if line[:9] != b"%08x " % crc32(body):
        return None
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
