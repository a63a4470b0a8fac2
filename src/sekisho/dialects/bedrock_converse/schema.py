"""Bedrock's wire format as structs: `Converse`, `ConverseStream` and `CountTokens` of the service model
bedrock-runtime 2023-09-30 (as botocore 1.44.5 has it, 2026-11).

Members that a struct does not name travel in the hub's `vendor`. Unions have exactly one member, whose name
says what it is; in JSON a blob is base64.
"""

from typing import Any, Literal

import msgspec

from sekisho.core.error import BadRequest
from sekisho.wire.json import members_of
from sekisho.wire.shape import BROKEN, Kept, Wire, bad_request, given

NAME = "bedrock_converse"

_kept = Kept(NAME)
vendor_of = _kept.keep
own = _kept.own
spread = _kept.spread

Role = Literal["user", "assistant", "system"]
Block = dict[str, object] | msgspec.Raw

text = msgspec.json.Decoder(str)


# --- content blocks -------------------------------------------------------------------------------


class S3In(Wire, rename="camel"):
    uri: str
    bucket_owner: str | None = None


class TextIn(Wire):
    text: str


class SourceIn(Wire):
    data: str | None = msgspec.field(default=None, name="bytes")
    s3: S3In | None = msgspec.field(default=None, name="s3Location")
    text: str | None = None
    content: list[TextIn] | None = None


class MediumIn(Wire):
    """An image, a video or audio."""

    format: str
    source: SourceIn


class DocumentIn(Wire):
    name: str
    source: SourceIn
    format: str | None = None
    context: str | None = None


class ToolUseIn(Wire, rename="camel"):
    tool_use_id: str
    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")
    type: str | None = None


class ToolResultIn(Wire, rename="camel"):
    tool_use_id: str
    content: list[msgspec.Raw] = msgspec.field(default_factory=list)
    status: str | None = None
    type: str | None = None


class CachePointIn(Wire):
    type: str = "default"
    ttl: Literal["5m", "1h"] | None = None


class ReasoningTextIn(Wire):
    text: str = ""
    signature: str | None = None


class ReasoningIn(Wire, rename="camel"):
    reasoning_text: ReasoningTextIn | None = None
    redacted_content: str | None = None


class CitedIn(Wire):
    content: list[TextIn] = msgspec.field(default_factory=list)
    citations: list[msgspec.Raw] = msgspec.field(default_factory=list)


# --- requests -------------------------------------------------------------------------------------


class MessageIn(Wire):
    role: Role
    content: list[msgspec.Raw]


class InferenceIn(Wire, rename="camel"):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class InputSchemaIn(Wire):
    json: msgspec.Raw


class ToolSpecIn(Wire, rename="camel"):
    name: str
    input_schema: InputSchemaIn
    description: str | None = None
    strict: bool | None = None


class ToolConfigIn(Wire, rename="camel"):
    tools: list[msgspec.Raw]
    tool_choice: msgspec.Raw = msgspec.Raw(b"null")


class NamedIn(Wire):
    name: str


class TierIn(Wire):
    type: str


class JsonSchemaIn(Wire):
    schema: str
    name: str | None = None
    description: str | None = None


class StructureIn(Wire, rename="camel"):
    json_schema: JsonSchemaIn


class TextFormatIn(Wire):
    type: Literal["json_schema"]
    structure: StructureIn


class OutputIn(Wire, rename="camel"):
    text_format: TextFormatIn | None = None
    effort: str | None = None


class RequestIn(Wire, rename="camel"):
    messages: list[msgspec.Raw]
    system: list[msgspec.Raw] | None = None
    inference_config: msgspec.Raw = msgspec.Raw()
    tool_config: msgspec.Raw = msgspec.Raw()
    service_tier: TierIn | None = None
    output_config: msgspec.Raw = msgspec.Raw()
    additional_model_request_fields: dict[str, msgspec.Raw] | None = None


# --- answers --------------------------------------------------------------------------------------


class AnswerIn(Wire):
    content: list[msgspec.Raw] = msgspec.field(default_factory=list)


class AnswerOutputIn(Wire):
    message: AnswerIn


class ReplyIn(Wire, rename="camel"):
    """`id` and `model` are not Bedrock's: see `reply`."""

    output: AnswerOutputIn
    stop_reason: str | None = None
    usage: Any = None
    service_tier: TierIn | None = None
    id: str = ""
    model: str = ""


class StartIn(Wire):
    """`messageStart`."""

    role: str = "assistant"
    id: str = ""
    model: str = ""


class BlockStartIn(Wire, rename="camel"):
    start: msgspec.Raw
    content_block_index: int


class ReasoningDeltaIn(Wire, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class ToolUseDeltaIn(Wire):
    input: str = ""


class DeltaIn(Wire, rename="camel"):
    """A union: one of them is set."""

    text: str | None = None
    tool_use: ToolUseDeltaIn | None = None
    reasoning_content: ReasoningDeltaIn | None = None
    citation: msgspec.Raw = msgspec.Raw(b"null")
    tool_result: msgspec.Raw = msgspec.Raw(b"null")
    image: msgspec.Raw = msgspec.Raw(b"null")


class BlockDeltaIn(Wire, rename="camel"):
    delta: DeltaIn
    content_block_index: int


class BlockStopIn(Wire, rename="camel"):
    content_block_index: int


class StopIn(Wire, rename="camel"):
    """`messageStop`."""

    stop_reason: str | None = None


class MetadataIn(Wire, rename="camel"):
    usage: Any = None
    service_tier: TierIn | None = None


# --- reading --------------------------------------------------------------------------------------


def union(raw: msgspec.Raw, path: str) -> tuple[str, msgspec.Raw]:
    """(name, value) of a union's one member. Raises BadRequest."""
    try:
        found = members_of(raw)
    except BROKEN as error:
        raise bad_request(error, path) from None
    said = [(name, value) for name, value in found.items() if given(value) is not None]
    if len(said) != 1:
        raise BadRequest(f"{path}: exactly one member must say what it is, not {len(said)}.", param=path)
    return said[0]


def string(raw: msgspec.Raw, path: str) -> str:
    """Raises BadRequest unless `raw` is a text."""
    try:
        return text.decode(raw)
    except BROKEN as error:
        raise bad_request(error, path) from None
