"""Passing a request through: the bytes of every value go on as they came. `tap` is the other direction."""

from sekisho.core.contract import Members, TargetFacts
from sekisho.core.error import BadRequest
from sekisho.dialects.openai_responses.request import STATE
from sekisho.wire import kinds
from sekisho.wire.shape import missing_member

_KINDS = {
    "model": kinds.STRING,
    "input": kinds.TEXTS,
    "instructions": kinds.STRING,
    "tools": kinds.ARRAY,
    "stream": kinds.BOOLEAN,
    "stream_options": kinds.OBJECT,
    "store": kinds.BOOLEAN,
    "background": kinds.BOOLEAN,
    "max_output_tokens": kinds.NUMBER,
    "temperature": kinds.NUMBER,
    "top_p": kinds.NUMBER,
    "text": kinds.OBJECT,
    "reasoning": kinds.OBJECT,
    "include": kinds.ARRAY,
    "service_tier": kinds.STRING,
    "user": kinds.STRING,
    "safety_identifier": kinds.STRING,
}


def check_members(members: Members) -> None:
    """The kinds of the top-level members, by their first bytes; the provider checks the rest."""
    kinds.check(members, _KINDS, ("model",))
    if not all(kinds.absent(members, name) for name in STATE):
        return
    if kinds.absent(members, "input"):
        raise missing_member("input")
    if kinds.empty(members, "input"):
        raise BadRequest("input: empty. Send at least one item.", param="input")


def patch_request(members: Members, target: TargetFacts) -> bool:
    """Names the upstream model. Streams of this dialect show usage to everybody: always True."""
    members["model"] = target.model_member
    return True
