"""Shapes of OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses and the types of
openai-python 3.54, 2026-11).

A shape names only what the hub understands; see `shape` for what becomes of the rest. Null members are
taken as absent everywhere.
"""

from typing import Any

import msgspec

from sekisho.wire.shape import Wire

# --- request ---------------------------------------------------------------------------------------


class WireRequest(Wire):
    model: str | None = None
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: msgspec.Raw = msgspec.Raw()
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    text: msgspec.Raw = msgspec.Raw()
    reasoning: msgspec.Raw = msgspec.Raw()
    include: list[str] | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, msgspec.Raw] | None = None
    prompt_cache_key: str | None = None
    stream: bool | None = None
    stream_options: msgspec.Raw = msgspec.Raw()
    store: bool | None = None
    background: bool | None = None
    truncation: str | None = None


class WireTextSettings(Wire):
    format: msgspec.Raw = msgspec.Raw()
    verbosity: str | None = None


class WireFormat(Wire):
    type: str
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class WireReasoningSettings(Wire):
    effort: str | None = None
    max_tokens: int | None = None
    """OpenRouter's, as `enabled`."""
    enabled: bool | None = None


class WireTool(Wire):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None
    format: msgspec.Raw = msgspec.Raw()


class WireNamespace(Wire):
    type: str
    name: str
    tools: list[msgspec.Raw]
    description: str | None = None


class WireToolChoice(Wire):
    type: str
    name: str | None = None
    mode: str | None = None


# --- items of requests and answers -----------------------------------------------------------------


class WireKind(Wire):
    """What every item and every content part begins with; messages may leave the type out."""

    type: str | None = None
    role: str | None = None
    id: str | None = None


class WireMessage(Wire):
    content: str | list[msgspec.Raw] | None = None
    role: str | None = None
    type: str | None = None
    id: str | None = None
    status: str | None = None


class WireThought(Wire):
    """A part of a reasoning item's `summary` or `content`."""

    text: str = ""


class WireReasoning(Wire):
    type: str
    id: str | None = None
    status: str | None = None
    summary: list[WireThought] | None = None
    content: list[WireThought] | None = None
    encrypted_content: str | None = None


class WireCall(Wire):
    """A function's call (`arguments`) or a custom tool's (`input`)."""

    type: str
    call_id: str
    name: str
    namespace: str | None = None
    arguments: str | None = None
    input: str | None = None
    id: str | None = None
    status: str | None = None
    signature: str | None = None
    """No member of OpenAI's: where we keep another provider's proof that the call is its own."""


class WireCallOutput(Wire):
    type: str
    call_id: str
    output: str | list[msgspec.Raw]
    id: str | None = None
    status: str | None = None
    name: str | None = None
    namespace: str | None = None


class WireDrawing(Wire):
    """An `image_generation_call`."""

    type: str
    id: str | None = None
    status: str | None = None
    result: str | None = None
    output_format: str | None = None


class WireText(Wire):
    type: str
    text: str
    annotations: msgspec.Raw = msgspec.Raw()
    logprobs: msgspec.Raw = msgspec.Raw()
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireRefusal(Wire):
    type: str
    refusal: str


class WireImage(Wire):
    type: str
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireFile(Wire):
    type: str
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireAudioBody(Wire):
    data: str
    format: str


class WireAudio(Wire):
    type: str
    input_audio: WireAudioBody


# --- answers ---------------------------------------------------------------------------------------


class WireInputDetails(Wire):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class WireOutputDetails(Wire):
    reasoning_tokens: int | None = None


class WireUsage(Wire):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: WireInputDetails | None = None
    output_tokens_details: WireOutputDetails | None = None


class WireIncomplete(Wire):
    reason: str | None = None


class WireResponse(Wire):
    id: str | None = None
    object: str | None = None
    created_at: int | float | None = None
    model: str | None = None
    status: str | None = None
    output: list[msgspec.Raw] | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    error: msgspec.Raw = msgspec.Raw()
    incomplete_details: WireIncomplete | None = None


class WireEvent(Wire):
    """Any event of a stream."""

    type: str = ""
    delta: Any = None
    """A text, but for a few built-in tools'."""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    logprobs: msgspec.Raw = msgspec.Raw()
    item: msgspec.Raw = msgspec.Raw()
    part: msgspec.Raw = msgspec.Raw()
    annotation: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
