"""Anthropic's wire format as structs.

Known members are typed; what a struct does not name travels in the hub's `vendor`.
Format of 2026-11 (API versions 2023-06-01 and 2026-10-21).
"""

from typing import Any, Literal

import msgspec

from sekisho.wire.shape import Kept, Shape, Wire

NAME = "anthropic_messages"

_kept = Kept(NAME)
vendor_of = _kept.keep
own = _kept.own
spread = _kept.spread

text = msgspec.json.Decoder(str)

Role = Literal["user", "assistant", "system"]
Blocks = str | list[msgspec.Raw]


class CacheControl(Wire):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


# --- sources --------------------------------------------------------------------------------------


class Base64Source(Wire, tag_field="type", tag="base64"):
    media_type: str
    data: str


class UrlSource(Wire, tag_field="type", tag="url"):
    url: str


class FileSource(Wire, tag_field="type", tag="file"):
    file_id: str


class TextSource(Wire, tag_field="type", tag="text"):
    data: str


class ContentSource(Wire, tag_field="type", tag="content"):
    content: Blocks


# --- content blocks -------------------------------------------------------------------------------


class KindIn(Wire):
    type: str


class ToolKindIn(Wire):
    type: str | None = None


class TextBlock(Wire):
    type: str
    text: str
    cache_control: CacheControl | None = None


class ImageBlock(Wire):
    type: str
    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None


class DocumentBlock(Wire):
    type: str
    source: Base64Source | UrlSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    cache_control: CacheControl | None = None


class ToolUseBlock(Wire):
    type: str
    id: str
    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")
    cache_control: CacheControl | None = None


class ToolResultBlock(Wire):
    type: str
    tool_use_id: str
    content: Blocks | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Wire):
    type: str
    thinking: str
    signature: str | None = None


class RedactedThinkingBlock(Wire):
    type: str
    data: str


# --- requests -------------------------------------------------------------------------------------


class MessageIn(Wire):
    role: Role
    content: Blocks


class ToolIn(Wire):
    name: str
    type: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoiceIn(Wire):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingIn(Wire):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None


class OutputFormatIn(Wire):
    type: Literal["json_schema"]
    schema: msgspec.Raw


class OutputConfigIn(Wire):
    effort: str | None = None
    format: OutputFormatIn | None = None


class MetadataIn(Wire):
    user_id: str | None = None


class RequestIn(Wire):
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
    thinking: msgspec.Raw = msgspec.Raw()
    output_config: msgspec.Raw = msgspec.Raw()
    output_format: OutputFormatIn | None = None
    """Says the same as `output_config.format` in the beta structured-outputs-2025-11-13."""
    service_tier: str | None = None
    metadata: msgspec.Raw = msgspec.Raw()
    cache_control: CacheControl | None = None


# --- answers --------------------------------------------------------------------------------------


class ReplyIn(Wire):
    content: list[msgspec.Raw] | None = None
    type: str = "message"
    id: str = ""
    role: str = "assistant"
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Any = None
    """Read leniently: a provider's odd counts must not break an answer that is fine."""
    error: msgspec.Raw = msgspec.Raw()


class StartIn(Wire):
    """The `message` of a `message_start`."""

    type: str = "message"
    id: str = ""
    role: str = "assistant"
    model: str = ""
    content: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Any = None


class DeltaIn(Wire):
    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    signature: str = ""
    citation: msgspec.Raw = msgspec.Raw(b"null")
    stop_reason: str | None = None
    stop_sequence: str | None = None


class StopIn(Wire):
    """The `delta` of a `message_delta`. What stands beside it has no business in it: kept as unknown, it
    would overwrite what is known."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    type: msgspec.Raw = msgspec.Raw()
    delta: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = msgspec.Raw()


class MessageDeltaIn(Wire):
    type: str = ""
    delta: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = msgspec.Raw()


class EventIn(Wire):
    """Any event of a stream: `type` says which members count."""

    type: str = ""
    index: int = 0
    message: msgspec.Raw = msgspec.Raw(b"null")
    content_block: msgspec.Raw = msgspec.Raw(b"null")
    delta: DeltaIn | None = None
    usage: Any = None


kind = Shape(KindIn)
tool_kind = Shape(ToolKindIn)
text_block = Shape(TextBlock)
image = Shape(ImageBlock)
document = Shape(DocumentBlock)
tool_use = Shape(ToolUseBlock)
tool_result = Shape(ToolResultBlock)
thinking_block = Shape(ThinkingBlock)
redacted = Shape(RedactedThinkingBlock)
request = Shape(RequestIn)
message = Shape(MessageIn)
tool = Shape(ToolIn)
thinking = Shape(ThinkingIn)
output_config = Shape(OutputConfigIn)
metadata = Shape(MetadataIn)
reply = Shape(ReplyIn)
start = Shape(StartIn)
stop = Shape(StopIn)
message_delta = Shape(MessageDeltaIn)
