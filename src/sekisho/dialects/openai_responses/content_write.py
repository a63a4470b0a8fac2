"""The hub's parts as content parts of a request, with what OpenAI cannot say reported as losses."""

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
    Vendor,
)
from sekisho.dialects.openai_responses.content import CACHE, NO_DETAIL, NO_FILENAME
from sekisho.dialects.openai_responses.shape import NAME, own, spread
from sekisho.wire import json, media
from sekisho.wire.openai_request import file_name, write_audio

Item = dict[str, object]
Placed = tuple[str, Part]
"""A part and its path in hub terms."""

BREAKPOINT = "prompt_cache_breakpoint"


class Writing(Losses):
    """One request on its way out: for whom, and what could not be said."""

    __slots__ = ("facts",)

    def __init__(self, facts: TargetFacts) -> None:
        super().__init__(NAME)
        self.facts = facts

    def mark(self, path: str, cache: CacheMark | None, vendor: Vendor | None) -> Members:
        """A cache mark's member: as it came, or for an endpoint that is known to take marks."""
        note = own(vendor).get(CACHE)
        if note is not None:
            return {BREAKPOINT: note}
        if cache is None:
            return {}
        if BREAKPOINT not in self.facts.extensions:
            self.unmarked(path, cache)
            return {}
        if cache.ttl is not None:
            self.knob(f"{path}.cache", "sent with the endpoint's own lifetime")
        return {BREAKPOINT: json.raw({"mode": "explicit"})}

    def unmarked(self, path: str, cache: CacheMark | None) -> None:
        """Names a mark on something that takes none."""
        if cache is not None:
            self.knob(f"{path}.cache" if path else "cache", "the endpoint takes no cache marks there")


def write(parts: list[Placed], writing: Writing) -> str | list[object]:
    """A `content` or `output` member: a bare string where that says it all."""
    written = [item for path, part in parts if (item := _part(part, path, writing)) is not None]
    if not written:
        return ""
    first = written[0]
    if len(written) == 1 and isinstance(first, dict) and first.keys() == {"type", "text"}:
        return str(first["text"])
    return written


def _part(part: Part, path: str, writing: Writing) -> object | None:
    if isinstance(part, Opaque):
        if part.dialect == NAME:
            return part.raw
        writing.content(path, f"a part that only {part.dialect} understands")
        return None
    item = _body(part, path, writing)
    if item is None:
        return None
    writing.foreign(path, part.vendor)
    return {**item, **writing.mark(path, part.cache, part.vendor), **spread(part.vendor)}


def _body(part: Part, path: str, writing: Writing) -> Item | None:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"type": "input_text", "text": text}
        case Image():
            return _image(part, path, writing)
        case Document():
            return _document(part, path, writing)
        case Audio():
            return write_audio(part, path, writing)
    writing.content(path, "no place for it in a message of this role")
    return None


def _image(part: Image, path: str, writing: Writing) -> Item | None:
    place = _place(part.source)
    if place is None:
        writing.content(path, "an image cannot come from plain text")
        return None
    item: Item = {"type": "input_image", **place}
    if part.detail is not None or NO_DETAIL not in own(part.vendor):
        item["detail"] = part.detail or "auto"
    return item


def _place(source: Source) -> Item | None:
    match source:
        case Inline():
            return {"image_url": media.data_url(source)}
        case Link(url=url):
            return {"image_url": url}
        case FileRef(id=file_id):
            return {"file_id": file_id}
    return None


def _document(part: Document, path: str, writing: Writing) -> Item | None:
    if part.context is not None:
        writing.knob(f"{path}.context", "files have no context")
    title: Item = {} if part.title is None else {"filename": part.title}
    match part.source:
        case PlainText(text=text):
            if part.title is not None:
                writing.knob(f"{path}.title", "text has no title")
            return {"type": "input_text", "text": text}
        case FileRef(id=file_id):
            return {"type": "input_file", "file_id": file_id, **title}
        case Link(url=url):
            return {"type": "input_file", "file_url": url, **title}
        case Inline():
            if NO_FILENAME not in own(part.vendor):
                title = {"filename": file_name(part, part.source)}
            return {"type": "input_file", **title, "file_data": media.data_url(part.source)}
