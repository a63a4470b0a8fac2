"""Passing a request through: the bytes of every value go on as they came, the path names the model."""

from sekisho.core.contract import Members, TargetFacts
from sekisho.core.error import BadRequest
from sekisho.dialects.gemini_generate.routes import resource
from sekisho.wire import json, kinds

_KINDS = {
    "contents": kinds.LISTED,
    "model": kinds.STRING,
    "systemInstruction": kinds.OBJECT,
    "system_instruction": kinds.OBJECT,
    "generationConfig": kinds.OBJECT,
    "generation_config": kinds.OBJECT,
    "toolConfig": kinds.OBJECT,
    "tool_config": kinds.OBJECT,
}


def check_members(members: Members) -> None:
    """The kinds of the top-level members, by their first bytes; the provider checks the rest."""
    kinds.check(members, _KINDS)
    if kinds.absent(members, "contents") or kinds.empty(members, "contents"):
        raise BadRequest("contents: missing or empty. Send at least one content.", param="contents")


def patch_request(members: Members, target: TargetFacts) -> bool:
    """Names the upstream model where the body repeats it. Streams of this dialect show usage to everybody:
    always True."""
    if "model" in members:
        members["model"] = json.raw(resource(target.model))
    return True
