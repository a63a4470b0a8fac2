"""How shapes are read: what they know, what else an object holds, and why one could not be read.

Unknown members are kept byte for byte in `vendor[dialect]` of the value they belong to.
"""

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import Vendor
from sekisho.wire.json import members_of

Shaped = TypeVar("Shaped", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode
_LEADING_TYPE = re.compile(rb'\{\s*+"type"\s*+:\s*+"(\w++)"\s*+[,}]', re.ASCII)
_ABSENT = (msgspec.Raw(b""), msgspec.Raw(b"null"))


class Wire(msgspec.Struct, gc=False):
    """Base of shapes whose members read the same where they are absent and where they are null."""


class Shape(Generic[Shaped]):
    """Reads one kind of object, and what the object holds beyond it."""

    __slots__ = ("_decoder", "_exact", "_known")

    def __init__(self, kind: type[Shaped]) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        # The same shape, but it refuses what it does not know: what it takes has no rest to look for.
        exact = msgspec.defstruct(kind.__name__, (), bases=(kind,), forbid_unknown_fields=True)
        self._exact: msgspec.json.Decoder[Shaped] = msgspec.json.Decoder(exact)
        self._known = frozenset(field.encode_name for field in msgspec.structs.fields(kind))

    def decode(self, data: bytes | msgspec.Raw) -> Shaped:
        """Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError (see `BROKEN`)."""
        return self._decoder.decode(data)

    def read(self, data: bytes | msgspec.Raw, path: str) -> Shaped:
        """Raises BadRequest naming the member below `path`."""
        try:
            return self._decoder.decode(data)
        except BROKEN as error:
            raise bad_request(error, path) from None

    def decode_all(self, data: bytes | msgspec.Raw) -> tuple[Shaped, Members]:
        """What `decode` gives and what `rest` does, in one pass where there is no rest: a pass over an image
        of some megabytes costs milliseconds."""
        try:
            return self._exact.decode(data), {}
        except msgspec.ValidationError:
            return self._decoder.decode(data), self.rest(data)

    def read_all(self, data: bytes | msgspec.Raw, path: str) -> tuple[Shaped, Members]:
        """What `read` gives and what `rest` does. Raises BadRequest naming the member below `path`."""
        try:
            return self.decode_all(data)
        except BROKEN as error:
            raise bad_request(error, path) from None

    def read_member(self, raw: msgspec.Raw, name: str, vendor: Members) -> Shaped | None:
        """The member `name` of a request, if it is given. What it says beyond the shape goes into `vendor`,
        under the same name. Raises BadRequest."""
        if given(raw) is None:
            return None
        wire, rest = self.read_all(raw, name)
        if rest:
            vendor[name] = msgspec.Raw(_encode(rest))
        return wire

    def rest(self, data: bytes | msgspec.Raw) -> Members:
        """The members that the shape does not know, without nulls, and without names that would pass for a
        reader's notes."""
        found = members_of(data)
        return {
            name: raw
            for name, raw in found.items()
            if name not in self._known and given(raw) is not None and not name.startswith("_")
        }


BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON from outside can raise; RecursionError for nesting that no sane sender uses."""


def refuse_bad_text(data: bytes) -> None:
    """Raises UnicodeDecodeError where `data` is not UTF-8: raw members are else never looked into."""
    if not data.isascii():  # which needs no memory, as images of some megabytes would
        data.decode()


def leading_type(raw: msgspec.Raw) -> str | None:
    """The `type` of an object that begins with it, as nearly all do: without a pass over the rest, which may
    be an image of some megabytes. None: look for it."""
    found = _LEADING_TYPE.match(raw)
    return None if found is None else found[1].decode()


def given(raw: msgspec.Raw) -> msgspec.Raw | None:
    """A raw member, or None where it was absent or null."""
    return None if raw in _ABSENT else raw


class Kept:
    """What one dialect keeps in `vendor` members of hub values."""

    __slots__ = ("_dialect",)

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def keep(self, rest: Members, notes: Mapping[str, msgspec.Raw] | None = None) -> Vendor | None:
        """Unknown members and the reader's own notes as a vendor mapping, or None where there are none."""
        members = {**rest, **notes} if notes else rest
        return {self._dialect: members} if members else None

    def own(self, vendor: Vendor | None) -> Members:
        """What the dialect kept in a value, notes included."""
        return vendor.get(self._dialect, {}) if vendor else {}

    def spread(self, vendor: Vendor | None) -> Members:
        """The members that the dialect kept in a value and writes back beside its known ones."""
        if not vendor:  # nearly always
            return {}
        return {name: raw for name, raw in self.own(vendor).items() if not name.startswith("_")}


# --- why something could not be read ---------------------------------------------------------------

_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`(?:, got `(?P<found>\w+)`)?")


def bad_request(error: Exception, path: str) -> BadRequest:
    """A decoder's complaint, naming the member: `messages.2.content.0.type: ...`."""
    if not isinstance(error, msgspec.ValidationError):
        field = path or "the request body"
        return BadRequest(f"{field}: not valid JSON. Send a JSON object in UTF-8.", param=path or None)
    text = str(error)
    at = _AT.search(text)
    if at:
        text = text[: at.start()]
        path = _join(path, at["path"].replace("[...]", "").replace("[", ".").replace("]", ""))
    missing = _MISSING.match(text)
    if missing:
        return missing_member(_join(path, missing["name"]))
    expected = _EXPECTED.match(text)
    if expected:
        wanted = [_WORDS.get(word, word) for word in expected["wanted"].split(" | ") if word != "null"]
        found = _WORDS.get(expected["found"] or "", "something else")
        text = f"expected {' or '.join(wanted)}, got {found}"
    return BadRequest(f"{path or 'the request body'}: {text}.", param=path or None)


def missing_member(path: str) -> BadRequest:
    return BadRequest(f"{path}: missing. This member is required.", param=path)


def _join(path: str, more: str) -> str:
    return f"{path}.{more.lstrip('.')}" if path and more else path or more.lstrip(".")
