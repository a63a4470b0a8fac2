"""Content blocks <-> parts, the same in requests and in answers."""

from collections.abc import Callable, Mapping

import msgspec

from sekisho.core.error import BadRequest
from sekisho.core.loss import Losses
from sekisho.core.message import (
    Audio,
    CacheMark,
    Document,
    FileRef,
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
from sekisho.dialects.anthropic_messages import schema
from sekisho.dialects.anthropic_messages.schema import NAME, spread, vendor_of
from sekisho.wire import media, tool_json
from sekisho.wire.json import members_of
from sekisho.wire.shape import leading_type

Block = dict[str, object] | msgspec.Raw

_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""https://platform.claude.com/docs/en/build-with-claude/vision (2026-11)."""

# --- reading --------------------------------------------------------------------------------------


def read_content(content: schema.Blocks, path: str) -> tuple[Part, ...]:
    """The parts of a `content` or `system` member. Raises BadRequest."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(read_part(raw, f"{path}.{index}") for index, raw in enumerate(content))


def read_part(raw: msgspec.Raw, path: str) -> Part:
    """One block; a type that is not known becomes Opaque. Raises BadRequest."""
    kind = leading_type(raw) or schema.kind.read(raw, path).type
    reader = _READERS.get(kind)
    return Opaque(dialect=NAME, type=kind, raw=raw) if reader is None else reader(raw, path)


def read_mark(control: schema.CacheControl | None) -> CacheMark | None:
    return None if control is None else CacheMark(ttl=control.ttl)


def _read_text(raw: msgspec.Raw, path: str) -> Part:
    block, rest = schema.text_block.read_all(raw, path)
    if bytes(rest.get("citations", b"")) == b"[]":
        del rest["citations"]  # streams begin every text with it; it says as little as null
    return Text(text=block.text, cache=read_mark(block.cache_control), vendor=vendor_of(rest))


def _read_image(raw: msgspec.Raw, path: str) -> Part:
    block, rest = schema.image.read_all(raw, path)
    source = _read_source(block.source, path)
    return Image(source=source, cache=read_mark(block.cache_control), vendor=vendor_of(rest))


def _read_document(raw: msgspec.Raw, path: str) -> Part:
    block, rest = schema.document.read_all(raw, path)
    if isinstance(block.source, schema.ContentSource):
        parts = read_content(block.source.content, f"{path}.source.content")
        if not all(isinstance(part, Text) for part in parts):
            return Opaque(dialect=NAME, type="document", raw=raw)
        plain = "\n".join(part.text for part in parts if isinstance(part, Text))
        source: Source = PlainText(text=plain)
        # How the text is cut into blocks decides what citations point at.
        rest["source"] = members_of(raw)["source"]
    else:
        source = _read_source(block.source, path)
    return Document(
        source=source,
        title=block.title,
        context=block.context,
        cache=read_mark(block.cache_control),
        vendor=vendor_of(rest),
    )


def _read_source(
    source: schema.Base64Source | schema.UrlSource | schema.FileSource | schema.TextSource,
    path: str,
) -> Source:
    match source:
        case schema.Base64Source():
            return media.inline(source.media_type, source.data, f"{path}.source.data")
        case schema.UrlSource():
            return Link(url=source.url)
        case schema.FileSource():
            return FileRef(id=source.file_id)
        case schema.TextSource():
            return PlainText(text=source.data)


def _read_tool_use(raw: msgspec.Raw, path: str) -> Part:
    block, rest = schema.tool_use.read_all(raw, path)
    if not bytes(block.input).startswith(b"{"):
        raise BadRequest(f"{path}.input: expected an object.", param=f"{path}.input")
    if leading_type(rest.get("caller", msgspec.Raw())) == "direct":
        del rest["caller"]  # as good as none
    if not block.name:
        raise BadRequest(f"{path}.name: empty. Name the tool.", param=f"{path}.name")
    return ToolCall(
        id=block.id,
        name=block.name,
        arguments=tool_json.read_arguments(block.input),
        cache=read_mark(block.cache_control),
        vendor=vendor_of(rest),
    )


def _read_tool_result(raw: msgspec.Raw, path: str) -> Part:
    block, rest = schema.tool_result.read_all(raw, path)
    return ToolResult(
        call_id=block.tool_use_id,
        parts=() if block.content is None else read_content(block.content, f"{path}.content"),
        is_error=bool(block.is_error),
        cache=read_mark(block.cache_control),
        vendor=vendor_of(rest),
    )


def _read_thinking(raw: msgspec.Raw, path: str) -> Part:
    block, rest = schema.thinking_block.read_all(raw, path)
    return Reasoning(text=block.thinking, signature=block.signature or None, vendor=vendor_of(rest))


def _read_redacted(raw: msgspec.Raw, path: str) -> Part:
    block, rest = schema.redacted.read_all(raw, path)
    return RedactedReasoning(data=block.data, vendor=vendor_of(rest))


_READERS: Mapping[str, Callable[[msgspec.Raw, str], Part]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
}


# --- writing --------------------------------------------------------------------------------------


def write_part(part: Part, path: str, losses: Losses) -> Block | None:
    """The block of a part, `path` being its place in hub terms. None, and a loss, where there is none."""
    block = _write(part, path, losses)
    if isinstance(block, dict):
        if part.cache is not None:
            if isinstance(part, Reasoning | RedactedReasoning):
                losses.knob(f"{path}.cache", "thinking cannot be marked for the cache")
            else:
                block["cache_control"] = write_mark(part.cache)
        block.update(spread(part.vendor))
        losses.foreign(path, part.vendor)
    return block


def write_content(parts: tuple[Part, ...], path: str, losses: Losses) -> str | list[Block]:
    """A `content` or `system` member: a plain string for one plain text, else blocks.

    An empty text beside other parts is left out: the API refuses it, and it says nothing.
    """
    if len(parts) == 1 and isinstance(parts[0], Text) and parts[0].cache is None and not parts[0].vendor:
        return parts[0].text
    written = [
        write_part(part, f"{path}.{index}", losses)
        for index, part in enumerate(parts)
        if not (isinstance(part, Text) and not part.text and part.cache is None and len(parts) > 1)
    ]
    return [block for block in written if block is not None]


def write_mark(mark: CacheMark) -> dict[str, object]:
    return {"type": "ephemeral"} if mark.ttl is None else {"type": "ephemeral", "ttl": mark.ttl}


def _write(part: Part, path: str, losses: Losses) -> Block | None:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"type": "text", "text": text}
        case Image():
            return _write_image(part, path, losses)
        case Document():
            return _write_document(part, path, losses)
        case ToolCall():
            return _write_call(part, path, losses)
        case ToolResult():
            return _write_result(part, path, losses)
        case Reasoning():
            return _write_reasoning(part, path, losses)
        case RedactedReasoning():
            return {"type": "redacted_thinking", "data": part.data}
        case Audio() | Video() | Opaque():
            return _write_foreign(part, path, losses)


def _write_foreign(part: Audio | Video | Opaque, path: str, losses: Losses) -> Block | None:
    if not isinstance(part, Opaque):
        losses.content(path, "Anthropic takes neither audio nor video")
        return None
    if part.dialect == NAME:
        return part.raw
    losses.content(path, f"only the dialect {part.dialect} knows a part of type {part.type}")
    return None


def _write_image(part: Image, path: str, losses: Losses) -> Block | None:
    if isinstance(part.source, PlainText):
        losses.content(path, "an image cannot come from plain text")
        return None
    if isinstance(part.source, Inline) and part.source.media_type not in _IMAGE_TYPES:
        losses.content(
            path, f"Anthropic takes images as {', '.join(_IMAGE_TYPES)}, not as {part.source.media_type[:40]}"
        )
        return None
    if part.detail is not None:
        losses.knob(f"{path}.detail", "Anthropic chooses the resolution itself")
    return {"type": "image", "source": _write_source(part.source)}


def _write_document(part: Document, path: str, losses: Losses) -> Block | None:
    if isinstance(part.source, Inline) and part.source.media_type != "application/pdf":
        losses.content(path, f"Anthropic takes PDF and plain text, not {part.source.media_type}")
        return None
    block: dict[str, object] = {"type": "document", "source": _write_source(part.source)}
    if part.title is not None:
        block["title"] = part.title
    if part.context is not None:
        block["context"] = part.context
    return block


def _write_source(source: Source) -> dict[str, object]:
    match source:
        case Inline():
            return {"type": "base64", "media_type": source.media_type, "data": source.data}
        case Link():
            return {"type": "url", "url": source.url}
        case FileRef():
            return {"type": "file", "file_id": source.id}
        case PlainText():
            return {"type": "text", "media_type": "text/plain", "data": source.text}


def _write_call(part: ToolCall, path: str, losses: Losses) -> Block | None:
    if part.custom:
        losses.content(path, "Anthropic has no tools with free text as input")
        return None
    if part.signature is not None:
        losses.knob(f"{path}.signature", "Anthropic signs no calls")
    return {
        "type": "tool_use",
        "id": part.id,
        "name": part.name,
        "input": tool_json.write_arguments(part.arguments),
    }


def _write_result(part: ToolResult, path: str, losses: Losses) -> Block:
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": part.call_id}
    if part.parts:
        block["content"] = write_content(part.parts, f"{path}.parts", losses)
    if part.is_error:
        block["is_error"] = True
    return block


def _write_reasoning(part: Reasoning, path: str, losses: Losses) -> Block | None:
    if part.signature is None:
        losses.knob(path, "Anthropic takes back only thinking that it signed")
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}
