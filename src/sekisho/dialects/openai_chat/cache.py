"""Prompt-cache marks among the top-level members of a request.

OpenAI's models cache by themselves; `prompt_cache_key` leads requests with the same beginning to the same
machine (https://developers.openai.com/api/docs/guides/prompt-caching, 2026-11). Many compatible servers
refuse the member. Routers to other models take Anthropic's marks, on texts
(https://openrouter.ai/docs/prompt-caching, 2026-11).
"""

from hashlib import sha256

from sekisho.core.contract import Members, TargetFacts
from sekisho.wire import json, marks
from sekisho.wire.json import items_of, members_of
from sekisho.wire.shape import BROKEN

_KEY = "prompt_cache_key"
_CONTROL = "cache_control"
_MARK = json.raw({"type": "ephemeral"})
_ON_REQUEST = (_KEY, "prompt_cache_retention", "prompt_cache_options", _CONTROL)
_ON_PARTS = (_CONTROL, "prompt_cache_breakpoint")
_PLACES = ("tools", "messages")
_INSIDE = ("content",)
_INSTRUCTING = (b'"system"', b'"developer"')


def place(members: Members, target: TargetFacts) -> None:
    """A key of the conversation's beginning, and marks on the end of the instructions and of what the user
    said last, where the endpoint takes them."""
    if _take_out(dict(members)):
        return
    if "prompt_cache_key" in target.extensions:
        _place_key(members)
    if "cache_control" in target.extensions and "messages" in members:
        for suits in (_instructs, _is_users):
            members["messages"] = marks.mark_last(members["messages"], suits, _with_marked_content)


def strip(members: Members) -> None:
    """Takes every mark out."""
    _take_out(members)


def _take_out(members: Members) -> bool:
    """Returns whether there was any."""
    found = [name for name in _ON_REQUEST if members.pop(name, None) is not None]
    return marks.strip(members, _ON_PARTS, _PLACES, _INSIDE) or bool(found)


def _place_key(members: Members) -> None:
    """The key is the same in every turn of a conversation: it hashes the tools, the instructions before the
    user's first message, and that message."""
    digest = sha256(bytes(members.get("tools", b"")))
    try:
        for raw in items_of(members.get("messages", b"[]")):
            message = members_of(raw)
            role = bytes(message.get("role", b""))
            digest.update(b"\0" + role + b"\0" + bytes(message.get("content", b"")))
            if role not in _INSTRUCTING:
                break
    except BROKEN:
        return  # the provider's to refuse, in its own words
    members[_KEY] = json.raw(digest.hexdigest()[:32])


def _instructs(message: Members) -> bool:
    return bytes(message.get("role", b"")) in _INSTRUCTING


def _is_users(message: Members) -> bool:
    return bytes(message.get("role", b"")) == b'"user"'


def _is_text(part: Members) -> bool:
    return bytes(part.get("type", b"")) == b'"text"' and bytes(part.get("text", b"")) != b'""'


def _with_marked_content(message: Members) -> Members | None:
    content = message.get("content")
    if content is None:
        return None
    marked = marks.in_content(content, _is_text, _CONTROL, _MARK)
    return None if marked is content else {**message, "content": marked}
