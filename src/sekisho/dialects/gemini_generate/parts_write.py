"""The hub's parts as Google's, with what cannot be said reported as losses. The same in requests and in
answers.

Where images come from: inline, from Google's own file storage, or from a public https address, which Google
fetches itself (since 2026-01, from Gemini 2.5 on; https://ai.google.dev/gemini-api/docs/file-input-methods).
"""

import msgspec

from sekisho.core.loss import Losses
from sekisho.core.message import (
    Audio,
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
    Text,
    ToolCall,
    ToolResult,
    Vendor,
    Video,
)
from sekisho.dialects.gemini_generate.models import ANY, Rules
from sekisho.dialects.gemini_generate.parts import (
    MIME_TYPE,
    NO_ID,
    RAW_ARGUMENTS,
    SIGNATURE,
    guessed,
    holds_google_file,
    standard_base64,
)
from sekisho.dialects.gemini_generate.schema import NAME, own, spread
from sekisho.wire import tool_json
from sekisho.wire.json import decode, members_of
from sekisho.wire.media import is_base64

Item = dict[str, object]
Medium = Image | Document | Audio | Video

_FALLBACK = {Image: "image/jpeg", Audio: "audio/mpeg", Video: "video/mp4", Document: "application/pdf"}
"""Media types of files whose address does not tell."""
_DOCUMENTS = ("application/pdf", "application/json", "text/plain", "text/markdown", "text/csv", "text/html")


class Writing(Losses):
    """One request on its way out: what its model takes, and what could not be said."""

    __slots__ = ("rules",)

    def __init__(self, rules: Rules = ANY) -> None:
        super().__init__(NAME)
        self.rules = rules


def write(part: Part, path: str, writing: Writing) -> Item | msgspec.Raw | None:
    """Google's part, or None where it has none for it. Not for results of functions."""
    if isinstance(part, Opaque):
        if part.dialect == NAME:
            return part.raw
        writing.content(path, f"only the dialect {part.dialect} knows a part of type {part.type}")
        return None
    item = _body(part, path, writing)
    if item is None:
        return None
    if part.cache is not None:
        writing.knob(f"{path}.cache", "Gemini caches prefixes by itself")
    writing.foreign(path, part.vendor)
    return _with_vendor(item, part.vendor)


def _with_vendor(item: Item, vendor: Vendor | None) -> Item:
    """What the reader kept; of an object that the hub knows in part, the rest joins it."""
    for name, raw in spread(vendor).items():
        known = item.get(name)
        item[name] = {**known, **members_of(raw)} if isinstance(known, dict) else raw
    return item


def _body(part: Part, path: str, writing: Writing) -> Item | None:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"text": text}
        case Reasoning():
            item: Item = {"text": part.text, "thought": True}
            return {**item, **_signed(part.signature, path, writing)}
        case ToolCall():
            return _call(part, path, writing)
        case Image() | Document() | Audio() | Video():
            return medium(part, path, writing)
        case RedactedReasoning():
            writing.knob(path, "Gemini does not know another provider's encrypted thinking")
        case ToolResult():
            writing.content(path, "only a message of the user's holds results of tools")
    return None


def _signed(signature: str | None, path: str, writing: Writing) -> Item:
    if signature is None:
        return {}
    if not is_base64(standard_base64(signature)):
        writing.knob(f"{path}.signature", "not a signature of Gemini's")
        return {}
    return {SIGNATURE: signature}


def _call(part: ToolCall, path: str, writing: Writing) -> Item | None:
    if part.custom:
        writing.content(path, "Gemini has no tools with free text as input")
        return None
    call: Item = {} if NO_ID in own(part.vendor) else {"id": part.id}
    call |= {"name": part.name, "args": tool_json.write_arguments(part.arguments, RAW_ARGUMENTS)}
    return {"functionCall": call, **_signed(part.signature, path, writing)}


# --- media ----------------------------------------------------------------------------------------


def medium(part: Medium, path: str, writing: Writing) -> Item | None:
    """An image, document, audio or video."""
    for name in ("detail", "title", "context", "transcript"):
        if getattr(part, name, None) is not None:
            writing.knob(f"{path}.{name}", f"Gemini's parts have no {name}")
    match part.source:
        case Inline(data=""):
            writing.content(path, "it has no content")
            return None
        case Inline(media_type=media_type, data=data):
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case PlainText(text=text):
            return {"text": text}
        case Link(url=url):
            if url[:8].lower() != "https://" or not writing.rules.links:
                writing.content(path, "Gemini fetches no such address; send the content itself")
                return None
            return _file(part, url)
        case FileRef(id=file_id):
            if not holds_google_file(file_id):
                writing.content(path, "a file that was uploaded to another provider")
                return None
            return _file(part, file_id)


def _file(part: Medium, uri: str) -> Item:
    noted = own(part.vendor).get(MIME_TYPE)
    media_type = decode(noted) if noted is not None else _media_type(part, guessed(uri))
    return {"fileData": {"fileUri": uri} if media_type is None else {"mimeType": media_type, "fileUri": uri}}


def _media_type(part: Medium, guess: str) -> str:
    """A media type of the part's kind: without one it would be read as something else, by Google as well."""
    kind, major = type(part), guess.partition("/")[0]
    fits = guess in _DOCUMENTS if kind is Document else major == kind.__name__.lower()
    return guess if fits else _FALLBACK[kind]
