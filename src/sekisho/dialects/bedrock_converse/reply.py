"""Whole answers <-> the hub.

Bedrock's answers name neither themselves nor the model. Where those are known, an answer that is written
names them all the same, as `id` and `model`: SDKs skip members that their service model lacks, as they do
with those that AWS adds itself. `metrics.latencyMs` is compulsory, and 0 where it was not measured.
"""

from typing import Any

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.message import (
    Audio,
    Document,
    Image,
    Inline,
    Opaque,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.dialects.bedrock_converse import errors, finish, schema, usage
from sekisho.dialects.bedrock_converse.blocks import read_block
from sekisho.dialects.bedrock_converse.blocks_write import (
    write_call,
    write_inline,
    write_reasoning,
    write_redacted,
    write_text,
)
from sekisho.dialects.bedrock_converse.schema import NAME, Block, spread, vendor_of
from sekisho.wire.counts import in_openai_words, shown_cost
from sekisho.wire.json import encode, members_of
from sekisho.wire.shape import BROKEN, Shape, refuse_bad_text

EXTRA = "additionalModelResponseFields"
UNMEASURED = msgspec.Raw(b'{"latencyMs":0}')

_reply = Shape(schema.ReplyIn)
_stop_sequence = msgspec.json.Decoder(dict[str, Any])


def read(body: bytes) -> Reply:
    """The answer in a 200 body. Raises Malformed, or the UpstreamError that the body reports instead."""
    try:
        refuse_bad_text(body)
        answer = _reply.decode(body)
        parts = tuple(
            read_block(raw, f"output.message.content.{index}")
            for index, raw in enumerate(answer.output.message.content)
        )
        rest = _reply.rest(body)
    except (*BROKEN, BadRequest) as error:
        raise errors.reported(body) or Malformed(f"not an answer of Converse: {error}") from None
    tier = answer.service_tier.type if answer.service_tier else None
    return Reply(
        id=answer.id,
        model=answer.model,
        choices=(Choice(parts=parts, finish=finish.read(answer.stop_reason, stop_sequence(rest))),),
        usage=usage.read(answer.usage),
        service_tier=tier,
        vendor=vendor_of(with_usage(rest, answer.usage)),
    )


def with_usage(rest: Members, found: Any) -> Members:
    """`rest` and what `usage` says beyond the hub's counts."""
    left = usage.rest(found)
    return rest if left is None else {**rest, "usage": left}


def stop_sequence(rest: Members) -> str | None:
    """Which one was met: Claude says it where the request asked for the field `/stop_sequence`."""
    try:
        said = _stop_sequence.decode(rest.get(EXTRA, b"{}")).get("stop_sequence")
    except BROKEN:
        return None
    return said if isinstance(said, str) else None


def write(reply: Reply, options: ReplyOptions) -> bytes:
    """The body of the first choice: a client of this dialect cannot ask for more."""
    choice = reply.choices[0] if reply.choices else Choice(parts=(), finish=Finish(reason="stop"))
    blocks = [write_answered(part) for part in choice.parts]
    vendor = dict(spread(reply.vendor))
    counts = usage.write(reply.usage)
    counts.update(members_of(vendor.pop("usage", b"{}")))
    cost = shown_cost(reply.usage, reply.service_tier, options.cost)
    if cost is not None:
        counts["cost"] = cost
    body: dict[str, object] = {
        **named(reply.id, options.model or reply.model),
        "output": {
            "message": {"role": "assistant", "content": [block for block in blocks if block is not None]}
        },
        "stopReason": finish.write(choice.finish),
        "usage": counts,
        "metrics": vendor.pop("metrics", UNMEASURED),
    }
    if reply.service_tier is not None:
        body["serviceTier"] = {"type": in_openai_words(reply.service_tier)}
    return encode({**body, **vendor})


def named(reply_id: str, model: str) -> dict[str, object]:
    """What an answer is called, as far as it is known."""
    return {name: value for name, value in (("id", reply_id), ("model", model)) if value}


def write_answered(part: Part) -> Block | None:
    """The block of a part of an answer; None for what a client of this dialect could not read.

    Of audio that has no place the transcript is shown.
    """
    match part:
        case Text():
            return write_text(part)
        case Refusal(text=text):
            return {"text": text}
        case ToolCall():
            return write_call(part)
        case Reasoning():
            return write_reasoning(part)
        case RedactedReasoning():
            return write_redacted(part)
        case Opaque(dialect=dialect, raw=raw):
            return raw if dialect == NAME else None
        case Image() | Audio():
            return _write_medium(part)
        case Document() | Video() | ToolResult():
            return None


def _write_medium(part: Image | Audio) -> Block | None:
    source, rest = part.source, spread(part.vendor)
    if isinstance(part, Image):
        body = write_inline("image", source) if isinstance(source, Inline) else None
        return None if body is None else {"image": {**body, **rest}}
    body = write_inline("audio", source) if isinstance(source, Inline) else None
    if body is not None:
        return {"audio": {**body, **rest}}
    return {"text": part.transcript} if part.transcript else None
