"""JSON as models write it -> JSON: fences and prose around it, other quotes, Python's words, missing commas.

Nothing is guessed: names, words and numbers stay as they were written, and what does not read as one object
or list stays broken. Linear in the text, but for the few beginnings that are tried.
"""

import re
from collections.abc import Iterator
from json.encoder import encode_basestring

import msgspec

DEEPEST = 200
"""Objects and lists within each other."""
MOST_BEGINNINGS = 8
"""Places of one text at which JSON may begin. A brace may stand in the prose before it."""
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
_BEGINNING = re.compile(r"[{\[]")
_BETWEEN = re.compile(r"(?:\s|//[^\n]*+|/\*.*?\*/)*+", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.])")
_NAME = re.compile(r"[^\W\d][\w$-]*")
_PLAIN = re.compile(r"[^\"'\\”]+")
_WORDS = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
_QUOTES = {'"': '"', "'": "'", "“": "”"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{4}")


class _Hopeless(Exception):
    """It does not read as JSON, however kindly."""


def candidates(text: str, *, complete: bool) -> Iterator[str]:
    """What may have been meant, as JSON, the most literal first.

    `complete`: the model ended its answer itself, so that what is missing at its end are brackets only.
    """
    if is_json(text):
        yield text.strip()
        return
    fenced = _FENCE.findall(text)[:MOST_BEGINNINGS]
    yield from (each.strip() for each in fenced if is_json(each))
    for each in (*fenced, text):
        yield from _read_all(each, complete=complete)


def _read_all(text: str, *, complete: bool) -> Iterator[str]:
    """The values of a text, one after the other. What stands within another, or within what broke off like
    one, is none: it would be a part of what was meant."""
    at = 0
    for _ in range(MOST_BEGINNINGS):
        found = _BEGINNING.search(text, at)
        if found is None:
            return
        reading = _Reading(text, found.start(), complete=complete)
        try:
            yield reading.value()
        except _Hopeless:
            if reading.begun:
                return
        at = max(reading.at, found.end())


def is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True


class _Reading:
    """Of one value, from its bracket on."""

    def __init__(self, text: str, at: int, *, complete: bool):
        self._text = text
        self.at = at
        self._complete = complete
        self.begun = False
        """A name with its colon, or an item, was read: it was meant to be JSON."""

    def value(self, depth: int = 0) -> str:
        """Raises _Hopeless."""
        if depth > DEEPEST:
            raise _Hopeless
        mark = self._next()
        if mark == "{":
            return "{" + ",".join(self._items("}", depth)) + "}"
        if mark == "[":
            return "[" + ",".join(self._items("]", depth)) + "]"
        if mark in _QUOTES:
            return self._string()
        number = _NUMBER.match(self._text, self.at)
        if number is not None:
            self.at = number.end()
            return number[0]
        word = _WORDS.get(self._name())
        if word is None:
            raise _Hopeless
        return word

    def _items(self, end: str, depth: int) -> Iterator[str]:
        self.at += 1
        while True:
            mark = self._next()
            if not mark:
                if not self._complete:
                    raise _Hopeless
                return
            if mark in (",", end):
                self.at += 1
                if mark == end:
                    return
                continue
            yield self._member(depth) if end == "}" else self.value(depth + 1)
            self.begun = True

    def _member(self, depth: int) -> str:
        name = self._string() if self._next() in _QUOTES else encode_basestring(self._name())
        if self._next() != ":":
            raise _Hopeless
        self.at += 1
        self.begun = True
        return f"{name}:{self.value(depth + 1)}"

    def _next(self) -> str:
        """The first character that means something; empty at the end."""
        found = _BETWEEN.match(self._text, self.at)
        self.at = self.at if found is None else found.end()
        return self._text[self.at : self.at + 1]

    def _name(self) -> str:
        found = _NAME.match(self._text, self.at)
        if found is None:
            raise _Hopeless
        self.at = found.end()
        return found[0]

    def _string(self) -> str:
        end, said = _QUOTES[self._text[self.at]], []
        self.at += 1
        while True:
            plain = _PLAIN.match(self._text, self.at)
            if plain is not None:
                said.append(plain[0])
                self.at = plain.end()
            mark = self._text[self.at : self.at + 1]
            self.at += 1
            if mark == end or (not mark and self._complete):
                return encode_basestring("".join(said))
            if not mark:
                raise _Hopeless
            said.append(self._escaped() if mark == "\\" else mark)

    def _escaped(self) -> str:
        mark = self._text[self.at : self.at + 1]
        self.at += 1
        if mark == "u":
            digits = _HEXADECIMAL.match(self._text, self.at)
            if digits is None:
                raise _Hopeless
            self.at = digits.end()
            return chr(int(digits[0], 16))
        return _ESCAPES.get(mark, mark)
