"""Answers that are begun for Claude: the request ends in the assistant's own words, and the model goes on."""

from sekisho.core.contract import TargetFacts
from sekisho.core.message import Message
from sekisho.core.request import Request
from sekisho.wire.claude import rules


def prefill(said: Message, request: Request, target: TargetFacts) -> Message | None:
    """See `core.contract.Dialect.prefill`. Thinking does not go with it: "Prefilling responses is not
    supported" there (https://platform.claude.com/docs/en/build-with-claude/extended-thinking, 2026-11)."""
    wanted = request.reasoning
    thinks = wanted is not None and wanted.enabled is not False and wanted.effort != "none"
    return said if rules(target.model).prefill and not thinks else None
