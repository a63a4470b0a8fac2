"""The shapes of Bedrock's Converse, from the service model of bedrock-runtime (botocore 1.44, 2026-11).

A shape is its members' types, required ones with `!`. `|` before the members: a union, of which exactly one
is set. A type is a shape's name, one of `string blob integer number boolean document map`, `text` (a string
that is not empty), or `[X]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    members: Mapping[str, str]
    required: tuple[str, ...]
    union: bool


def _shape(text: str) -> Shape:
    words = text.removeprefix("|").split()
    pairs = [word.split(":") for word in words]
    return Shape(
        members={name.rstrip("!"): kind for name, kind in pairs},
        required=tuple(name[:-1] for name, _ in pairs if name.endswith("!")),
        union=text.startswith("|"),
    )


_MEDIA = "format!:string source!:MediaSource"

SHAPES: Mapping[str, Shape] = {
    "Request": _shape(
        "messages!:[Message] system:[SystemContentBlock] inferenceConfig:InferenceConfiguration "
        "toolConfig:ToolConfiguration guardrailConfig:map additionalModelRequestFields:document "
        "promptVariables:map additionalModelResponseFieldPaths:[string] requestMetadata:map "
        "performanceConfig:map serviceTier:map outputConfig:OutputConfig"
    ),
    "CountTokens": _shape("input!:CountTokensInput"),
    "CountTokensInput": _shape("| invokeModel:map converse:Request"),
    "Message": _shape("role!:string content!:[ContentBlock]"),
    "ContentBlock": _shape(
        "| text:string image:ImageBlock document:DocumentBlock video:MediaBlock audio:MediaBlock "
        "toolUse:ToolUseBlock toolResult:ToolResultBlock guardContent:map cachePoint:CachePointBlock "
        "reasoningContent:ReasoningContentBlock citationsContent:map searchResult:map toolAddition:map "
        "toolRemoval:map"
    ),
    "ImageBlock": _shape(_MEDIA),
    "MediaBlock": _shape(_MEDIA),
    "MediaSource": _shape("| bytes:blob s3Location:map"),
    "DocumentBlock": _shape("format:string name!:string source!:DocumentSource context:string citations:map"),
    "DocumentSource": _shape("| bytes:blob s3Location:map text:string content:[map]"),
    "ToolUseBlock": _shape("toolUseId!:string name!:string input!:document type:string"),
    "ToolResultBlock": _shape(
        "toolUseId!:string content!:[ToolResultContentBlock] status:string type:string"
    ),
    "ToolResultContentBlock": _shape(
        "| json:document text:string image:ImageBlock document:DocumentBlock video:MediaBlock "
        "searchResult:map"
    ),
    "CachePointBlock": _shape("type!:string ttl:string"),
    "ReasoningContentBlock": _shape("| reasoningText:ReasoningTextBlock redactedContent:blob"),
    "ReasoningTextBlock": _shape("text!:string signature:string"),
    "SystemContentBlock": _shape("| text:text guardContent:map cachePoint:CachePointBlock"),
    "InferenceConfiguration": _shape("maxTokens:integer temperature:number topP:number stopSequences:[text]"),
    "ToolConfiguration": _shape("tools!:[Tool] toolChoice:ToolChoice"),
    "Tool": _shape("| toolSpec:ToolSpecification systemTool:map cachePoint:CachePointBlock"),
    "ToolSpecification": _shape("name!:string description:text inputSchema!:ToolInputSchema strict:boolean"),
    "ToolInputSchema": _shape("| json:document"),
    "ToolChoice": _shape("| auto:map any:map tool:SpecificToolChoice"),
    "SpecificToolChoice": _shape("name!:string"),
    "OutputConfig": _shape("textFormat:OutputFormat effort:string"),
    "OutputFormat": _shape("type!:string structure!:OutputFormatStructure"),
    "OutputFormatStructure": _shape("| jsonSchema:JsonSchemaDefinition"),
    "JsonSchemaDefinition": _shape("schema!:string name:string description:string"),
}

ENUMS: Mapping[str, tuple[str, ...]] = {
    "Message.role": ("user", "assistant"),
    "ImageBlock.format": ("png", "jpeg", "gif", "webp"),
    "DocumentBlock.format": ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"),
    "ToolResultBlock.status": ("success", "error"),
    "CachePointBlock.type": ("default",),
    "CachePointBlock.ttl": ("5m", "1h"),
    "OutputFormat.type": ("json_schema",),
}

PATTERNS: Mapping[str, str] = {
    "ToolUseBlock.toolUseId": "[a-zA-Z0-9_.:-]{1,64}",
    "ToolResultBlock.toolUseId": "[a-zA-Z0-9_.:-]{1,64}",
    "ToolUseBlock.name": "[a-zA-Z0-9_-]{1,64}",
    "ToolSpecification.name": "[a-zA-Z0-9_-]{1,64}",
    "SpecificToolChoice.name": "[a-zA-Z0-9_-]{1,64}",
}

RANGES: Mapping[str, tuple[float, float]] = {
    "InferenceConfiguration.maxTokens": (1, 1 << 31),
    "InferenceConfiguration.temperature": (0, 1),
    "InferenceConfiguration.topP": (0, 1),
}
