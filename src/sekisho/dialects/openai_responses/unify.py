"""OpenRouter's members of `reasoning` in OpenAI's words, for a request that passes through."""

from sekisho.core.contract import Members, TargetFacts
from sekisho.dialects.openai_responses.content_write import Writing
from sekisho.dialects.openai_responses.request import reasoning_settings
from sekisho.dialects.openai_responses.request_write import reasoning_of
from sekisho.dialects.openai_responses.schema import WireReasoningSettings
from sekisho.wire import json, kinds
from sekisho.wire.shape import Shape

REASONING = "reasoning"
_reasoning = Shape(WireReasoningSettings)


def unify(members: Members, target: TargetFacts) -> tuple[str, ...]:
    """See `Dialect.unify_reasoning`."""
    if REASONING in target.extensions or kinds.absent(members, REASONING):
        return ()
    asked, rest = _reasoning.read_all(members[REASONING], REASONING)
    if asked.max_tokens is None and asked.enabled is None:
        return ()
    writing = Writing(target)
    said: dict[str, object] = {**rest, **reasoning_of(reasoning_settings(asked), writing)}
    del members[REASONING]
    if said:
        members[REASONING] = json.raw(said)
    return tuple(loss.field for loss in writing.found)
