"""Content parts and tool calls of a request's messages, read into the hub's parts."""

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
    ToolCall,
    Video,
)
from sekisho.dialects.openai_chat import signatures
from sekisho.dialects.openai_chat.schema import (
    WireAudio,
    WireCacheControl,
    WireFile,
    WireImage,
    WireKind,
    WireRefusal,
    WireText,
    WireToolCall,
    WireVideo,
    WireVideoUrl,
)
from sekisho.dialects.openai_chat.shape import NAME, vendor_of
from sekisho.wire import json, media
from sekisho.wire.json import members_of
from sekisho.wire.openai_request import read_audio
from sekisho.wire.shape import Shape, given, leading_type, missing_member

CACHE_CONTROL = "_cache_control"
"""Note: the mark as it came, whichever of the two members said it."""
FILE_URL = "_file_url"
"""Note: the file came by URL, which OpenRouter takes and OpenAI does not."""
VIDEO_URL = "_video_url"
"""Note: the video came by this dialect, whose published members have none."""
TOOL_MEDIA = "_tool_media"
"""Note: the tool's result came with more than text in it, which OpenAI refuses."""
NO_FILENAME = "_no_filename"
"""Note: the file came without a name."""

_kind = Shape(WireKind)
_text = Shape(WireText)
_refusal = Shape(WireRefusal)
_image = Shape(WireImage)
_file = Shape(WireFile)
_audio = Shape(WireAudio)
_video = Shape(WireVideo)
_video_url = Shape(WireVideoUrl)
_cache_control = Shape(WireCacheControl)
call_shape = Shape(WireToolCall)

AUDIO_TYPE = "audio/*"
"""An answer does not say which format of audio the request asked for."""

_Marked = WireText | WireImage | WireFile | WireAudio | WireVideo


def read_content(content: str | list[msgspec.Raw] | None, path: str) -> list[Part]:
    """The parts of a message's `content`, at `path`. An empty text is no part."""
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    return [read_part(raw, f"{path}.{index}") for index, raw in enumerate(content)]


def read_part(raw: msgspec.Raw, path: str) -> Part:
    """One content part. A type that the hub does not know stays opaque: only this dialect takes it."""
    kind = leading_type(raw) or _kind.read(raw, path).type
    reader = _READERS.get(kind)
    return reader(raw, path) if reader else Opaque(dialect=NAME, type=kind, raw=raw)


def read_cache(raw: msgspec.Raw, path: str) -> CacheMark | None:
    """A `cache_control` mark."""
    if given(raw) is None:
        return None
    ttl = _cache_control.read(raw, path).ttl
    return CacheMark(ttl="1h" if ttl == "1h" else "5m" if ttl == "5m" else None)


def cache_note(raw: msgspec.Raw) -> Members:
    """The note that lets the writer put the mark back as it came."""
    mark = given(raw)
    return {} if mark is None else {CACHE_CONTROL: msgspec.Raw(b'{"cache_control":' + bytes(mark) + b"}")}


def read_call(raw: msgspec.Raw, path: str) -> ToolCall:
    """One of an assistant message's `tool_calls`."""
    call, rest = call_shape.read_all(raw, path)
    if call.id is None:
        raise missing_member(f"{path}.id")
    signature, notes = signatures.read(call.extra_content)
    vendor = vendor_of(rest, notes)
    if call.custom is not None and call.custom.name:
        text = call.custom.input or ""
        return ToolCall(
            id=call.id,
            name=call.custom.name,
            arguments=text,
            custom=True,
            signature=signature,
            vendor=vendor,
        )
    if call.function is None:
        raise missing_member(f"{path}.function")
    if not call.function.name:
        raise missing_member(f"{path}.function.name")
    return ToolCall(
        id=call.id,
        name=call.function.name,
        arguments=arguments(call.function.arguments),
        signature=signature,
        vendor=vendor,
    )


def arguments(value: str | dict[str, msgspec.Raw] | None) -> str:
    """A call's arguments as text, also where a server sends them as an object."""
    if isinstance(value, str):
        return value
    return json.encode(value).decode() if value is not None else ""


def read_image(raw: msgspec.Raw, path: str) -> Image:
    """An `image_url` part, or one of the `images` that a model made."""
    wire, rest = _image.read_all(raw, path)
    cache, notes = _mark(wire, path)
    vendor = vendor_of(rest, notes)
    if isinstance(wire.image_url, str):
        return Image(source=media.source(wire.image_url, f"{path}.image_url"), cache=cache, vendor=vendor)
    source = media.source(wire.image_url.url, f"{path}.image_url.url")
    return Image(source=source, detail=wire.image_url.detail, cache=cache, vendor=vendor)


def _read_text(raw: msgspec.Raw, path: str) -> Text:
    wire, rest = _text.read_all(raw, path)
    cache, notes = _mark(wire, path)
    return Text(text=wire.text, cache=cache, vendor=vendor_of(rest, notes))


def _read_refusal(raw: msgspec.Raw, path: str) -> Refusal:
    wire, rest = _refusal.read_all(raw, path)
    return Refusal(text=wire.refusal, vendor=vendor_of(rest))


def _read_file(raw: msgspec.Raw, path: str) -> Document:
    wire, rest = _file.read_all(raw, path)
    cache, notes = _mark(wire, path)
    body = wire.file
    source: Source
    if body.file_id is not None:
        source = FileRef(id=body.file_id)
    elif body.file_data is None:
        raise BadRequest(f"{path}.file: needs `file_data` or `file_id`.", param=f"{path}.file")
    elif body.file_data.startswith(("data:", "https://", "http://")):
        source = media.source(body.file_data, f"{path}.file.file_data")
    else:  # bare base64, which OpenAI's examples had for a while
        pdf = (body.filename or "").lower().endswith(".pdf")
        media_type = "application/pdf" if pdf else "application/octet-stream"
        source = media.inline(media_type, body.file_data, f"{path}.file.file_data")
    if isinstance(source, Link):
        notes[FILE_URL] = json.raw(value=True)
    elif body.filename is None:
        notes[NO_FILENAME] = json.raw(value=True)
    return Document(source=source, title=body.filename, cache=cache, vendor=vendor_of(rest, notes))


def _read_audio(raw: msgspec.Raw, path: str) -> Audio:
    wire, rest = _audio.read_all(raw, path)
    cache, notes = _mark(wire, path)
    source = read_audio(wire.input_audio.data, wire.input_audio.format, path)
    return Audio(source=source, cache=cache, vendor=vendor_of(rest, notes))


def _read_video(raw: msgspec.Raw, path: str) -> Video:
    wire, rest = _video.read_all(raw, path)
    cache, notes = _mark(wire, path)
    notes[VIDEO_URL] = json.raw(value=True)
    inner = _video_url.rest(members_of(raw)["video_url"])
    if inner:  # how a provider is to look at it
        rest["video_url"] = json.raw(inner)
    source = media.source(wire.video_url.url, f"{path}.video_url.url")
    return Video(source=source, cache=cache, vendor=vendor_of(rest, notes))


def _mark(wire: _Marked, path: str) -> tuple[CacheMark | None, Members]:
    """A part's cache mark, in either of its two spellings, and the note of it."""
    mark = given(wire.cache_control)
    if mark is not None:
        return read_cache(mark, f"{path}.cache_control"), cache_note(mark)
    point = given(wire.prompt_cache_breakpoint)
    if point is None:
        return None, {}
    note = msgspec.Raw(b'{"prompt_cache_breakpoint":' + bytes(point) + b"}")
    return CacheMark(), {CACHE_CONTROL: note}


_READERS: dict[str, Callable[[msgspec.Raw, str], Part]] = {
    "text": _read_text,
    "refusal": _read_refusal,
    "image_url": read_image,
    "file": _read_file,
    "input_audio": _read_audio,
    "video_url": _read_video,
}
