"""JSON Pointers (RFC 6901): set and delete deep inside a request, values elsewhere byte for byte.

Only the containers on the way to the place are opened, one level at a time. `-` is the place behind a list's
last item. A set makes the objects that are missing on its way, and a list where `-` comes next; null counts
as missing. A delete of what is not there does nothing.
"""

import re
from collections.abc import Iterable

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.provider import BodyEdit
from sekisho.wire import json
from sekisho.wire.json import items_of, members_of
from sekisho.wire.shape import BROKEN

Pointer = tuple[str, ...]
Container = Members | list[msgspec.Raw]

MAX_DEPTH = 32
"""Names in one pointer."""

_index = re.compile(r"0|[1-9][0-9]{0,8}")
_NULL = msgspec.Raw(b"null")


class Unfit(Exception):
    """A set leads through a value that is neither an object nor a list."""


class OutOfRange(Unfit):
    """A set leads to an item that the list does not have."""


def parse(text: str) -> Pointer:
    """The names of a pointer to a member. Raises ValueError(reason and remedy)."""
    if not text.startswith("/"):
        raise ValueError("must be a JSON Pointer, which starts with a slash: /path/to/member")
    if re.search(r"~(?![01])", text):
        raise ValueError("has a ~ alone; in a JSON Pointer ~0 stands for ~ and ~1 for / inside a name")
    names = text[1:].split("/")
    if len(names) > MAX_DEPTH:
        raise ValueError(f"leads deeper than {MAX_DEPTH} levels")
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in names)


def spell(pointer: Pointer) -> str:
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in pointer)


def apply(members: Members, edits: Iterable[BodyEdit]) -> None:
    """Make `edits` in order, in place. Raises Unfit, or BadRequest where a value on the way is no JSON."""
    for edit in edits:
        name, *rest = edit.pointer
        found = members.get(name)
        if edit.value is not None:
            members[name] = _set(found, edit.pointer, 1, edit.value)
        elif not rest:
            members.pop(name, None)
        elif found is not None:
            members[name] = _delete(found, edit.pointer, 1)


def clash(edits: Iterable[BodyEdit]) -> str | None:
    """Why `edits` can never be made together, whatever the request; None: they may be."""
    try:
        apply({}, edits)
    except OutOfRange:
        return None  # a request's own list may be longer
    except Unfit as error:
        return str(error)
    return None


def _set(raw: msgspec.Raw | None, pointer: Pointer, depth: int, value: msgspec.Raw) -> msgspec.Raw:
    """The value that stands at the pointer's first `depth` names, changed."""
    if depth == len(pointer):
        return value
    name = pointer[depth]
    if raw is None or raw == _NULL:
        container: Container | None = [] if name == "-" else {}
    else:
        container = _opened(raw, pointer[:depth])
    if container is None:
        raise Unfit(f"{spell(pointer)} leads through {spell(pointer[:depth])}, which holds a single value")
    if isinstance(container, dict):
        container[name] = _set(container.get(name), pointer, depth + 1, value)
    elif name == "-":
        container.append(_set(None, pointer, depth + 1, value))
    else:
        at = _position(name, container)
        if at is None:
            where = spell(pointer[:depth])
            raise OutOfRange(f"{spell(pointer)}: the list at {where} has {len(container)} items")
        container[at] = _set(container[at], pointer, depth + 1, value)
    return json.raw(container)


def _delete(raw: msgspec.Raw, pointer: Pointer, depth: int) -> msgspec.Raw:
    """The value itself where there is nothing to delete."""
    name = pointer[depth]
    container = _opened(raw, pointer[:depth])
    found = None if container is None else _find(container, name)
    if container is None or found is None:
        return raw
    below = None if depth + 1 == len(pointer) else _delete(found, pointer, depth + 1)
    if below is found:
        return raw
    _replace(container, name, below)
    return json.raw(container)


def _find(container: Container, name: str) -> msgspec.Raw | None:
    if isinstance(container, dict):
        return container.get(name)
    at = _position(name, container)
    return None if at is None else container[at]


def _replace(container: Container, name: str, value: msgspec.Raw | None) -> None:
    """Of what is there; None takes it out."""
    if isinstance(container, dict):
        if value is None:
            del container[name]
        else:
            container[name] = value
    elif value is None:
        del container[int(name)]
    else:
        container[int(name)] = value


def _opened(raw: msgspec.Raw, pointer: Pointer) -> Container | None:
    """One level of a value; None for a single value."""
    first = memoryview(raw)[:1].tobytes()
    try:
        if first == b"{":
            return members_of(raw)
        return items_of(raw) if first == b"[" else None
    except BROKEN:
        field = ".".join(pointer)
        raise BadRequest(f"{field}: not valid JSON. Send a JSON object in UTF-8.", param=field) from None


def _position(name: str, items: list[msgspec.Raw]) -> int | None:
    if not _index.fullmatch(name) or int(name) >= len(items):
        return None
    return int(name)
