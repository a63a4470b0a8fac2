"""Content parts of messages and of tools' outputs, read into the hub's parts."""

from collections.abc import Callable

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import (
    Audio,
    CacheMark,
    Document,
    FileRef,
    Image,
    Link,
    Opaque,
    Part,
    Refusal,
    Source,
    Text,
)
from sekisho.dialects.openai_responses.schema import (
    WireAudio,
    WireFile,
    WireImage,
    WireKind,
    WireRefusal,
    WireText,
)
from sekisho.dialects.openai_responses.shape import NAME, vendor_of
from sekisho.wire import json, media
from sekisho.wire.openai_request import read_audio
from sekisho.wire.shape import Shape, given, leading_type, missing_member

CACHE = "_cache"
"""Note: the `prompt_cache_breakpoint` as it came."""
NO_DETAIL = "_no_detail"
"""Note: the image came without `detail`, which is written otherwise, for strict servers insist on it."""
NO_FILENAME = "_no_filename"
"""Note: the file came without a name."""
CONTENT = "_content"
"""Note: an opaque part that stood among a message's content, not among the items."""

_kind = Shape(WireKind)
_text = Shape(WireText)
_refusal = Shape(WireRefusal)
_image = Shape(WireImage)
_file = Shape(WireFile)
_audio = Shape(WireAudio)


def read(content: str | list[msgspec.Raw] | None, path: str) -> list[Part]:
    """The parts of a `content` or `output` member at `path`; an empty text is none. Raises BadRequest."""
    if not content:
        return []
    if isinstance(content, str):
        return [Text(text=content)]
    return [read_part(raw, f"{path}.{index}") for index, raw in enumerate(content)]


def read_part(raw: msgspec.Raw, path: str) -> Part:
    """One content part. A type that the hub does not know stays opaque: only this dialect takes it."""
    kind = leading_type(raw) or _kind.read(raw, path).type
    if kind is None:
        raise missing_member(f"{path}.type")
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(raw, path)
    return Opaque(dialect=NAME, type=kind, raw=raw, vendor=vendor_of({CONTENT: json.raw(value=True)}))


def is_content(part: Part) -> bool:
    """Whether an opaque part belongs among a message's content."""
    return CONTENT in (part.vendor or {}).get(NAME, {})


def _read_text(raw: msgspec.Raw, path: str) -> Text:
    wire, rest = _text.read_all(raw, path)
    cache, members = _mark(wire.prompt_cache_breakpoint)
    members.update(rest)
    for name, value in (("annotations", wire.annotations), ("logprobs", wire.logprobs)):
        if given(value) is None or bytes(value) == b"[]":  # says as little as null
            continue
        if not bytes(value).startswith(b"["):
            raise BadRequest(f"{path}.{name}: expected an array.", param=f"{path}.{name}")
        members[name] = value
    return Text(text=wire.text, cache=cache, vendor=vendor_of(members))


def _read_refusal(raw: msgspec.Raw, path: str) -> Refusal:
    wire, rest = _refusal.read_all(raw, path)
    return Refusal(text=wire.refusal, vendor=vendor_of(rest))


def _read_image(raw: msgspec.Raw, path: str) -> Image:
    wire, rest = _image.read_all(raw, path)
    cache, notes = _mark(wire.prompt_cache_breakpoint)
    if wire.detail is None:
        notes[NO_DETAIL] = json.raw(value=True)
    source: Source
    if wire.image_url is not None:
        source = media.source(wire.image_url, f"{path}.image_url")
    elif wire.file_id is not None:
        source = FileRef(id=wire.file_id)
    else:
        raise BadRequest(f"{path}: needs `image_url` or `file_id`.", param=path)
    return Image(source=source, detail=wire.detail, cache=cache, vendor=vendor_of(rest, notes))


def _read_file(raw: msgspec.Raw, path: str) -> Document:
    wire, rest = _file.read_all(raw, path)
    cache, notes = _mark(wire.prompt_cache_breakpoint)
    source: Source
    if wire.file_id is not None:
        source = FileRef(id=wire.file_id)
    elif wire.file_url is not None:
        source = Link(url=wire.file_url)
    elif wire.file_data is None:
        raise BadRequest(f"{path}: needs `file_data`, `file_id` or `file_url`.", param=path)
    else:
        source = _read_data(wire.file_data, wire.filename, f"{path}.file_data")
        if wire.filename is None:
            notes[NO_FILENAME] = json.raw(value=True)
    return Document(source=source, title=wire.filename, cache=cache, vendor=vendor_of(rest, notes))


def _read_data(data: str, filename: str | None, path: str) -> Source:
    if data.startswith("data:"):
        return media.source(data, path)
    pdf = filename is None or filename.lower().endswith(".pdf")
    return media.inline("application/pdf" if pdf else "application/octet-stream", data, path)


def _read_audio(raw: msgspec.Raw, path: str) -> Audio:
    wire, rest = _audio.read_all(raw, path)
    source = read_audio(wire.input_audio.data, wire.input_audio.format, path)
    return Audio(source=source, vendor=vendor_of(rest))


def _mark(raw: msgspec.Raw) -> tuple[CacheMark | None, Members]:
    """A part's cache mark and the note of it."""
    mark = given(raw)
    return (None, {}) if mark is None else (CacheMark(), {CACHE: mark})


_READERS: dict[str, Callable[[msgspec.Raw, str], Part]] = {
    "input_text": _read_text,
    "output_text": _read_text,
    "refusal": _read_refusal,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}
