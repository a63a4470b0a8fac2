"""A whole answer: `chat.completion` <-> the hub's reply."""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import ReplyOptions
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.message import Audio, Image, Inline, Part, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Reply
from sekisho.dialects.openai_chat import errors, reasoning, signatures, usage
from sekisho.dialects.openai_chat.parts import AUDIO_TYPE, arguments, call_shape, read_image
from sekisho.dialects.openai_chat.parts_write import source_url, write_call
from sekisho.dialects.openai_chat.schema import (
    WireAudioAnswer,
    WireChoice,
    WireKind,
    WireMessage,
    WireReply,
    WireText,
)
from sekisho.dialects.openai_chat.shape import NAME, own, spread, vendor_of
from sekisho.wire import json
from sekisho.wire import openai_finish as finish
from sekisho.wire.counts import in_openai_words
from sekisho.wire.json import members_of
from sekisho.wire.media import is_base64
from sekisho.wire.openai_tap import FINGERPRINT
from sekisho.wire.shape import BROKEN, Shape, given, refuse_bad_text

MESSAGE = "message"
"""The vendor member of a choice that holds its message's unknown members."""

_reply = Shape(WireReply)
_choice = Shape(WireChoice)
_message = Shape(WireMessage)
audio_shape = Shape(WireAudioAnswer)
_kind = Shape(WireKind)
_text = Shape(WireText)


class _Thinking(msgspec.Struct):
    """Mistral's content part of that type."""

    thinking: str | list[WireText] = ""


_thinking = msgspec.json.Decoder(_Thinking)


def read(body: bytes) -> Reply:
    """Raises Malformed, or the UpstreamError that a body of status 200 carries."""
    try:
        refuse_bad_text(body)
        wire = _reply.decode(body)
        if given(wire.error) is not None or not wire.choices:
            raise errors.in_answer(body)
        choices = tuple(_read_choice(raw, wire.id or "") for raw in wire.choices)
        rest = _reply.rest(body)
    except (*BROKEN, BadRequest) as error:
        raise Malformed(f"not a chat completion: {error}") from None
    return Reply(
        id=wire.id or "",
        model=wire.model or "",
        choices=choices,
        usage=usage.read(wire.usage),
        created=None if wire.created is None else int(wire.created),
        service_tier=wire.service_tier,
        vendor=vendor_of(rest),
    )


def _read_choice(raw: msgspec.Raw, reply_id: str) -> Choice:
    wire, rest = _choice.decode_all(raw)
    if given(wire.error) is not None:
        raise errors.in_answer(raw)
    failed = finish.failure(wire.finish_reason)
    if failed is not None:
        raise failed
    if given(wire.message) is None:
        raise Malformed("a choice without a message")
    unknown = _message.rest(wire.message)
    annotations = unknown.pop("annotations", None)
    parts = _read_parts(_message.decode(wire.message), reply_id)
    if annotations is not None and bytes(annotations) != b"[]":
        parts = [_annotated(part, annotations) for part in parts]
    if unknown:
        rest[MESSAGE] = json.raw(unknown)
    return Choice(
        parts=tuple(parts),
        finish=finish.read(wire.finish_reason, wire.native_finish_reason, wire.stop_reason),
        logprobs=logprobs(wire.logprobs),
        vendor=vendor_of(rest),
    )


def _read_parts(wire: WireMessage, reply_id: str) -> list[Part]:
    details = [(raw, reasoning.detail_shape.decode(raw)) for raw in wire.reasoning_details or ()]
    parts = reasoning.of_message(wire.reasoning_content, wire.reasoning, details)
    for member, text in pieces(wire.content):
        parts.append(reasoning.by_member(member, text) if member else Text(text=text))
    if wire.refusal:
        parts.append(Refusal(text=wire.refusal))
    parts += [read_call(raw, f"call_{number}_{reply_id}") for number, raw in enumerate(wire.tool_calls or ())]
    if given(wire.audio) is not None:
        parts.append(read_audio(wire.audio))
    parts += [read_image(raw, "images") for raw in wire.images or ()]
    return parts


def pieces(content: str | list[msgspec.Raw] | None) -> list[tuple[str, str]]:
    """(member of thinking or empty, text) of an answer's `content`, which Mistral may send in parts."""
    if not content:
        return []
    if isinstance(content, str):
        return [("", content)]
    found: list[tuple[str, str]] = []
    for raw in content:
        kind = _kind.decode(raw).type
        if kind == "text":
            found.append(("", _text.decode(raw).text))
        elif kind == "thinking":
            thinking = _thinking.decode(raw).thinking
            text = thinking if isinstance(thinking, str) else "".join(piece.text for piece in thinking)
            found.append(("reasoning_content", text))
    return [(member, text) for member, text in found if text]


def read_call(raw: msgspec.Raw, spare_id: str) -> ToolCall:
    """A whole tool call of an answer; `spare_id` stands in where a server gives it none."""
    wire = call_shape.decode(raw)
    signature, notes = signatures.read(wire.extra_content)
    vendor = vendor_of(call_shape.rest(raw), notes)
    call_id = wire.id or spare_id
    if wire.custom is not None and wire.custom.name:
        text, name = wire.custom.input or "", wire.custom.name
        return ToolCall(
            id=call_id, name=name, arguments=text, custom=True, signature=signature, vendor=vendor
        )
    if wire.function is None or not wire.function.name:
        raise Malformed("a tool call without a name")
    text = arguments(wire.function.arguments)
    return ToolCall(id=call_id, name=wire.function.name, arguments=text, signature=signature, vendor=vendor)


def logprobs(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Log probabilities, where they are what every client expects them to be: an object."""
    return raw if bytes(raw).startswith(b"{") else None


def read_audio(raw: msgspec.Raw) -> Audio:
    """The `audio` that a model spoke. Raises Malformed."""
    wire = audio_shape.decode(raw)
    if wire.data and not is_base64(wire.data):
        raise Malformed("audio that is not base64")
    rest = audio_shape.rest(raw)
    if wire.id is not None:
        rest["id"] = json.raw(wire.id)
    source = Inline(media_type=AUDIO_TYPE, data=wire.data or "")
    return Audio(source=source, transcript=wire.transcript, vendor=vendor_of(rest))


def _annotated(part: Part, annotations: msgspec.Raw) -> Part:
    """Citations belong to the text that they cite."""
    if not isinstance(part, Text):
        return part
    return msgspec.structs.replace(part, vendor={NAME: {"annotations": annotations}})


# --- writing ---------------------------------------------------------------------------------------


def write(reply: Reply, options: ReplyOptions) -> bytes:
    """A `chat.completion` body."""
    choices = [_write_choice(choice, index) for index, choice in enumerate(reply.choices)]
    body: dict[str, object] = {
        "id": reply.id,
        "object": "chat.completion",
        "created": created(reply.created, options),
        "model": options.model or reply.model,
        "choices": choices,
    }
    if options.cost is not None:
        body[FINGERPRINT] = None
    if reply.usage is not None:
        body["usage"] = usage.write(reply.usage, reply.service_tier, options)
    if reply.service_tier is not None:
        body["service_tier"] = in_openai_words(reply.service_tier)
    return json.encode({**body, **spread(reply.vendor)})


def created(said: int | None, options: ReplyOptions) -> int:
    """The member that every answer must have: the provider's time, else ours, else 0."""
    if said is not None:
        return said
    return options.created or 0


def _write_choice(choice: Choice, index: int) -> dict[str, object]:
    rest = spread(choice.vendor)
    more = rest.pop(MESSAGE, None)
    message = write_message(choice.parts)
    if more is not None:
        message |= members_of(more)
    return {
        "index": index,
        "message": message,
        "logprobs": choice.logprobs,
        **finish.write(choice.finish),
        **rest,
    }


def write_message(parts: Sequence[Part]) -> dict[str, object]:
    """An answer's assistant message. Other dialects' opaque parts have no place in it."""
    texts = [part for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    thoughts = [part for part in parts if reasoning.belongs(part)]
    calls = [write_call(part) for part in parts if isinstance(part, ToolCall)]
    images = [image for part in parts if isinstance(part, Image) and (image := write_image(part)) is not None]
    audios = [write_audio(part) for part in parts if isinstance(part, Audio)]
    said = "".join(part.text for part in texts)
    message: dict[str, object] = {
        "role": "assistant",
        "content": said if texts or not (refusals or calls or images or audios) else None,
        "refusal": "".join(refusals) if refusals else None,
        **reasoning.write(thoughts, for_client=True),
    }
    for part in texts:
        message |= spread(part.vendor)
    for name, found in (("tool_calls", calls), ("images", images)):
        if found:
            message[name] = found
    if audios:
        message["audio"] = audios[0]
    return message


def write_image(part: Image) -> dict[str, object] | None:
    """An image that a model made, as OpenRouter's `images` hold it."""
    url = source_url(part.source)
    return None if url is None else {"type": "image_url", "image_url": {"url": url}, **spread(part.vendor)}


def write_audio(part: Audio) -> dict[str, object]:
    """The `audio` that a model spoke."""
    data = part.source.data if isinstance(part.source, Inline) else ""
    spoken: dict[str, object] = {"data": data, "transcript": part.transcript or ""}
    return {**own(part.vendor), **spoken}
