"""Prompt-cache marks among the top-level members of a request.

A mark on the request itself ("automatic caching") is published too, but Bedrock and Vertex refuse it
(`cache_control: Extra inputs are not permitted`), so marks are placed on blocks, which every host takes: at
most three of the four that a request may hold. The provider looks back twenty blocks from each for what
earlier turns wrote.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching,
https://github.com/UKGovernmentBEIS/inspect_ai/pull/3851 (2026-11)
"""

from sekisho.core.contract import Members, TargetFacts
from sekisho.wire import json, marks

_NAME = "cache_control"
_MARK = json.raw({"type": "ephemeral"})
_PLACES = ("tools", "system", "messages")
_INSIDE = ("content", "source")
"""Members of messages, tool results and documents that hold blocks again."""


def place(members: Members, _target: TargetFacts) -> None:
    """On the last tool, on the end of the instructions, and on the end of what the user said last."""
    if _take_out(dict(members)):
        return
    if "tools" in members:
        members["tools"] = marks.mark_last(members["tools"], _is_loaded, _marked)
    if "system" in members:
        members["system"] = marks.in_content(members["system"], _holds_marks, _NAME, _MARK)
    if "messages" in members:
        members["messages"] = marks.mark_last(members["messages"], _is_users, _with_marked_content)


def strip(members: Members) -> None:
    """Takes every mark out."""
    _take_out(members)


def _take_out(members: Members) -> bool:
    """Returns whether there was any."""
    found = members.pop(_NAME, None) is not None
    return marks.strip(members, (_NAME,), _PLACES, _INSIDE) or found


def _is_loaded(tool: Members) -> bool:
    """A tool that is loaded only once it was searched for cannot be marked."""
    return bytes(tool.get("defer_loading", b"")) != b"true"


def _marked(tool: Members) -> Members:
    return {**tool, _NAME: _MARK}


def _holds_marks(block: Members) -> bool:
    """The API marks neither thinking nor an empty text."""
    kind = bytes(block.get("type", b""))
    return kind not in (b'"thinking"', b'"redacted_thinking"') and bytes(block.get("text", b"")) != b'""'


def _is_users(message: Members) -> bool:
    return bytes(message.get("role", b"")) == b'"user"'


def _with_marked_content(message: Members) -> Members | None:
    content = message.get("content")
    if content is None:
        return None
    marked = marks.in_content(content, _holds_marks, _NAME, _MARK)
    return None if marked is content else {**message, "content": marked}
