"""Whole answers <-> the hub."""

from typing import Any

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.loss import Losses
from sekisho.core.message import Audio, Part, Reasoning, ToolCall
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.dialects.anthropic_messages import errors, finish, market, schema, usage
from sekisho.dialects.anthropic_messages.blocks import Block, read_part, write_part
from sekisho.dialects.anthropic_messages.schema import NAME, spread, vendor_of
from sekisho.wire.counts import shown_cost
from sekisho.wire.json import encode, members_of
from sekisho.wire.shape import BROKEN, given, missing_member, refuse_bad_text


def read(body: bytes) -> Reply:
    """The answer in a 200 body. Raises Malformed, or the UpstreamError that the body reports instead."""
    try:
        refuse_bad_text(body)
        answer, rest = schema.reply.decode_all(body)
        if answer.type == "error" or given(answer.error) is not None:
            raise errors.read_reported(body)
        if answer.content is None:
            raise missing_member("content")
        parts = tuple(read_part(raw, f"content.{index}") for index, raw in enumerate(answer.content))
    except (*BROKEN, BadRequest) as error:
        raise Malformed(f"not a message of Anthropic's format: {error}") from None
    return Reply(
        id=answer.id,
        model=answer.model,
        choices=(Choice(parts=parts, finish=finish.read(answer.stop_reason, answer.stop_sequence)),),
        usage=usage.read(answer.usage),
        service_tier=usage.tier(answer.usage),
        vendor=vendor_of(with_usage(rest, answer.usage)),
    )


def with_usage(rest: Members, found: Any) -> Members:
    """`rest` and what `usage` says beyond the hub's counts."""
    left = usage.rest(found)
    return rest if left is None else {**rest, "usage": left}


def write(reply: Reply, options: ReplyOptions) -> bytes:
    """The body of the first choice: a client of this dialect cannot ask for more."""
    choice = reply.choices[0] if reply.choices else Choice(parts=(), finish=Finish(reason="stop"))
    vendor = spread(reply.vendor)
    counts = usage.write(reply.usage, reply.service_tier)
    counts.update(members_of(vendor.pop("usage", b"{}")))
    cost = shown_cost(reply.usage, reply.service_tier, options.cost)
    if cost is not None:
        counts["cost"] = cost
    blocks = [write_answered(part) for part in choice.parts]
    body = encode(
        {
            "id": reply.id,
            "type": "message",
            "role": "assistant",
            "model": options.model or reply.model,
            "content": [block for block in blocks if block is not None],
            "stop_reason": finish.write(choice.finish),
            "stop_sequence": choice.finish.stop_sequence,
            **vendor,
            "usage": counts,
        }
    )
    if options.cost is None:
        return body
    found = members_of(body)
    market.complete_message(found)
    return encode(found)


def write_answered(part: Part) -> Block | None:
    """The block of a part of an answer; None for what a client of this dialect could not read.

    Thinking of another dialect has no signature: the client gets it with an empty one, and sends it back
    so, which tells a writer to leave it out. Of audio the transcript is shown.
    """
    if isinstance(part, Reasoning):
        block: dict[str, object] = {
            "type": "thinking",
            "thinking": part.text,
            "signature": part.signature or "",
        }
        return {**block, **spread(part.vendor)}
    if isinstance(part, ToolCall) and part.custom:
        return write_part(msgspec.structs.replace(part, custom=False), "", Losses(NAME))
    if isinstance(part, Audio):
        return {"type": "text", "text": part.transcript} if part.transcript else None
    return write_part(part, "", Losses(NAME))
