"""Why an answer ended: `status` and `incomplete_details` <-> the hub's finish.

OpenAI has no word for an answer that ends in tool calls: their items say it. Nor has it one for a model's
own refusal, whose content part says it while the response is completed like any other.
"""

from sekisho.core.reply import Finish, FinishReason

UNFINISHED = ("queued", "in_progress")
"""Of a background response, which goes on without its client."""

_REASONS: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
    "steered": "pause",
}
_WORDS: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


def read(status: str | None, reason: str | None, *, called: bool) -> Finish:
    """`reason` stands in `incomplete_details`; `called`: the answer holds a call of the client's tools."""
    if status in UNFINISHED:
        return Finish(reason="pause", native=status)
    if status == "incomplete":
        word = reason or "max_output_tokens"
        found = _REASONS.get(word, "length")
        return Finish(reason=found, native=None if _WORDS.get(found) == word else word)
    return Finish(reason="tool_calls" if called else "stop")


def word(status: str | None, reason: str | None) -> str | None:
    """The end in the provider's words, for metering."""
    return reason if status == "incomplete" and reason else status


def write(finish: Finish) -> tuple[str, dict[str, str] | None]:
    """(`status`, `incomplete_details`)."""
    if finish.native in UNFINISHED and finish.reason == "pause":
        return str(finish.native), None
    reason = _WORDS.get(finish.reason)
    if finish.native in ("max_messages", "max_tool_calls", "steered"):
        reason = finish.native
    return ("completed", None) if reason is None else ("incomplete", {"reason": reason})
