"""Prompt-cache marks as members of JSON objects, found and taken out without touching anything else.

A mark stands where the API has a place for it, never deeper: a tool's schema and a call's arguments may well
have a member of the same name, which is the client's own.
"""

from collections.abc import Callable, Sequence

import msgspec

from sekisho.core.contract import Members
from sekisho.wire import json
from sekisho.wire.json import items_of, members_of
from sekisho.wire.shape import BROKEN

_DEEPEST = 8
"""Levels of blocks within blocks; APIs have three."""


def without(
    raw: msgspec.Raw, names: Sequence[str], inside: Sequence[str] = (), depth: int = _DEEPEST
) -> msgspec.Raw:
    """An object, or a list of them, without the members `names`, and the same for what stands in its members
    `inside`. The very same value where there are none; what holds none keeps its bytes."""
    data = bytes(raw)
    if not depth or not any(b'"' + name.encode() + b'"' in data for name in names):
        return raw
    try:
        if data[:1] == b"[":
            items = items_of(data)
            kept = [without(item, names, inside, depth - 1) for item in items]
            same = all(one is other for one, other in zip(items, kept, strict=True))
            return raw if same else json.raw(kept)
        if data[:1] == b"{":
            return _without(raw, members_of(data), names, inside, depth)
    except BROKEN:
        return raw  # the provider's to refuse, in its own words
    return raw


def _without(
    raw: msgspec.Raw, found: Members, names: Sequence[str], inside: Sequence[str], depth: int
) -> msgspec.Raw:
    kept = {name: value for name, value in found.items() if name not in names}
    changed = len(kept) < len(found)
    for name in inside:
        if name in kept:
            value = without(kept[name], names, inside, depth - 1)
            changed = changed or value is not kept[name]
            kept[name] = value
    return json.raw(kept) if changed else raw


def strip(members: Members, names: Sequence[str], places: Sequence[str], inside: Sequence[str]) -> bool:
    """Takes the marks out of the top-level members `places`; returns whether there were any."""
    changed = False
    for place in places:
        raw = members.get(place)
        if raw is not None:
            members[place] = without(raw, names, inside)
            changed = changed or members[place] is not raw
    return changed


def mark_last(
    raw: msgspec.Raw, suits: Callable[[Members], bool], edit: Callable[[Members], Members | None]
) -> msgspec.Raw:
    """A list of objects with the last one that `suits` edited; unchanged where there is none, where `edit`
    gives nothing, or where it is no such list. All others keep their bytes."""
    try:
        items = items_of(raw)
        for at in range(len(items) - 1, -1, -1):
            found = members_of(items[at])
            if suits(found):
                edited = edit(found)
                if edited is None:
                    return raw
                items[at] = json.raw(edited)
                return json.raw(items)
    except BROKEN:
        return raw  # the provider's to refuse, in its own words
    return raw


def in_content(
    content: msgspec.Raw, suits: Callable[[Members], bool], name: str, mark: msgspec.Raw
) -> msgspec.Raw:
    """A `content` with the mark `name` on its last part that `suits`; a plain text becomes a part. The very
    same value where nothing can hold a mark."""
    if bytes(memoryview(content)[:1]) == b'"':
        if bytes(content) == b'""':
            return content
        return json.raw([{"type": json.raw("text"), "text": content, name: mark}])
    return mark_last(content, suits, lambda part: {**part, name: mark})
