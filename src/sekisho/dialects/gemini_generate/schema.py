"""Google's wire format as structs, in camelCase, in which it answers (see `spelling` for the other).

Known members are typed; what a struct does not name is kept in the hub's `vendor`. Format of v1beta on
2026-11 (https://ai.google.dev/api/generate-content); Vertex AI's differs by members that are kept.
"""

import msgspec

from sekisho.wire.shape import Kept, Shape

NAME = "gemini_generate"

_kept = Kept(NAME)
vendor_of = _kept.keep
own = _kept.own
spread = _kept.spread

RAW = msgspec.Raw()
"""What stands for a raw member that is absent."""


Listed = list[msgspec.Raw] | dict[str, msgspec.Raw] | None
"""A list of objects, or its only one: protobuf's JSON takes both, and Google's own examples use both."""


class Wire(msgspec.Struct, rename="camel"):
    """Base of all shapes."""


# --- contents -------------------------------------------------------------------------------------


class Blob(Wire):
    mime_type: str
    data: str


class FileData(Wire):
    file_uri: str
    mime_type: str | None = None


class FunctionCall(Wire):
    name: str
    id: str | None = None
    args: msgspec.Raw = RAW


class FunctionResponse(Wire):
    name: str | None = None
    id: str | None = None
    response: msgspec.Raw = RAW
    parts: list[msgspec.Raw] | None = None


class Part(Wire):
    """One part: which of the members stands in it says what it is."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: msgspec.Raw = RAW
    file_data: msgspec.Raw = RAW
    function_call: msgspec.Raw = RAW
    function_response: msgspec.Raw = RAW


class Content(Wire):
    role: str | None = None
    parts: Listed = None


# --- requests -------------------------------------------------------------------------------------


class ThinkingConfig(Wire):
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(Wire):
    candidate_count: int | None = None
    stop_sequences: list[str] | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    """Whole numbers, which the SDKs write with a point."""
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: msgspec.Raw = RAW
    response_json_schema: msgspec.Raw = RAW
    thinking_config: msgspec.Raw = RAW


class FunctionDeclaration(Wire):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = RAW
    parameters_json_schema: msgspec.Raw = RAW


class FunctionCallingConfig(Wire):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(Wire):
    function_calling_config: msgspec.Raw = RAW


class Request(Wire):
    contents: Listed = None
    model: str | None = None
    """The path names the model; clients made from Google's interface descriptions repeat it here."""
    system_instruction: msgspec.Raw = RAW
    generation_config: msgspec.Raw = RAW
    tools: Listed = None
    tool_config: msgspec.Raw = RAW
    service_tier: str | None = None


# --- answers --------------------------------------------------------------------------------------


class Candidate(Wire):
    content: msgspec.Raw = RAW
    finish_reason: str | None = None
    index: int | None = None
    logprobs_result: msgspec.Raw = RAW


class PromptFeedback(Wire):
    block_reason: str | None = None


class Reply(Wire):
    """A whole answer, and every event of a stream."""

    candidates: list[msgspec.Raw] | None = None
    response_id: str | None = None
    model_version: str | None = None
    usage_metadata: msgspec.Raw = RAW
    prompt_feedback: msgspec.Raw = RAW
    error: msgspec.Raw = RAW


blob = Shape(Blob)
file_data = Shape(FileData)
function_call = Shape(FunctionCall)
function_response = Shape(FunctionResponse)
part = Shape(Part)
content = Shape(Content)
thinking_config = Shape(ThinkingConfig)
generation_config = Shape(GenerationConfig)
function_declaration = Shape(FunctionDeclaration)
function_calling_config = Shape(FunctionCallingConfig)
tool_config = Shape(ToolConfig)
request = Shape(Request)
candidate = Shape(Candidate)
prompt_feedback = Shape(PromptFeedback)
reply = Shape(Reply)
