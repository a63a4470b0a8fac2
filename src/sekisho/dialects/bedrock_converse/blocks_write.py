"""Parts -> content blocks, in requests.

A text block must hold more than white space (botocore issue 3525; "is blank", 2025-07), so that blank texts
are left out, named, where anything else is said.
"""

from collections.abc import Iterable, Iterator

import msgspec

from sekisho.core.loss import Losses
from sekisho.core.message import (
    Audio,
    CacheMark,
    Document,
    Image,
    Inline,
    Link,
    Opaque,
    Part,
    PlainText,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from sekisho.dialects.bedrock_converse import formats, schema
from sekisho.dialects.bedrock_converse.blocks import (
    CACHE_POINT,
    FORMAT,
    JSON,
    SOURCE,
)
from sekisho.dialects.bedrock_converse.documents import Names
from sekisho.dialects.bedrock_converse.families import Family
from sekisho.dialects.bedrock_converse.formats import Kind
from sekisho.dialects.bedrock_converse.schema import NAME, Block, own, spread
from sekisho.wire import json, media, tool_json
from sekisho.wire.json import members_of

Placed = tuple[str, Part]
"""A part and its path in hub terms."""

NOTHING = "(no content)"
"""Where a turn or a failed tool says nothing: the API refuses empty ones, and roles must alternate."""


class Writing:
    """One request that is being written."""

    __slots__ = ("family", "losses", "names")

    def __init__(self, family: Family) -> None:
        self.family = family
        self.losses = Losses(NAME)
        self.names = Names()


def write_content(parts: Iterable[Placed], writing: Writing) -> list[Block]:
    """The blocks of a turn or of the instructions, cache points among them."""
    blocks: list[Block] = []
    for path, part in parts:
        block = write_part(path, part, writing)
        if block is not None:
            blocks.append(block)
        if part.cache is not None and (block is not None or (_blank(part) and blocks)):
            blocks += write_mark(part.cache, f"{path}.cache", writing)
    return blocks


def write_part(path: str, part: Part, writing: Writing) -> Block | None:
    """None, and a loss, for what has no block."""
    if _blank(part):
        if part.text:  # type: ignore[union-attr]  # what is blank is a text
            writing.losses.knob(path, "Bedrock takes no text of nothing but white space")
        elif part.cache is not None:
            writing.losses.knob(f"{path}.cache", "the mark of an empty text")
        return None
    block = _write(path, part, writing)
    if block is not None:
        writing.losses.foreign(path, part.vendor)
    return block


def write_mark(mark: CacheMark, path: str, writing: Writing) -> list[Block]:
    """The cache point after what is marked, or none and a loss."""
    if not writing.family.cache_points:
        writing.losses.knob(path, "Bedrock caches no prompts for this model")
        return []
    point: dict[str, object] = {"type": "default"}
    if mark.ttl is not None:
        if writing.family.long_cache:
            point["ttl"] = mark.ttl
        else:
            writing.losses.knob(path, "this model's cache has one lifetime only")
    return [{CACHE_POINT: point}]


def write_text(part: Text) -> dict[str, object]:
    """A text, with its citations where it has some."""
    kept = spread(part.vendor)
    if not kept:
        return {"text": part.text}
    return {"citationsContent": {"content": [{"text": part.text}], **kept}}


def write_inline(kind: Kind, source: Inline) -> dict[str, object] | None:
    """An image or the like by its content; None for a media type that Bedrock does not take."""
    form = formats.format_of(kind, source.media_type)
    return None if form is None else {"format": form, "source": {"bytes": source.data}}


def write_call(part: ToolCall) -> dict[str, object]:
    body = {"toolUseId": part.id, "name": part.name, "input": tool_json.write_arguments(part.arguments)}
    return {"toolUse": {**body, **spread(part.vendor)}}


def write_reasoning(part: Reasoning) -> dict[str, object]:
    said = {"text": part.text} if part.signature is None else {"text": part.text, "signature": part.signature}
    return {"reasoningContent": {"reasoningText": said, **spread(part.vendor)}}


def write_redacted(part: RedactedReasoning) -> dict[str, object] | None:
    """None where it is not base64, as whatever Bedrock encrypted is."""
    if not media.is_base64(part.data):
        return None
    return {"reasoningContent": {"redactedContent": part.data, **spread(part.vendor)}}


def _blank(part: Part) -> bool:
    return isinstance(part, Text | Refusal) and not part.text.strip()


def _write(path: str, part: Part, writing: Writing) -> Block | None:
    match part:
        case Text():
            return write_text(part)
        case Refusal(text=text):
            return {"text": text}
        case Image() | Video() | Audio():
            return _write_medium(path, part, writing)
        case Document():
            return _write_document(path, part, writing)
        case ToolCall() | ToolResult():
            return _write_of_tool(path, part, writing)
        case Reasoning() | RedactedReasoning():
            return _write_thinking(path, part, writing)
        case Opaque(dialect=dialect, type=kind, raw=raw):
            if dialect == NAME:
                return raw
            writing.losses.content(path, f"only the dialect {dialect} knows a part of type {kind}")
            return None


def _write_medium(path: str, part: Image | Video | Audio, writing: Writing) -> Block | None:
    kind: Kind = "image" if isinstance(part, Image) else "video" if isinstance(part, Video) else "audio"
    body = _write_source(path, kind, part, writing)
    if body is None:
        return None
    if isinstance(part, Image) and part.detail is not None:
        writing.losses.knob(f"{path}.detail", "Bedrock chooses the resolution itself")
    if isinstance(part, Audio) and part.transcript is not None:
        writing.losses.knob(f"{path}.transcript", "audio has no transcript beside it")
    return {kind: {**body, **_rest(part)}}


def _write_document(path: str, part: Document, writing: Writing) -> Block | None:
    if isinstance(part.source, PlainText):
        noted = own(part.vendor)
        form = schema.text.decode(noted[FORMAT]) if FORMAT in noted else "txt"
        source: dict[str, object] = {"text": part.source.text}
        if SOURCE in noted:
            source = {**members_of(noted[SOURCE])}
        body: dict[str, object] | None = {"format": form, "source": source}
    else:
        body = _write_source(path, "document", part, writing)
    if body is None:
        return None
    body["name"] = writing.names.give(part.title, f"{path}.title", writing.losses)
    if part.context is not None:
        body["context"] = part.context
    return {"document": {**body, **_rest(part)}}


def _write_source(
    path: str, kind: Kind, part: Image | Video | Audio | Document, writing: Writing
) -> dict[str, object] | None:
    source: Source = part.source
    if isinstance(source, Inline):
        body = write_inline(kind, source)
        if body is None:
            writing.losses.content(path, f"Bedrock takes no {kind} of type {source.media_type}")
        return body
    if isinstance(source, Link) and source.url.startswith("s3://"):
        noted = own(part.vendor)
        form = (
            schema.text.decode(noted[FORMAT]) if FORMAT in noted else formats.format_of_name(kind, source.url)
        )
        if form is not None:
            place: dict[str, object] = {"uri": source.url}
            if SOURCE in noted:
                place |= members_of(noted[SOURCE])
            return {"format": form, "source": {"s3Location": place}}
    writing.losses.content(path, f"Bedrock takes {kind} content itself or a place in S3, nothing else")
    return None


def _rest(part: Part) -> dict[str, msgspec.Raw]:
    return {name: raw for name, raw in spread(part.vendor).items() if name != SOURCE}


def _write_of_tool(path: str, part: ToolCall | ToolResult, writing: Writing) -> Block | None:
    if isinstance(part, ToolResult):
        return _write_result(path, part, writing)
    if part.custom:
        writing.losses.content(path, "Bedrock has no tools with free text as input")
        return None
    if part.signature is not None:
        writing.losses.knob(f"{path}.signature", "a call has no signature")
    return write_call(part)


def _write_result(path: str, part: ToolResult, writing: Writing) -> Block:
    content = list(_write_results(path, part.parts, writing))
    if part.is_error and not content:
        content = [{"text": NOTHING}]
    body: dict[str, object] = {"toolUseId": part.call_id, "content": content}
    if part.is_error:
        body["status"] = "error"
    return {"toolResult": {**body, **spread(part.vendor)}}


def _write_results(path: str, parts: tuple[Part, ...], writing: Writing) -> Iterator[Block]:
    for number, part in enumerate(parts):
        place = f"{path}.parts.{number}"
        if part.cache is not None:
            writing.losses.knob(f"{place}.cache", "a cache point stands behind the whole result")
        if isinstance(part, Text) and JSON in own(part.vendor) and _is_json(part.text):
            yield {"json": msgspec.Raw(part.text.encode())}
        elif isinstance(part, Text | Refusal):  # may be blank here
            writing.losses.foreign(place, part.vendor)
            yield {"text": part.text}
        elif isinstance(part, Image | Document | Video | Opaque):
            block = write_part(place, part, writing)
            if block is not None:
                yield block
        else:
            writing.losses.content(place, "a tool's result cannot hold it")


def _is_json(text: str) -> bool:
    try:
        json.decode(text.encode())
    except msgspec.DecodeError:
        return False
    return True


def _write_thinking(path: str, part: Reasoning | RedactedReasoning, writing: Writing) -> Block | None:
    if not writing.family.takes_thinking:
        writing.losses.knob(path, "this model takes no earlier thinking back")
        return None
    if isinstance(part, RedactedReasoning):
        redacted = write_redacted(part)
        if redacted is None:
            writing.losses.knob(path, "not thinking that Bedrock encrypted")
        return redacted
    if writing.family.claude and part.signature is None:
        writing.losses.knob(path, "Claude takes back only thinking that it signed")
        return None
    return write_reasoning(part)
