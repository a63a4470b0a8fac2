"""The hub's parts as content parts of a request, with what OpenAI cannot say reported as losses."""

import msgspec

from sekisho.core.contract import Members, TargetFacts
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
    Refusal,
    Source,
    Text,
    ToolCall,
    Vendor,
    Video,
)
from sekisho.dialects.openai_chat import signatures
from sekisho.dialects.openai_chat.parts import CACHE_CONTROL, FILE_URL, NO_FILENAME, VIDEO_URL
from sekisho.dialects.openai_chat.shape import NAME, own, spread
from sekisho.wire import media
from sekisho.wire.json import members_of
from sekisho.wire.openai_request import file_name, write_audio

Item = dict[str, object]


class Writing(Losses):
    """One request on its way out: for whom, and what could not be said."""

    __slots__ = ("facts",)

    def __init__(self, facts: TargetFacts) -> None:
        super().__init__(NAME)
        self.facts = facts

    def mark(self, path: str, cache: CacheMark | None, vendor: Vendor | None) -> Members:
        """A cache mark's member: as it came, or for an endpoint that is known to take marks.

        OpenAI caches by itself and refuses members it does not know, so other marks are dropped.
        """
        note = own(vendor).get(CACHE_CONTROL)
        if note is not None:
            members: Members = members_of(note)
            return members
        if cache is None:
            return {}
        if "cache_control" not in self.facts.extensions:
            self.knob(f"{path}.cache" if path else "cache", "the endpoint takes no cache marks")
            return {}
        ttl = f',"ttl":"{cache.ttl}"' if cache.ttl else ""
        return {"cache_control": msgspec.Raw(f'{{"type":"ephemeral"{ttl}}}'.encode())}


def write_content(parts: list[tuple[str, Part]], writing: Writing) -> str | list[object]:
    """`content` of (path, part) pairs: a bare string where that says it all."""
    items = write_items(parts, writing)
    if not items:
        return ""
    if len(items) == 1 and isinstance(items[0], dict) and items[0].keys() == {"type", "text"}:
        return str(items[0]["text"])
    return items


def write_items(parts: list[tuple[str, Part]], writing: Writing) -> list[object]:
    """The content parts of (path, part) pairs."""
    return [item for path, part in parts if (item := write_part(part, path, writing)) is not None]


def write_part(part: Part, path: str, writing: Writing) -> object | None:
    """One content part, or None where OpenAI has no place for it."""
    if isinstance(part, Opaque):
        if part.dialect == NAME:
            return part.raw
        writing.content(path, f"a part that only {part.dialect} understands")
        return None
    item = _body(part, path, writing)
    if item is None:
        return None
    writing.foreign(path, part.vendor)
    return {**item, **writing.mark(path, part.cache, part.vendor), **spread(part.vendor), **item}


def _body(part: Part, path: str, writing: Writing) -> Item | None:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Refusal(text=text):
            return {"type": "refusal", "refusal": text}
        case Image():
            return write_image(part, path, writing)
        case Document():
            return _document(part, path, writing)
        case Audio():
            return write_audio(part, path, writing)
        case Video():
            return _video(part, path, writing)
    writing.content(path, "no place for it in a message of this role")
    return None


def write_image(part: Image, path: str, writing: Writing) -> Item | None:
    url = source_url(part.source)
    if url is None:
        writing.content(path, "images go by URL or as data, not by a file's id")
        return None
    image: Item = {"url": url} if part.detail is None else {"url": url, "detail": part.detail}
    return {"type": "image_url", "image_url": image}


def source_url(source: Source) -> str | None:
    """The source as a URL (`data:` for inline content), or None where it is none."""
    match source:
        case Inline():
            return media.data_url(source)
        case Link(url=url):
            return url
    return None


def _document(part: Document, path: str, writing: Writing) -> Item | None:
    if part.context is not None:
        writing.knob(f"{path}.context", "files have no context")
    title: Item = {} if part.title is None else {"filename": part.title}
    match part.source:
        case PlainText(text=text):
            # OpenAI's advice for text files: Chat Completions takes only PDF (checked 2026-11-22)
            if part.title is not None:
                writing.knob(f"{path}.title", "text has no title")
            return {"type": "text", "text": text}
        case FileRef(id=file_id):
            return {"type": "file", "file": {"file_id": file_id, **title}}
        case Link(url=url):
            if FILE_URL in own(part.vendor) or "file_url" in writing.facts.extensions:
                return {"type": "file", "file": {**title, "file_data": url}}
            writing.content(path, "files go as data or by id, not by URL")
            return None
        case Inline():
            if NO_FILENAME not in own(part.vendor):
                title = {"filename": file_name(part, part.source)}
            return {"type": "file", "file": {**title, "file_data": source_url(part.source)}}


def _video(part: Video, path: str, writing: Writing) -> Item | None:
    kept = own(part.vendor)
    if VIDEO_URL not in kept and "video_url" not in writing.facts.extensions:
        writing.content(path, "the endpoint is not known to take video")
        return None
    url = source_url(part.source)
    if url is None:
        writing.content(path, "videos go by URL or as data, not by a file's id")
        return None
    rest: Members = members_of(kept["video_url"]) if "video_url" in kept else {}
    return {"type": "video_url", "video_url": {"url": url, **rest}}


def write_call(call: ToolCall, *, signed: bool = True) -> Item:
    """One of `tool_calls`, without an index; with its signature for clients and for who wants it back."""
    if call.custom:
        body: Item = {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    else:
        body = {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    signature = signatures.write(call) if signed else {}
    return {"id": call.id, **body, **spread(call.vendor), **signature}
