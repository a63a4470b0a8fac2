"""Whole answers <-> the hub."""

from typing import Any

import msgspec

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import Malformed
from sekisho.core.loss import Losses
from sekisho.core.message import Audio, Part, Reasoning, ToolCall, Vendor
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.dialects.anthropic_messages import errors, finish, schema, usage
from sekisho.dialects.anthropic_messages.blocks import Block, read_part, write_part
from sekisho.dialects.anthropic_messages.schema import NAME, Invalid, decode, fields, rest
from sekisho.wire.json import encode

_reply = msgspec.json.Decoder(schema.ReplyIn)
_KNOWN = fields(schema.ReplyIn)


def read(body: bytes) -> Reply:
    """The answer in a 200 body. Raises Malformed, or the UpstreamError that the body reports instead."""
    try:
        schema.utf8(body)
        found = decode(schema.members, body)
        if bytes(found.get("type", b"")) == b'"error"' or "error" in found:
            raise errors.read_reported(body)
        answer = decode(_reply, body)
        parts = tuple(read_part(raw, f"content.{index}") for index, raw in enumerate(answer.content))
    except Invalid as error:
        raise Malformed(f"not a message of Anthropic's format: {error}") from None
    return Reply(
        id=answer.id,
        model=answer.model,
        choices=(Choice(parts=parts, finish=finish.read(answer.stop_reason, answer.stop_sequence)),),
        usage=usage.read(answer.usage),
        service_tier=usage.tier(answer.usage),
        vendor=with_usage(rest(found, _KNOWN), answer.usage),
    )


def with_usage(vendor: Vendor | None, found: Any) -> Vendor | None:
    """`vendor` and what `usage` says beyond the hub's counts."""
    left = usage.rest(found)
    if left is None:
        return vendor
    return {NAME: {**(vendor or {}).get(NAME, {}), "usage": left}}


def write(reply: Reply, options: ReplyOptions) -> bytes:
    """The body of the first choice: a client of this dialect cannot ask for more."""
    choice = reply.choices[0] if reply.choices else Choice(parts=(), finish=Finish(reason="stop"))
    vendor = dict((reply.vendor or {}).get(NAME, {}))
    counts = usage.write(reply.usage, reply.service_tier)
    counts.update(schema.members.decode(vendor.pop("usage", b"{}")))
    cost = usage.price(reply.usage, reply.service_tier, options.cost)
    if cost is not None:
        counts["cost"] = cost
    blocks = [write_answered(part) for part in choice.parts]
    return encode(
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
        block.update((part.vendor or {}).get(NAME, {}))
        return block
    if isinstance(part, ToolCall) and part.custom:
        return write_part(msgspec.structs.replace(part, custom=False), "", Losses(NAME))
    if isinstance(part, Audio):
        return {"type": "text", "text": part.transcript} if part.transcript else None
    return write_part(part, "", Losses(NAME))
