"""Anthropic's wire format as structs, and how a breach of it is named.

Known members are typed; what a struct does not name travels in the hub's `vendor`.
Format of 2026-11 (API versions 2023-06-01 and 2026-10-21).
"""

import re
from typing import Any, Literal, TypeVar

import msgspec

from sekisho.core.contract import Members
from sekisho.core.message import Vendor

NAME = "anthropic_messages"

Role = Literal["user", "assistant", "system"]
Blocks = str | list[msgspec.Raw]


class CacheControl(msgspec.Struct):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


# --- sources --------------------------------------------------------------------------------------


class Base64Source(msgspec.Struct, tag_field="type", tag="base64"):
    media_type: str
    data: str


class UrlSource(msgspec.Struct, tag_field="type", tag="url"):
    url: str


class FileSource(msgspec.Struct, tag_field="type", tag="file"):
    file_id: str


class TextSource(msgspec.Struct, tag_field="type", tag="text"):
    data: str


class ContentSource(msgspec.Struct, tag_field="type", tag="content"):
    content: Blocks


# --- content blocks -------------------------------------------------------------------------------


class TextBlock(msgspec.Struct):
    text: str
    cache_control: CacheControl | None = None


class ImageBlock(msgspec.Struct):
    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None


class DocumentBlock(msgspec.Struct):
    source: Base64Source | UrlSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    cache_control: CacheControl | None = None


class ToolUseBlock(msgspec.Struct):
    id: str
    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")
    cache_control: CacheControl | None = None


class ToolResultBlock(msgspec.Struct):
    tool_use_id: str
    content: Blocks | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(msgspec.Struct):
    thinking: str
    signature: str | None = None


class RedactedThinkingBlock(msgspec.Struct):
    data: str


# --- requests -------------------------------------------------------------------------------------


class MessageIn(msgspec.Struct):
    role: Role
    content: Blocks


class ToolIn(msgspec.Struct):
    name: str
    description: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw(b"null")
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoiceIn(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingIn(msgspec.Struct):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None


class OutputFormatIn(msgspec.Struct):
    type: Literal["json_schema"]
    schema: msgspec.Raw


class OutputConfigIn(msgspec.Struct):
    effort: str | None = None
    format: OutputFormatIn | None = None


class MetadataIn(msgspec.Struct):
    user_id: str | None = None


class RequestIn(msgspec.Struct):
    model: str
    max_tokens: int
    messages: list[msgspec.Raw]
    system: Blocks | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: ToolChoiceIn | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    thinking: ThinkingIn | None = None
    output_config: OutputConfigIn | None = None
    output_format: OutputFormatIn | None = None
    service_tier: str | None = None
    metadata: MetadataIn | None = None
    cache_control: CacheControl | None = None


# --- answers --------------------------------------------------------------------------------------


class ReplyIn(msgspec.Struct):
    content: list[msgspec.Raw]
    type: str = "message"
    id: str = ""
    role: str = "assistant"
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Any = None
    """Read leniently: a provider's odd counts must not break an answer that is fine."""


class StartIn(msgspec.Struct):
    """The `message` of a `message_start`."""

    type: str = "message"
    id: str = ""
    role: str = "assistant"
    model: str = ""
    content: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Any = None


class DeltaIn(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    signature: str = ""
    citation: msgspec.Raw = msgspec.Raw(b"null")
    stop_reason: str | None = None
    stop_sequence: str | None = None


class EventIn(msgspec.Struct):
    """Any event of a stream: `type` says which members count."""

    type: str = ""
    index: int = 0
    message: msgspec.Raw = msgspec.Raw(b"null")
    content_block: msgspec.Raw = msgspec.Raw(b"null")
    delta: DeltaIn | None = None
    usage: Any = None


# --- reading --------------------------------------------------------------------------------------

T = TypeVar("T")

text = msgspec.json.Decoder(str)
members = msgspec.json.Decoder(Members)

_REASON = re.compile(r"(?P<reason>.*?)(?: - at `\$(?P<place>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_INDEX = re.compile(r"\[(\w+|\.\.\.)\]")


class Invalid(ValueError):
    """A value of the wrong shape: `path` is in Anthropic's words (`messages.2.content.0.type`)."""

    def __init__(self, path: str, reason: str):
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path


def decode(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw, path: str = "") -> T:
    """`data`, which stands at `path`. Raises Invalid, which names the member at fault."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise _invalid(path, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(path, f"not valid JSON ({error})") from None


def utf8(data: bytes) -> None:
    """Raises Invalid for text that is not UTF-8, which decoders let stand in the members they leave raw."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Invalid("", f"not UTF-8 ({error})") from None


def rest(found: Members, known: frozenset[str]) -> Vendor | None:
    """Members beyond the known ones, for `vendor`. Null says nothing and is left out."""
    left = {name: raw for name, raw in found.items() if name not in known and bytes(raw) != b"null"}
    return {NAME: left} if left else None


def fields(struct: type[msgspec.Struct], *more: str) -> frozenset[str]:
    return frozenset((*struct.__struct_fields__, *more))


def _invalid(path: str, message: str) -> Invalid:
    match = _REASON.fullmatch(message)
    reason, place = (match["reason"], match["place"]) if match else (message, None)
    place = _INDEX.sub(r".\1", place or "").lstrip(".")
    missing = _MISSING.fullmatch(reason)
    steps = (path, place, missing[1] if missing else "")
    return Invalid(".".join(step for step in steps if step), "Field required" if missing else reason)
