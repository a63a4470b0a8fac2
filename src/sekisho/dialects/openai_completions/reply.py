"""A whole answer: `text_completion` <-> the hub's reply."""

import msgspec

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.message import Refusal, Text
from sekisho.core.reply import Choice, Reply
from sekisho.dialects.openai_completions import errors, logprobs, usage
from sekisho.dialects.openai_completions.schema import WireChoice, WireReply, spread, vendor_of
from sekisho.wire import json
from sekisho.wire import openai_finish as finish
from sekisho.wire.counts import in_openai_words
from sekisho.wire.shape import BROKEN, Shape, given, refuse_bad_text

OBJECT = "text_completion"

reply_shape = Shape(WireReply)
choice_shape = Shape(WireChoice)


def read(body: bytes) -> Reply:
    """Raises Malformed, or the UpstreamError that a body of status 200 carries."""
    try:
        refuse_bad_text(body)
        wire = reply_shape.decode(body)
        if given(wire.error) is not None or not wire.choices:
            raise errors.in_answer(body)
        choices = tuple(_read_choice(raw) for raw in wire.choices)
        rest = reply_shape.rest(body)
    except (*BROKEN, BadRequest) as error:
        raise Malformed(f"not a completion: {error}") from None
    return Reply(
        id=wire.id or "",
        model=wire.model or "",
        choices=choices,
        usage=usage.read(wire.usage),
        created=None if wire.created is None else int(wire.created),
        service_tier=wire.service_tier,
        vendor=vendor_of(rest),
    )


def _read_choice(raw: msgspec.Raw) -> Choice:
    wire = read_choice(raw)
    if wire.text is None:
        raise Malformed("a choice without a text")
    return Choice(
        parts=(Text(text=wire.text),) if wire.text else (),
        finish=finish.read(wire.finish_reason, wire.native_finish_reason, wire.stop_reason),
        logprobs=logprobs.read(wire.logprobs),
        vendor=vendor_of(choice_shape.rest(raw)),
    )


def read_choice(raw: msgspec.Raw) -> WireChoice:
    """A choice that is none of the errors that stand in place of one. Raises those."""
    wire = choice_shape.decode(raw)
    if given(wire.error) is not None:
        raise errors.in_answer(raw)
    failed = finish.failure(wire.finish_reason)
    if failed is not None:
        raise failed
    return wire


# --- writing ---------------------------------------------------------------------------------------


def write(reply: Reply, options: ReplyOptions) -> bytes:
    """A `text_completion` body. It has a place for what was said, and for nothing else."""
    body = head(reply.id, reply.created, reply.model, options)
    body["choices"] = [_write_choice(choice, index) for index, choice in enumerate(reply.choices)]
    if reply.usage is not None:
        body["usage"] = usage.write(reply.usage, reply.service_tier, options)
    if reply.service_tier is not None:
        body["service_tier"] = in_openai_words(reply.service_tier)
    return json.encode({**body, **spread(reply.vendor)})


def head(name: str, created: int | None, model: str, options: ReplyOptions) -> dict[str, object]:
    """The members that an answer and all chunks of a stream begin with."""
    said = created if created is not None else options.created or 0
    return {"id": name, "object": OBJECT, "created": said, "model": options.model or model}


def _write_choice(choice: Choice, index: int) -> dict[str, object]:
    text = "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal))
    told = None if choice.logprobs is None else logprobs.write(choice.logprobs, 0)[0]
    return {
        "index": index,
        "text": text,
        "logprobs": told,
        **finish.write(choice.finish),
        **spread(choice.vendor),
    }
