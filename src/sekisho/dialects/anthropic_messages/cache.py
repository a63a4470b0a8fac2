"""Prompt-cache marks among the top-level members of a request.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching (2026-11)
"""

from sekisho.core.contract import Members, TargetFacts
from sekisho.wire import json

_MARK = json.raw({"type": "ephemeral"})


def place(members: Members, _target: TargetFacts) -> None:
    """A mark on the request itself: the provider moves it along with the conversation's end."""
    if not any(b'"cache_control"' in bytes(value) for value in members.values()):
        members.setdefault("cache_control", _MARK)


def strip(members: Members) -> None:
    members.pop("cache_control", None)
