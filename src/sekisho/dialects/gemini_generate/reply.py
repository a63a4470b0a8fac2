"""A whole answer: `GenerateContentResponse` <-> the hub's reply.

What is unknown of candidates (ratings, citations, grounding) is kept in the answer's own `vendor`, for a
stream can tell it only there. A prompt that was blocked has no candidates: it reads as one empty choice that
a filter ended, as it would in any other dialect, and is written back as it was.
"""

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.message import Part, Reasoning, Text, ToolCall
from sekisho.core.reply import Choice, Reply
from sekisho.dialects.gemini_generate import answer, errors, finish, logprobs, parts, schema, usage
from sekisho.dialects.gemini_generate.answer import CANDIDATES, FEEDBACK, USAGE
from sekisho.dialects.gemini_generate.parts_write import Item
from sekisho.dialects.gemini_generate.schema import spread, vendor_of
from sekisho.wire.json import encode, members_of, raw
from sekisho.wire.shape import BROKEN, given, refuse_bad_text


def read(body: bytes) -> Reply:
    """Raises Malformed, or the UpstreamError that a body of status 200 carries."""
    try:
        refuse_bad_text(body)
        return _read(body)
    except (*BROKEN, BadRequest) as error:
        raise Malformed(f"not an answer of Gemini's format: {error}") from None


def _read(body: bytes) -> Reply:
    wire, vendor = schema.reply.decode_all(body)
    answer.check(wire, body)
    reply_id = wire.response_id or ""
    unknown: dict[int, Members] = {}
    choices: list[Choice] = []
    for place, candidate in enumerate(wire.candidates or ()):
        said = answer.read_candidate(candidate, place)
        unknown[place] = said.rest
        choices.append(_read_choice(said, place, reply_id))
    blocked = answer.block_reason(wire)
    if not choices:
        if blocked is None:
            raise errors.in_answer(body)
        choices.append(Choice(parts=(), finish=finish.blocked(blocked)))
    if given(wire.prompt_feedback) is not None:
        vendor[FEEDBACK] = wire.prompt_feedback
    counts = usage.parse(wire.usage_metadata)
    keep(vendor, answer.nested(unknown), wire.usage_metadata)
    return Reply(
        id=reply_id,
        model=wire.model_version or "",
        choices=tuple(choices),
        usage=usage.read(counts),
        service_tier=usage.tier(counts),
        vendor=vendor_of(vendor),
    )


def keep(vendor: Members, candidates: msgspec.Raw | None, counts: msgspec.Raw) -> None:
    """Adds what is unknown of the candidates and of the counts."""
    if candidates is not None:
        vendor[CANDIDATES] = candidates
    rest = usage.rest(counts)
    if rest:
        vendor[USAGE] = raw(rest)


def _read_choice(said: answer.Said, place: int, reply_id: str) -> Choice:
    found: list[Part] = []
    calls = 0
    for number, item in enumerate(said.parts):
        wire, rest = schema.part.decode_all(item)
        spare = answer.spare_id(place, calls, reply_id)
        part = parts.read(wire, rest, item, f"candidates.{place}.parts.{number}", spare)
        calls += isinstance(part, ToolCall)
        if not says_nothing(part):
            found.append(part)
    return Choice(
        parts=tuple(found),
        finish=finish.read(said.finish, calls=bool(calls)),
        logprobs=None if said.logprobs is None else logprobs.read(said.logprobs),
    )


def says_nothing(part: Part) -> bool:
    """An empty text, as it stands in last events."""
    if isinstance(part, Reasoning) and part.signature is not None:
        return False
    return isinstance(part, Text | Reasoning) and not part.text and not part.vendor


# --- writing ---------------------------------------------------------------------------------------


def write(reply: Reply, options: ReplyOptions) -> bytes:
    """A whole answer for a client of this dialect."""
    vendor = spread(reply.vendor)
    unknown = answer.unnested(vendor.pop(CANDIDATES, None))
    candidates = [
        write_candidate(index, choice, unknown.get(str(index), {}))
        for index, choice in enumerate(reply.choices)
    ]
    return encode(
        {
            **({} if was_blocked(reply.choices, vendor) else {"candidates": candidates}),
            **tail(reply, vendor, options),
        }
    )


def tail(reply: Reply, vendor: Members, options: ReplyOptions) -> Item:
    """Everything of an answer but its candidates; takes out of `vendor` what it writes."""
    kept = vendor.pop(USAGE, None)
    counted = members_of(kept) if kept is not None else {}
    counts = usage.write(reply.usage, reply.service_tier, counted, options.cost)
    return {
        **({"usageMetadata": counts} if counts else {}),
        **names(reply.id, reply.model, options),
        **vendor,
    }


def names(reply_id: str, model: str, options: ReplyOptions) -> Item:
    """What an answer, and every event of a stream, is called."""
    shown = options.model or model or options.asked
    return {"modelVersion": shown, "responseId": reply_id or options.id}


def was_blocked(choices: tuple[Choice, ...], vendor: Members) -> bool:
    """Whether the answer was that the prompt was blocked."""
    if len(choices) != 1 or choices[0].parts or FEEDBACK not in vendor:
        return False
    reason = schema.prompt_feedback.decode(vendor[FEEDBACK]).block_reason
    return bool(reason) and choices[0].finish.native == reason


def write_candidate(index: int, choice: Choice, unknown: Members) -> Item:
    items = [item for part in choice.parts for item in answer.write_part(part)]
    found: Item = {"content": {"parts": items, "role": "model"}, "finishReason": finish.write(choice.finish)}
    likely = None if choice.logprobs is None else logprobs.write(choice.logprobs)
    if likely is not None:
        found["logprobsResult"] = likely
    return {**found, **unknown, "index": index}
