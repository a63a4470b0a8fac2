"""Images, documents, sound and film in a prompt: what they are and measure, without decoding them."""

import re
from dataclasses import dataclass
from typing import Literal

from sekisho.metering.families import ImageRule
from sekisho.metering.images import image_tokens
from sekisho.metering.media import Size, image_size

Kind = Literal["image", "document", "audio", "video"]
_TYPES: dict[str, Kind] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "document": "document",
    "file": "document",
    "input_file": "document",
    "input_audio": "audio",
    "audio": "audio",
    "video": "video",
    "input_video": "video",
}
"""`type` of a part, in the dialects that have one."""
_BARE: tuple[Kind, ...] = ("image", "document", "audio", "video")
"""Member of a part, in Bedrock's."""
_INLINE = ("inlineData", "inline_data", "fileData", "file_data")
"""Member of a part, in Gemini's."""

PAGE_BYTES = 50_000
"""Of a PDF, for one page: nothing but its size is looked at."""
PAGE_TOKENS: dict[ImageRule, int] = {"gemini": 258, "gemini-3": 560, "claude": 3_000, "claude-large": 3_000}
"""Google books a page like an image; Anthropic its text, 1,500 to 3,000 tokens, and its image
(https://platform.claude.com/docs/en/build-with-claude/pdf-support, 2026-11)."""
OTHER_PAGE = 1_000
SOUND_BYTES, SOUND_TOKENS = 16_000, 32
"""Of a second: 128 kbit of MP3, and what Google books
(https://ai.google.dev/gemini-api/docs/tokens, 2026-11)."""
FILM_BYTES, FILM_TOKENS = 250_000, 263
UNKNOWN_TOKENS = 1_000
"""For something behind a reference."""


_WORDS = re.compile(rb'"(?:image|input_|file|document|audio|video|inline|1h")')
"""How all of the names above begin, and what asks for a prompt to be cached for an hour."""
_ESCAPED = rb"\u00"
"""Begins every letter of those that is written as its number."""


def is_text_alone(body: bytes) -> bool:
    """Whether a request holds no attachment, and none of it is to be cached for an hour, which costs more.
    False: it may. Reads nothing."""
    escaped = b"\\" in body and _ESCAPED in body  # one byte is found at once
    return not escaped and _WORDS.search(body) is None


@dataclass(frozen=True, slots=True)
class Attachment:
    kind: Kind
    size: Size | None = None
    """Of an image, if it could be read."""
    length: int | None = None
    """Bytes; None: it is only referred to."""
    detail: str | None = None
    is_text: bool = False
    text: object = None
    """What of it is text like any other."""


def attachment(part: dict[str, object]) -> Attachment | None:
    """The attachment that a part of a message is, in any dialect; None: it is none."""
    kind = part.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return _typed(_TYPES[kind], part)
    for name in _INLINE:
        inner = part.get(name)
        if isinstance(inner, dict):
            mime = inner.get("mimeType", inner.get("mime_type"))
            return _measured(_kind(mime), inner.get("data"), mime=mime)
    for bare in _BARE:
        inner = part.get(bare)
        if isinstance(inner, dict) and "source" in inner:
            source = inner["source"]
            source = source if isinstance(source, dict) else {}
            return _measured(bare, source.get("bytes"), text=source.get("text") or source.get("content"))
    return None


def attachment_tokens(found: Attachment, rule: ImageRule, model: str) -> int:
    """Tokens of an attachment beyond its text."""
    if found.kind == "image":
        return image_tokens(rule, model, found.size, found.detail)
    if found.text is not None:
        return 0
    if found.length is None:
        return UNKNOWN_TOKENS
    if found.is_text:
        return found.length // 3
    if found.kind == "audio":
        return SOUND_TOKENS * (1 + found.length // SOUND_BYTES)
    if found.kind == "video":
        return FILM_TOKENS * (1 + found.length // FILM_BYTES)
    return PAGE_TOKENS.get(rule, OTHER_PAGE) * (1 + found.length // PAGE_BYTES)


def _typed(kind: Kind, part: dict[str, object]) -> Attachment:
    """OpenAI's and Anthropic's parts: where each keeps the content."""
    detail = part.get("detail")
    data = part.get("file_data")
    text: object = None
    mime: object = None
    for name in ("image_url", "source", "file", "input_audio", "audio", "video_url"):
        inner = part.get(name)
        if isinstance(inner, str):
            data = inner
        elif isinstance(inner, dict):
            detail = inner.get("detail", detail)
            mime = inner.get("media_type")
            if inner.get("type") == "text":
                text = inner.get("data")
            elif inner.get("type") == "content":
                text = inner.get("content")
            else:
                data = inner.get("url") or inner.get("data") or inner.get("file_data")
    return _measured(kind, data, text=text, detail=detail, mime=mime)


def _measured(
    kind: Kind, data: object, *, text: object = None, detail: object = None, mime: object = None
) -> Attachment:
    if not isinstance(data, str):
        return Attachment(kind, text=text)
    begin = 0
    if data.startswith("data:"):
        mime, mark, _ = data[5:200].partition(";base64,")
        begin = 5 + len(mime) + len(mark) if mark else len(data)
    elif data.startswith(("http:", "https:", "gs:", "s3:", "file:")):
        return Attachment(kind, text=text, detail=_word(detail))
    size = image_size(data, begin) if kind == "image" else None
    is_text = isinstance(mime, str) and mime.startswith("text/")
    length = (len(data) - begin) * 3 // 4
    return Attachment(kind, size, length, _word(detail), is_text, text)


def _kind(mime: object) -> Kind:
    kind = mime.partition("/")[0] if isinstance(mime, str) else ""
    return _TYPES.get(kind, "document")


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None
