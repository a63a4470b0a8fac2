"""Why an answer ended: Bedrock's words <-> the hub's."""

from sekisho.core.reply import Finish, FinishReason

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    # Not in the service model; Claude's own words, should they come through.
    "refusal": "refusal",
    "pause_turn": "pause",
}
"""`malformed_model_output` and `malformed_tool_use` end a turn: what they spoilt can be seen."""
_WORDS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "refusal": "content_filtered",
    "pause": "end_turn",
}
_OWN = frozenset((*_REASONS, "malformed_model_output", "malformed_tool_use"))


def read(word: str | None, stop_sequence: str | None = None) -> Finish:
    """A word that is not known, or none, is the end of a turn; `native` keeps it."""
    reason = _REASONS.get(word or "end_turn", "stop")
    native = word if word is not None and _WORDS[reason] != word else None
    return Finish(reason=reason, stop_sequence=stop_sequence, native=native)


def write(finish: Finish) -> str:
    """The provider's own word where it is one of Bedrock's for the same reason."""
    native = finish.native
    if native in _OWN and _REASONS.get(native or "", "stop") == finish.reason:
        return native or ""
    if finish.reason == "stop" and finish.stop_sequence is not None:
        return "stop_sequence"
    return _WORDS[finish.reason]
