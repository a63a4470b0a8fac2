"""Google's parts, read into the hub's: the same in requests and in answers."""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import (
    Audio,
    Document,
    FileRef,
    Image,
    Link,
    Opaque,
    Part,
    Reasoning,
    Source,
    Text,
    ToolCall,
    Vendor,
    Video,
)
from sekisho.dialects.gemini_generate import results, schema
from sekisho.dialects.gemini_generate.schema import NAME, vendor_of
from sekisho.wire import media
from sekisho.wire.json import raw
from sekisho.wire.shape import given, missing_member

SIGNATURE = "thoughtSignature"
MIME_TYPE = "_mime_type"
"""Note: the media type of a file as it came with its address, null where none did."""
NO_ID = "_no_id"
"""Note: the call or result had no id; ours tells its place."""
RAW_ARGUMENTS = "_raw"
"""The one argument under which a call's arguments go that are no JSON object (a call that was cut off, a
custom tool's free text): `args` must be one."""
SKIP = "skip_thought_signature_validator"
"""Google's stand-in signature for calls that another model made (thought signatures, 2026-11)."""

_GOOGLES_FILES = ("https://generativelanguage.googleapis.com/", "gs://", "files/")
_UNNAMED = "application/octet-stream"
_ENDINGS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "mpeg": "video/mpeg",
}
_NOTED = raw(value=True)


def read_one(found: msgspec.Raw, path: str) -> Part:
    """A part where no calls stand. Raises BadRequest."""
    return read(*schema.part.read_all(found, path), found, path, "")


def read(wire: schema.Part, rest: Members, found: msgspec.Raw, path: str, spare_id: str) -> Part:
    """A part that is no function's response, `found` at `path`, `rest` being what `wire` does not know;
    `spare_id` stands in for the id of a call that has none. Raises BadRequest.

    A part of a kind that is not known stays as it is: only this dialect takes it.
    """
    if given(wire.function_call) is not None:
        return _call(wire, rest, path, spare_id)
    if given(wire.inline_data) is not None:
        return _inline(wire, rest, path)
    if given(wire.file_data) is not None:
        return _file(wire, rest, path)
    if wire.text is not None or (wire.thought_signature is not None and not rest):
        return said(wire, rest)
    return Opaque(dialect=NAME, type=next(iter(rest), ""), raw=found)


def said(wire: schema.Part, rest: Members) -> Text | Reasoning:
    """A text, or a thought."""
    signature = signature_of(wire)
    if wire.thought:
        return Reasoning(text=wire.text or "", signature=signature, vendor=vendor_of(rest))
    if signature is not None:
        rest = {SIGNATURE: raw(signature), **rest}
    return Text(text=wire.text or "", vendor=vendor_of(rest))


def unwrapped(args: msgspec.Raw) -> str:
    """A call's arguments as text: compact, for whole answers come indented and streams do not."""
    text = msgspec.json.format(bytes(given(args) or b"{}"), indent=-1).decode()
    if RAW_ARGUMENTS not in text:
        return text
    members = results.object_in(text)
    if (
        members is None
        or members.keys() != {RAW_ARGUMENTS}
        or not bytes(members[RAW_ARGUMENTS]).startswith(b'"')
    ):
        return text
    inner = msgspec.json.decode(members[RAW_ARGUMENTS], type=str)
    return text if results.object_in(inner.strip()) is not None else inner


def signature_of(wire: schema.Part) -> str | None:
    """The part's signature, if it is a real one."""
    return None if wire.thought_signature in (None, "", SKIP) else wire.thought_signature


def _call(wire: schema.Part, rest: Members, path: str, spare_id: str) -> ToolCall:
    path = f"{path}.functionCall"
    call, inner = schema.function_call.read_all(wire.function_call, path)
    if not call.name:
        raise BadRequest(f"{path}.name: empty. Name the function.", param=f"{path}.name")
    args = given(call.args)
    if args is not None and not bytes(args).startswith(b"{"):
        raise BadRequest(f"{path}.args: expected an object.", param=f"{path}.args")
    if inner:
        rest["functionCall"] = raw(inner)
    return ToolCall(
        id=call.id or spare_id,
        name=call.name,
        arguments=unwrapped(call.args),
        signature=signature_of(wire),
        vendor=vendor_of(rest, None if call.id else {NO_ID: _NOTED}),
    )


# --- media ----------------------------------------------------------------------------------------


def _inline(wire: schema.Part, rest: Members, path: str) -> Part:
    path = f"{path}.inlineData"
    blob, inner = schema.blob.read_all(wire.inline_data, path)
    source = media.inline(blob.mime_type, standard_base64(blob.data), f"{path}.data")
    return _medium(blob.mime_type, source, _vendor(wire, rest, "inlineData", inner, {}))


def _file(wire: schema.Part, rest: Members, path: str) -> Part:
    path = f"{path}.fileData"
    file, inner = schema.file_data.read_all(wire.file_data, path)
    uri = file.file_uri
    if not uri:
        raise missing_member(f"{path}.fileUri")
    if uri[:5].lower() == "data:":
        raise BadRequest(f"{path}.fileUri: content itself. Send it as inlineData.", param=f"{path}.fileUri")
    source: Source = FileRef(id=uri) if holds_google_file(uri) else Link(url=uri)
    notes = {MIME_TYPE: raw(file.mime_type)}
    return _medium(file.mime_type or guessed(uri), source, _vendor(wire, rest, "fileData", inner, notes))


def guessed(uri: str) -> str:
    """The media type that an address's ending tells, or one that says nothing."""
    ending = uri.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    return _ENDINGS.get(ending, _UNNAMED)


def _vendor(wire: schema.Part, rest: Members, member: str, inner: Members, notes: Members) -> Vendor | None:
    if inner:
        rest[member] = raw(inner)
    if wire.thought:
        rest["thought"] = _NOTED
    if wire.thought_signature is not None:
        rest[SIGNATURE] = raw(wire.thought_signature)
    return vendor_of(rest, notes)


def holds_google_file(uri: str) -> bool:
    """Whether only Google can resolve an address: of its file storage, or of a bucket."""
    return uri.startswith(_GOOGLES_FILES)


def _medium(media_type: str, source: Source, vendor: Vendor | None) -> Part:
    match media_type.partition("/")[0].lower():
        case "image":
            return Image(source=source, vendor=vendor)
        case "audio":
            return Audio(source=source, vendor=vendor)
        case "video":
            return Video(source=source, vendor=vendor)
    return Document(source=source, vendor=vendor)


def standard_base64(data: str) -> str:
    """Standard base64 of what may be the alphabet for addresses, as Google's own SDK writes it, unpadded."""
    if "-" in data or "_" in data:
        data = data.translate(_STANDARD)
    return data + "=" * (-len(data) % 4) if len(data) % 4 else data


_STANDARD = str.maketrans("-_", "+/")
