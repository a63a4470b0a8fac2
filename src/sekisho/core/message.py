"""The message model that every dialect reads into and writes from.

Values are immutable and carry no identity or time. Where a dialect has members that this model does
not know, they travel byte for byte in `vendor`, keyed by the dialect's name, so that the same dialect
on the other side can write them back.
"""

from typing import Literal

import msgspec

Role = Literal["system", "developer", "user", "assistant"]
Vendor = dict[str, dict[str, msgspec.Raw]]
"""Dialect name -> member name -> its JSON, as it came. Names that begin with `_` are a reader's notes on
spelling (which of two members said it), for the writer of the same dialect; losing them loses nothing."""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all hub values: immutable, compared by content."""


class CacheMark(Value, frozen=True, kw_only=True):
    """The prompt up to and including the marked part may be cached by the provider."""

    ttl: Literal["5m", "1h"] | None = None
    """None: the provider's default, which the client did not spell out."""


# --- where bytes of an image, document or audio come from ---------------------------------------


class Inline(Value, frozen=True, kw_only=True, tag_field="kind", tag="inline"):
    media_type: str
    data: str
    """Base64, as it came: never decoded on the way."""


class Link(Value, frozen=True, kw_only=True, tag_field="kind", tag="link"):
    url: str


class FileRef(Value, frozen=True, kw_only=True, tag_field="kind", tag="file"):
    """A file uploaded to the provider earlier. Only the same provider can resolve it."""

    id: str


class PlainText(Value, frozen=True, kw_only=True, tag_field="kind", tag="plain_text"):
    text: str


Source = Inline | Link | FileRef | PlainText


# --- parts --------------------------------------------------------------------------------------


class PartBase(Value, frozen=True, kw_only=True, tag_field="kind"):
    cache: CacheMark | None = None
    vendor: Vendor | None = None


class Text(PartBase, frozen=True, kw_only=True, tag="text"):
    text: str


class Refusal(PartBase, frozen=True, kw_only=True, tag="refusal"):
    text: str


class Image(PartBase, frozen=True, kw_only=True, tag="image"):
    source: Source
    detail: str | None = None


class Document(PartBase, frozen=True, kw_only=True, tag="document"):
    source: Source
    title: str | None = None
    context: str | None = None


class Audio(PartBase, frozen=True, kw_only=True, tag="audio"):
    source: Source
    transcript: str | None = None


class Video(PartBase, frozen=True, kw_only=True, tag="video"):
    source: Source


class ToolCall(PartBase, frozen=True, kw_only=True, tag="tool_call"):
    id: str
    name: str
    arguments: str
    """The JSON text as the model wrote it (it may be empty or broken); for a custom tool, free text."""
    custom: bool = False
    signature: str | None = None
    """Proves to the provider that the call is its own (Gemini's thought signatures). Goes back unchanged."""


class ToolResult(PartBase, frozen=True, kw_only=True, tag="tool_result"):
    """The result of one call. Always in a message of role `user`, before that message's other parts."""

    call_id: str
    parts: tuple["Part", ...]
    is_error: bool = False


class Reasoning(PartBase, frozen=True, kw_only=True, tag="reasoning"):
    """What the model thought. `signature` proves to the provider that the text is its own."""

    text: str
    signature: str | None = None


class RedactedReasoning(PartBase, frozen=True, kw_only=True, tag="redacted_reasoning"):
    """Thinking that the provider encrypted. Must go back to it unchanged."""

    data: str


class Opaque(PartBase, frozen=True, kw_only=True, tag="opaque"):
    """A part that only its own dialect understands (a server tool's result, say), as it came."""

    dialect: str
    type: str
    raw: msgspec.Raw


Part = (
    Text
    | Refusal
    | Image
    | Document
    | Audio
    | Video
    | ToolCall
    | ToolResult
    | Reasoning
    | RedactedReasoning
    | Opaque
)


class Message(Value, frozen=True, kw_only=True):
    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    vendor: Vendor | None = None
