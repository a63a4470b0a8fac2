"""Why an answer ended: Google's words <-> the hub's.

Google says `STOP` after a call of a function as well; the parts tell the difference. Why a prompt was blocked
is a word of its own kind, `promptFeedback.blockReason`, and stands as `native` in the finish of an answer
without parts. https://ai.google.dev/api/generate-content#FinishReason (2026-11)
"""

from sekisho.core.reply import Finish, FinishReason

_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "ESCALATION": "content_filter",
    "CONTINUATION": "pause",
    # what says more than that the turn is over
    "LANGUAGE": "stop",
    "OTHER": "stop",
    "MALFORMED_FUNCTION_CALL": "stop",
    "MALFORMED_RESPONSE": "stop",
    "UNEXPECTED_TOOL_CALL": "stop",
    "TOO_MANY_TOOL_CALLS": "stop",
    "MISSING_THOUGHT_SIGNATURE": "stop",
    "NO_IMAGE": "stop",
    "IMAGE_OTHER": "stop",
}
_WORDS: dict[FinishReason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "CONTINUATION",
}


def read(word: str | None, *, calls: bool) -> Finish:
    """`calls`: the answer calls functions. A word that is not known, or none, is the end of a turn; `native`
    keeps it."""
    reason = _REASONS.get(word or "STOP", "stop")
    native = word if word and _WORDS[reason] != word else None
    if calls and reason == "stop" and native is None:
        reason = "tool_calls"
    return Finish(reason=reason, native=native)


def blocked(why: str) -> Finish:
    """The finish of an answer to a prompt that was blocked."""
    return Finish(reason="content_filter", native=why)


def write(finish: Finish) -> str:
    """The provider's own word where it is one of Google's for the same reason."""
    native = finish.native
    if native is not None and _REASONS.get(native) == finish.reason:
        return native
    return _WORDS[finish.reason]
