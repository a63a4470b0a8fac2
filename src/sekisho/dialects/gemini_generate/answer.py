"""What whole answers and the events of a stream have in common: both are a `GenerateContentResponse`."""

from typing import NamedTuple

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import Malformed
from sekisho.core.message import Audio, Part, Text, ToolCall
from sekisho.dialects.gemini_generate import errors, schema
from sekisho.dialects.gemini_generate.contents import listed
from sekisho.dialects.gemini_generate.parts_write import Item, Writing, write
from sekisho.wire.json import encode
from sekisho.wire.shape import given

USAGE = "usageMetadata"
CANDIDATES = "candidates"
"""The vendor member of an answer that holds what is unknown of its candidates, by their index."""
FEEDBACK = "promptFeedback"


class Said(NamedTuple):
    """One candidate, or what an event adds to it."""

    number: int
    parts: list[msgspec.Raw]
    finish: str | None
    logprobs: msgspec.Raw | None
    rest: Members


def check(wire: schema.Reply, data: bytes) -> None:
    """Raises the error that an answer of status 200 carries."""
    if given(wire.error) is not None:
        raise errors.in_answer(data)


def read_candidate(raw: msgspec.Raw, place: int) -> Said:
    """Raises what `wire.shape.BROKEN` names, BadRequest or Malformed."""
    wire, rest = schema.candidate.decode_all(raw)
    parts: list[msgspec.Raw] = []
    if given(wire.content) is not None:
        parts = listed(schema.content.decode(wire.content).parts)
    index = place if wire.index is None else wire.index
    if index < 0:
        raise Malformed(f"a candidate with the index {index}")
    return Said(index, parts, wire.finish_reason, given(wire.logprobs_result), rest)


def block_reason(wire: schema.Reply) -> str | None:
    """Why the prompt was blocked, if it was."""
    if given(wire.prompt_feedback) is None:
        return None
    return schema.prompt_feedback.decode(wire.prompt_feedback).block_reason or None


def spare_id(candidate: int, number: int, reply_id: str) -> str:
    """The id of a call that has none: no other call of the conversation has it."""
    return f"call_{candidate}_{number}_{reply_id}" if candidate else f"call_{number}_{reply_id}"


def nested(candidates: dict[int, Members]) -> msgspec.Raw | None:
    """Unknown members of candidates as one vendor member."""
    found = {str(index): members for index, members in candidates.items() if members}
    return msgspec.Raw(encode(found)) if found else None


def unnested(raw: msgspec.Raw | None) -> dict[str, Members]:
    return {} if raw is None else msgspec.json.decode(raw, type=dict[str, Members])


def write_part(part: Part) -> list[Item | msgspec.Raw]:
    """What a client reads of a part of an answer; nothing of what it could not.

    Of speech of another dialect the transcript goes before it; a custom tool's free text goes as arguments
    that are no object.
    """
    if isinstance(part, ToolCall) and part.custom:
        part = msgspec.structs.replace(part, custom=False)
    if isinstance(part, Text) and not part.text and not part.vendor:
        return []
    written = write(part, "", Writing())
    items = [] if written is None else [written]
    if isinstance(part, Audio) and part.transcript:
        return [{"text": part.transcript}, *items]
    return items
