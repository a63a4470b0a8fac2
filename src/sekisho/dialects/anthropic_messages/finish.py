"""Why an answer ended: Anthropic's words <-> the hub's."""

from sekisho.core.reply import Finish, FinishReason

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}
_WORDS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}


def read(word: str | None, stop_sequence: str | None = None) -> Finish:
    """A word that is not known, or none, is the end of a turn; `native` keeps it."""
    reason = _REASONS.get(word or "end_turn", "stop")
    native = word if word is not None and _WORDS[reason] != word else None
    return Finish(reason=reason, stop_sequence=stop_sequence, native=native)


def write(finish: Finish) -> str:
    """The provider's own word where it is one of Anthropic's for the same reason."""
    if finish.native is not None and _REASONS.get(finish.native) == finish.reason:
        return finish.native
    if finish.reason == "stop" and finish.stop_sequence is not None:
        return "stop_sequence"
    return _WORDS[finish.reason]
