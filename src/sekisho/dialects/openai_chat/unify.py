"""OpenRouter's `reasoning` in the words of the endpoint that a request passes through to."""

from sekisho.core.contract import Members, TargetFacts
from sekisho.dialects.openai_chat import request_write
from sekisho.dialects.openai_chat.parts_write import Writing
from sekisho.dialects.openai_chat.request import reasoning_settings
from sekisho.dialects.openai_chat.schema import WireReasoning, WireThinking
from sekisho.wire import json, kinds
from sekisho.wire.shape import Shape

REASONING = "reasoning"
_reasoning = Shape(WireReasoning)


def unify(members: Members, target: TargetFacts) -> tuple[str, ...]:
    """See `Dialect.unify_reasoning`. What the request says in other words as well stays as it is."""
    if REASONING in target.extensions:
        return ()
    if kinds.absent(members, REASONING):
        members.pop(REASONING, None)
        return ()
    asked, writing = _reasoning.read(members.pop(REASONING), REASONING), Writing(target)
    if asked == WireReasoning():
        return ()
    settings = reasoning_settings(asked.effort, asked, WireThinking())
    for name, value in request_write.reasoning(settings, {}, writing).items():
        members.setdefault(name, json.raw(value))
    return tuple(loss.field for loss in writing.found)
