"""Thought signatures of tool calls: Google's compatible endpoint says them in `extra_content`, wants them
back there, and refuses a call of Gemini 3 without (https://ai.google.dev/gemini-api/docs/thought-signatures,
2026-11). What else `extra_content` holds is kept as it came.
"""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.message import ToolCall
from sekisho.dialects.openai_chat.shape import own, spread
from sekisho.wire import json
from sekisho.wire.json import members_of
from sekisho.wire.shape import BROKEN, Shape, Wire, given

EXTRA = "extra_content"
SIGNED = "_signed"
"""Note: the signature came by this dialect."""


class _Extra(Wire):
    google: msgspec.Raw = msgspec.Raw()


class _Google(Wire):
    thought_signature: str | None = None


_extra = Shape(_Extra)
_google = Shape(_Google)


def read(raw: msgspec.Raw) -> tuple[str | None, Members]:
    """(signature, what to keep of the call's `extra_content`)."""
    if given(raw) is None:
        return None, {}
    try:
        google = given(_extra.decode(raw).google)
        signature = _google.decode(google).thought_signature if google is not None else None
        if google is None or not signature:
            return None, {EXTRA: raw}
        rest, inner = _extra.rest(raw), _google.rest(google)
    except BROKEN:
        return None, {EXTRA: raw}
    if inner:
        rest["google"] = json.raw(inner)
    note = {SIGNED: json.raw(value=True)}
    return signature, {EXTRA: json.raw(rest), **note} if rest else note


def came_signed(call: ToolCall) -> bool:
    return SIGNED in own(call.vendor)


def write(call: ToolCall) -> Members:
    """The call's `extra_content` with its signature; nothing for a call without."""
    if call.signature is None:
        return {}
    rest = spread(call.vendor).get(EXTRA)
    extra: Members = {} if rest is None else members_of(rest)
    inner: Members = members_of(extra["google"]) if "google" in extra else {}
    google = {**inner, "thought_signature": json.raw(call.signature)}
    return {EXTRA: json.raw({**extra, "google": json.raw(google)})}
