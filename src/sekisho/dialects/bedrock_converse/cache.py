"""Cache points among the top-level members of a request.

https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html (2026-11): four at most; Claude
looks back from a point for what was cached before it, so that a point at the end of each turn finds the one
of the last turn.
"""

import contextlib

import msgspec

from sekisho.core.contract import Members, TargetFacts
from sekisho.dialects.bedrock_converse.families import family
from sekisho.wire import json
from sekisho.wire.json import items_of, members_of
from sekisho.wire.shape import BROKEN, given

_POINT = msgspec.Raw(b'{"cachePoint":{"type":"default"}}')
_NAME = b'"cachePoint"'
_MARKED = ("system", "toolConfig", "messages")


def place(members: Members, target: TargetFacts) -> None:
    """A point after the tools, after the instructions, and after the last message."""
    rules = family(target.model)
    if not rules.cache_points or any(_NAME in bytes(members.get(name, b"")) for name in _MARKED):
        return
    with contextlib.suppress(*BROKEN):  # what holds no lists is the provider's to refuse, in its own words
        if rules.cached_tools:
            _mark_tools(members)
        if given(members.get("system", msgspec.Raw())) is not None:
            members["system"] = _marked(members["system"])
        _mark_last_message(members)


def strip(members: Members) -> None:
    for name in _MARKED:
        if _NAME in bytes(members.get(name, b"")):
            with contextlib.suppress(*BROKEN):
                members[name] = _STRIPPERS[name](members[name])


def _mark_tools(members: Members) -> None:
    config = given(members.get("toolConfig", msgspec.Raw()))
    if config is not None:
        found = members_of(config)
        found["tools"] = _marked(found.get("tools", msgspec.Raw(b"[]")))
        members["toolConfig"] = json.raw(found)


def _mark_last_message(members: Members) -> None:
    messages = items_of(members.get("messages", b"[]"))
    if messages:
        last = members_of(messages[-1])
        last["content"] = _marked(last.get("content", msgspec.Raw(b"[]")))
        messages[-1] = json.raw(last)
        members["messages"] = json.raw(messages)


def _marked(items: msgspec.Raw) -> msgspec.Raw:
    found = items_of(items)
    return json.raw([*found, _POINT]) if found else items


def _stripped(items: msgspec.Raw) -> msgspec.Raw:
    return json.raw([item for item in items_of(items) if not _is_point(item)])


def _is_point(item: msgspec.Raw) -> bool:
    return _NAME in bytes(item) and members_of(item).keys() == {"cachePoint"}


def _strip_tools(config: msgspec.Raw) -> msgspec.Raw:
    found = members_of(config)
    return json.raw({**found, "tools": _stripped(found.get("tools", msgspec.Raw(b"[]")))})


def _strip_messages(items: msgspec.Raw) -> msgspec.Raw:
    messages = items_of(items)
    for at, item in enumerate(messages):
        if _NAME in bytes(item):
            found = members_of(item)
            messages[at] = json.raw({**found, "content": _stripped(found.get("content", msgspec.Raw(b"[]")))})
    return json.raw(messages)


_STRIPPERS = {"system": _stripped, "toolConfig": _strip_tools, "messages": _strip_messages}
