"""Prompt-cache marks among the top-level members of a request.

OpenAI's models cache by themselves; `prompt_cache_key` brings requests with the same beginning to the same
machine (https://platform.openai.com/docs/guides/prompt-caching, 2026-11).
"""

from hashlib import blake2b

import msgspec

from sekisho.core.contract import Members, TargetFacts
from sekisho.dialects.openai_responses.schema import WireKind
from sekisho.wire import json
from sekisho.wire.json import items_of
from sekisho.wire.shape import BROKEN

KEY = "prompt_cache_key"

_MARKS = (KEY, "prompt_cache_options", "prompt_cache_retention")
_kind = msgspec.json.Decoder(WireKind)


def place(members: Members, target: TargetFacts) -> None:
    """A key of what a conversation begins with, which stays the same from turn to turn: instructions, tools
    and the first thing the user said."""
    if KEY not in target.extensions or any(name in members for name in _MARKS):
        return
    digest = blake2b(digest_size=16)
    for name in ("instructions", "tools"):
        digest.update(bytes(members.get(name, b"")) + b"\n")
    digest.update(_first_said(members.get("input")))
    members[KEY] = json.raw(digest.hexdigest())


def strip(members: Members) -> None:
    for name in _MARKS:
        members.pop(name, None)


def _first_said(said: msgspec.Raw | None) -> bytes:
    if said is None or not bytes(said).startswith(b"["):
        return bytes(said or b"")
    try:
        items = items_of(said)
        users = (item for item in items if _kind.decode(item).role == "user")
        return bytes(next(users, b""))
    except BROKEN:
        return b""  # not of this API's shape: the provider will say so
