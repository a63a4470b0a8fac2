"""Why an answer ended, in OpenAI's words, its compatible servers' words, and the hub's."""

from sekisho.core.error import Overloaded, ProviderFailed, UpstreamError
from sekisho.core.reply import Finish, FinishReason

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    # compatible servers' own
    "function_call": "tool_calls",
    "model_length": "length",  # Mistral
    "max_tokens": "length",
    "model_context_window_exceeded": "length",  # Z.ai
    "sensitive": "content_filter",  # Z.ai
    "stop_sequence": "stop",  # TGI
}
_FAILED = {"error", "network_error", "abort"}
"""OpenRouter and Mistral; Z.ai; vLLM and SGLang."""
_STANDARD = {"stop", "length", "tool_calls", "content_filter"}

_WORDS: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
}


def read(word: str | None, native: str | None = None, stop: str | int | None = None) -> Finish:
    """The hub's finish. An unknown word means `stop` and is kept as `native`.

    `stop` is vLLM's `stop_reason`: the stop sequence that was hit. Call `failure` first.
    """
    word = word or "stop"
    reason = _REASONS.get(word, "stop")
    shown = native if native and native != word else None
    if shown is None and word not in _STANDARD:
        shown = word
    if reason == "stop" and isinstance(stop, str):
        return Finish(reason="stop_sequence", stop_sequence=stop, native=shown)
    return Finish(reason=reason, native=shown)


def failure(word: str | None) -> UpstreamError | None:
    """The error that a finish reason stands for, if it does: such an answer is not one."""
    if word in _FAILED:
        return ProviderFailed("the answer broke off with an error", provider_code=word)
    if word == "insufficient_system_resource":  # DeepSeek
        return Overloaded("the answer broke off for lack of capacity", provider_code=word)
    return None


def write(finish: Finish) -> dict[str, object]:
    """A choice's `finish_reason`, OpenRouter's `native_finish_reason` where OpenAI has no word for it, and
    vLLM's `stop_reason` for the stop sequence that was hit."""
    found: dict[str, object] = {"finish_reason": _WORDS[finish.reason]}
    native = finish.native
    if native is None and finish.reason in ("refusal", "pause"):
        native = finish.reason
    if native is not None:
        found["native_finish_reason"] = native
    if finish.stop_sequence is not None:
        found["stop_reason"] = finish.stop_sequence
    return found
