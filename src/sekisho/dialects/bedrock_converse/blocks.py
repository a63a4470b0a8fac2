"""Content blocks -> parts, the same in requests and in answers. All raise BadRequest naming the field.

A cache point marks what stands before it: it becomes the mark of the part that it follows.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from sekisho.core.error import BadRequest
from sekisho.core.message import (
    Audio,
    CacheMark,
    Document,
    Image,
    Link,
    Opaque,
    Part,
    PlainText,
    Reasoning,
    RedactedReasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Vendor,
    Video,
)
from sekisho.dialects.bedrock_converse import formats, schema
from sekisho.dialects.bedrock_converse.formats import Kind
from sekisho.dialects.bedrock_converse.schema import NAME, string, union, vendor_of
from sekisho.wire import json, media, tool_json
from sekisho.wire.shape import Shape, missing_member

CACHE_POINT = "cachePoint"
CITATIONS = "citations"
FORMAT = "_format"
"""Of content in S3, whose media type the hub does not hold."""
JSON = "_json"
"""A tool's result that came as JSON instead of text."""
SOURCE = "source"
"""What a source says beyond the hub's: the owner of a bucket; a document's text in pieces, for how it is cut
decides what citations point at. No unknown member can have this name."""

_medium = Shape(schema.MediumIn)
_document = Shape(schema.DocumentIn)
_tool_use = Shape(schema.ToolUseIn)
_tool_result = Shape(schema.ToolResultIn)
_cache_point = Shape(schema.CachePointIn)
_reasoning = Shape(schema.ReasoningIn)
_cited = Shape(schema.CitedIn)


def read_content(items: Sequence[msgspec.Raw], path: str) -> tuple[tuple[Part, ...], CacheMark | None]:
    """The parts of a content list, and a mark that stands before all of them."""
    parts: list[Part] = []
    leading: CacheMark | None = None
    for index, raw in enumerate(items):
        place = f"{path}.{index}"
        name, value = union(raw, place)
        if name == CACHE_POINT:
            mark = read_mark(value, f"{place}.{name}")
            if parts:
                parts[-1] = msgspec.structs.replace(parts[-1], cache=mark)
            else:
                leading = mark
        else:
            parts.append(_read(name, value, raw, f"{place}.{name}"))
    return tuple(parts), leading


def read_block(raw: msgspec.Raw, path: str) -> Part:
    """One block; a kind that is not known becomes Opaque."""
    name, value = union(raw, path)
    return _read(name, value, raw, f"{path}.{name}")


def _read(name: str, value: msgspec.Raw, raw: msgspec.Raw, path: str) -> Part:
    reader = _READERS.get(name)
    return Opaque(dialect=NAME, type=name, raw=raw) if reader is None else reader(value, path)


def read_mark(raw: msgspec.Raw, path: str) -> CacheMark:
    return CacheMark(ttl=_cache_point.read(raw, path).ttl)


def read_arguments(raw: msgspec.Raw, path: str) -> str:
    """The JSON text of a call's `input`."""
    if not bytes(raw).startswith(b"{"):
        raise BadRequest(f"{path}: expected an object.", param=path)
    return tool_json.read_arguments(raw)


def _read_text(raw: msgspec.Raw, path: str) -> Part:
    return Text(text=string(raw, path))


def _read_image(raw: msgspec.Raw, path: str) -> Part:
    source, vendor = _read_medium("image", raw, path)
    return Image(source=source, vendor=vendor)


def _read_video(raw: msgspec.Raw, path: str) -> Part:
    source, vendor = _read_medium("video", raw, path)
    return Video(source=source, vendor=vendor)


def _read_audio(raw: msgspec.Raw, path: str) -> Part:
    source, vendor = _read_medium("audio", raw, path)
    return Audio(source=source, vendor=vendor)


def _read_medium(kind: Kind, raw: msgspec.Raw, path: str) -> tuple[Source, Vendor | None]:
    wire, rest = _medium.read_all(raw, path)
    source, notes = _read_source(kind, wire.format, wire.source, path)
    return source, vendor_of(rest, notes)


def _read_document(raw: msgspec.Raw, path: str) -> Part:
    wire, rest = _document.read_all(raw, path)
    notes: dict[str, msgspec.Raw] = {}
    if wire.source.text is not None or wire.source.content is not None:
        pieces = [piece.text for piece in wire.source.content or ()]
        source: Source = PlainText(text=wire.source.text if wire.source.text is not None else "".join(pieces))
        if wire.format not in (None, "txt"):
            notes[FORMAT] = json.raw(wire.format)
        if wire.source.text is None:
            notes[SOURCE] = json.raw({"content": [{"text": piece} for piece in pieces]})
    else:
        source, notes = _read_source("document", wire.format or "", wire.source, path)
    return Document(source=source, title=wire.name, context=wire.context, vendor=vendor_of(rest, notes))


def _read_source(
    kind: Kind, form: str, wire: schema.SourceIn, path: str
) -> tuple[Source, dict[str, msgspec.Raw]]:
    media_type = formats.media_type_of(kind, form)
    if media_type is None:
        raise BadRequest(f"{path}.format: Bedrock has no {kind} format {form!r}.", param=f"{path}.format")
    if wire.data is not None:
        return media.inline(media_type, wire.data, f"{path}.source.bytes"), {}
    if wire.s3 is None:
        raise missing_member(f"{path}.source.bytes")
    if not wire.s3.uri.startswith("s3://"):
        path = f"{path}.source.s3Location.uri"
        raise BadRequest(f"{path}: not an address in S3. Send one like s3://bucket/key.", param=path)
    notes = {FORMAT: json.raw(form)}
    if wire.s3.bucket_owner is not None:
        notes[SOURCE] = json.raw({"bucketOwner": wire.s3.bucket_owner})
    return Link(url=wire.s3.uri), notes


def _read_tool_use(raw: msgspec.Raw, path: str) -> Part:
    wire, rest = _tool_use.read_all(raw, path)
    if wire.type is not None:  # a tool that the model's provider runs
        return _opaque("toolUse", raw)
    if not wire.name:
        raise BadRequest(f"{path}.name: empty. Name the tool.", param=f"{path}.name")
    return ToolCall(
        id=wire.tool_use_id,
        name=wire.name,
        arguments=read_arguments(wire.input, f"{path}.input"),
        vendor=vendor_of(rest),
    )


def _read_tool_result(raw: msgspec.Raw, path: str) -> Part:
    wire, rest = _tool_result.read_all(raw, path)
    if wire.type is not None:
        return _opaque("toolResult", raw)
    parts = tuple(_read_result(item, f"{path}.content.{index}") for index, item in enumerate(wire.content))
    return ToolResult(
        call_id=wire.tool_use_id,
        parts=parts,
        is_error=wire.status == "error",
        vendor=vendor_of(rest),
    )


def _read_result(raw: msgspec.Raw, path: str) -> Part:
    name, value = union(raw, path)
    if name == "json":
        return Text(text=bytes(value).decode(), vendor={NAME: {JSON: msgspec.Raw(b"true")}})
    return _read(name, value, raw, f"{path}.{name}")


def _read_reasoning(raw: msgspec.Raw, path: str) -> Part:
    wire, rest = _reasoning.read_all(raw, path)
    if wire.reasoning_text is not None:
        said = wire.reasoning_text
        return Reasoning(text=said.text, signature=said.signature or None, vendor=vendor_of(rest))
    if wire.redacted_content is not None:
        return RedactedReasoning(data=wire.redacted_content, vendor=vendor_of(rest))
    return _opaque("reasoningContent", raw)


def _read_cited(raw: msgspec.Raw, path: str) -> Part:
    wire, rest = _cited.read_all(raw, path)
    notes = {CITATIONS: json.raw(wire.citations)} if wire.citations else {}
    return Text(text="".join(piece.text for piece in wire.content), vendor=vendor_of(rest, notes))


def _opaque(name: str, raw: msgspec.Raw) -> Opaque:
    return Opaque(dialect=NAME, type=name, raw=json.raw({name: raw}))


_READERS: Mapping[str, Callable[[msgspec.Raw, str], Part]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "video": _read_video,
    "audio": _read_audio,
    "toolUse": _read_tool_use,
    "toolResult": _read_tool_result,
    "reasoningContent": _read_reasoning,
    "citationsContent": _read_cited,
}
