"""What kinds the top-level members of a request are of, by their first bytes alone: nothing is parsed."""

from collections.abc import Mapping

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.wire.shape import missing_member

OBJECT, ARRAY, STRING, BOOLEAN, NUMBER = b"{", b"[", b'"', b"tf", b"-0123456789"
TEXTS = STRING + ARRAY
"""One text or a list of them."""
LISTED = ARRAY + OBJECT
"""A list of objects, or its only one."""

_WORDS = {
    OBJECT: "an object",
    ARRAY: "an array",
    STRING: "a string",
    BOOLEAN: "a boolean",
    NUMBER: "a number",
    TEXTS: "a string or an array",
    LISTED: "an array or an object",
}
_NULL = 0x6E
_SHORT = 64
"""Bytes. An empty list is never longer, and a prompt need not be copied to see that it is none."""


def check(members: Members, kinds: Mapping[str, bytes], needed: tuple[str, ...] = ()) -> None:
    """Raises BadRequest for a member that is of another kind than `kinds` name, and not null; and for one of
    `needed`, which `kinds` name as well, that is missing or null."""
    for name in needed:
        if name not in members:
            raise missing_member(name)
    for name, raw in members.items():
        wanted = kinds.get(name)
        if wanted is None:
            continue
        first = memoryview(raw)[0]
        if first not in wanted:
            if first != _NULL:
                raise BadRequest(f"{name}: expected {_WORDS[wanted]}.", param=name)
            if name in needed:
                raise missing_member(name)


def absent(members: Members, name: str) -> bool:
    """Whether a member is missing or null."""
    return name not in members or memoryview(members[name])[0] == _NULL


def empty(members: Members, name: str) -> bool:
    """Whether a member that is there is a list without items."""
    found = memoryview(members[name])
    return len(found) < _SHORT and b"".join(found.tobytes().split()) == b"[]"
