"""`extra_body`: changes to every request's body, as the document writes them."""

import re
from math import isinf

import msgspec

from sekisho.core.provider import BodyEdit
from sekisho.routing import node
from sekisho.routing.node import Node, Scalar
from sekisho.routing.problem import Path, Wrong
from sekisho.routing.reader import Fields, Reader, list_of, scalar
from sekisho.wire import json, pointer

OWN = ("model", "stream")
"""Members that routing and relaying rest on."""

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_LONGEST_NUMBER = 64
"""Characters."""
_BROKEN_TEXT = "has half of a character (a lone surrogate) in it"


def extra_body(reader: Reader, at: Node, path: Path) -> tuple[BodyEdit, ...]:
    """The deletes, then the sets, each in the order in which they are written."""
    members = reader.record(at, path, EXTRA_BODY)
    edits = (*members.get("delete", ()), *members.get("set", ()))
    reason = pointer.clash(edits)
    if reason is not None:
        raise Wrong(reason)
    return edits


def _place(at: Scalar) -> pointer.Pointer:
    try:
        at.text.encode()
        found = pointer.parse(at.text)
    except UnicodeEncodeError:
        raise Wrong(_BROKEN_TEXT) from None
    except ValueError as error:
        raise Wrong(str(error)) from None
    if found[0] in OWN:
        raise Wrong(f"`{found[0]}` cannot be changed here: Sekisho itself goes by it")
    return found


def _sets(reader: Reader, at: Node, path: Path) -> tuple[BodyEdit, ...]:
    return reader.named(at, path, _name, _set)


def _name(at: Scalar) -> str:
    _place(at)
    return at.text


def _set(reader: Reader, at: Node, path: Path) -> BodyEdit | None:
    try:
        found = _place(Scalar(at.line, at.column, path[-1], plain=True))
    except Wrong:
        return None  # reported at its key
    try:
        return BodyEdit(found, json.raw(_value(reader, at, path)))
    except UnicodeEncodeError:
        raise Wrong(_BROKEN_TEXT) from None


def _delete(at: Scalar) -> BodyEdit:
    return BodyEdit(_place(at))


def _value(reader: Reader, at: Node, path: Path) -> object:
    """Any value as JSON knows it."""
    if isinstance(at, Scalar):
        return _single(at)
    if isinstance(at, node.Sequence):
        return [reader.read(_value, item, (*path, str(index))) for index, item in enumerate(at.items)]
    return {key.text: reader.read(_value, value, below) for key, value, below in reader.entries(at, path)}


def _single(at: Scalar) -> object:
    if at.kind == "nothing":
        return None
    if at.kind == "a boolean":
        return at.text.lower() == "true"
    return _number(at.text) if at.kind == "a number" else at.text


def _number(text: str) -> msgspec.Raw | int | float:
    """As it is written, wherever JSON writes numbers like that."""
    if len(text) > _LONGEST_NUMBER:
        raise Wrong("has more digits than any number needs; write text in quotes")
    if text.lower().endswith(("inf", "nan")) or isinf(float(text)):
        raise Wrong("must be a number that JSON has, neither infinity nor NaN; write text in quotes")
    if _JSON_NUMBER.fullmatch(text):
        return msgspec.Raw(text.encode())
    return int(text) if _WHOLE.fullmatch(text) else float(text)


EXTRA_BODY: Fields = {
    "set": _sets,
    "delete": list_of(scalar(_delete)),
}
