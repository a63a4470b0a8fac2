"""Whom a call is made for, as the request itself says: end user, session, tags.

What clients write here is free text of theirs. It is bounded before it is kept, and no label of a metric.
"""

import re
from hashlib import sha256

import msgspec

from sekisho.core.contract import Members, Named
from sekisho.core.error import BadRequest
from sekisho.core.exchange import Exchange

USER_HEADER = b"x-sekisho-user"
TAGS_HEADER = b"x-sekisho-tags"
SESSION_HEADERS = (b"x-claude-code-session-id", b"x-session-id")
"""The first is sent by Claude Code since 2.1.86 (2026-03); the second wins."""
_HEADERS = frozenset((*SESSION_HEADERS, USER_HEADER, TAGS_HEADER))
USER_MEMBERS = ("safety_identifier", "user")
"""OpenAI's, the newer one first; Anthropic's is in `metadata`."""
SESSION_MEMBERS = ("session_id", "prompt_cache_key")
_MEMBERS = frozenset((*USER_MEMBERS, *SESSION_MEMBERS, "metadata"))
LONGEST = 128
"""Characters of a user or a session. A longer name, or one that cannot be printed, is kept as its digest: the
call goes on, and no two users become one."""
MOST_TAGS = 10
"""In one request, beside those of the key."""
LONGEST_TAG = 64
"""Characters."""


class _Metadata(msgspec.Struct):
    user_id: str = ""


class _ClaudeCode(msgspec.Struct):
    """What Claude Code since 2.1.78 (2026-03) writes as JSON into `metadata.user_id`."""

    session_id: str
    device_id: str = ""
    account_uuid: str = ""


_CLAUDE_CODE_BEFORE = re.compile(r"(user_[^_]+_account_[^_]*)_session_([0-9a-f-]{36})")
_text = msgspec.json.Decoder(str)
_metadata = msgspec.json.Decoder(_Metadata)
_claude_code = msgspec.json.Decoder(_ClaudeCode)
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def identify(exchange: Exchange) -> None:
    """Fills user, session and tags. Raises BadRequest for tags that are too many or too long."""
    members, named = exchange.members, exchange.named
    exchange.tags = exchange.principal.tags
    if _MEMBERS.isdisjoint(members) and _HEADERS.isdisjoint(named):
        return
    user, session = _said(members)
    user = _text_of(named, USER_HEADER) or user
    for name in SESSION_HEADERS:
        session = _text_of(named, name) or session
    if user:
        exchange.user = bounded(user)
    if session:
        exchange.session = bounded(session)
    tags = named.get(TAGS_HEADER)
    if tags:
        exchange.tags = _with(exchange.tags, tags)


def bounded(name: str) -> str:
    """A client's name for somebody or something, as it may be kept."""
    if len(name) <= LONGEST and name.isprintable():
        return name
    return "sha256:" + sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _text_of(named: Named, name: bytes) -> str:
    return named.get(name, b"").decode("utf-8", "backslashreplace")


def _said(members: Members) -> tuple[str, str]:
    """(user, session) that the request's members name; empty: none."""
    session = _first(members, SESSION_MEMBERS)
    user = _first(members, USER_MEMBERS)
    if user or "metadata" not in members:
        return user, session
    try:
        user = _metadata.decode(members["metadata"]).user_id
    except _BROKEN:
        return "", session
    if user.startswith("{"):
        return _of_claude_code(user, session)
    before = _CLAUDE_CODE_BEFORE.fullmatch(user)
    return (user, session) if before is None else (before[1], session or before[2])


def _of_claude_code(user: str, session: str) -> tuple[str, str]:
    try:
        told = _claude_code.decode(user)
    except _BROKEN:
        return user, session
    return told.account_uuid or told.device_id, session or told.session_id


def _first(members: Members, names: tuple[str, ...]) -> str:
    for name in names:
        if name in members:
            try:
                return _text.decode(members[name])
            except _BROKEN:
                continue  # no text: if that is an error, the provider says so
    return ""


def _with(tags: tuple[str, ...], value: bytes) -> tuple[str, ...]:
    said = [tag.strip() for tag in value.decode("utf-8", "backslashreplace").split(",")]
    asked = [tag for tag in said if tag]
    if len(asked) > MOST_TAGS:
        raise _refused(f"holds {len(asked)} tags; {MOST_TAGS} are allowed")
    for tag in asked:
        if len(tag) > LONGEST_TAG or not tag.isprintable():
            raise _refused(f"holds a tag that is not 1 to {LONGEST_TAG} printable characters")
    return tuple(dict.fromkeys((*tags, *asked)))


def _refused(reason: str) -> BadRequest:
    name = TAGS_HEADER.decode()
    return BadRequest(f"the header `{name}` {reason}", param=name)
