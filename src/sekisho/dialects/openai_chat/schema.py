"""Shapes of OpenAI's Chat Completions, with the members that compatible providers add.

A shape names only what the hub understands; see `shape` for what becomes of the rest. Null members are
taken as absent everywhere.
"""

import msgspec

from sekisho.wire.openai_usage import WireUsage
from sekisho.wire.shape import Wire

# --- request ---------------------------------------------------------------------------------------


class WireRequest(Wire):
    model: str
    messages: list[msgspec.Raw]
    tools: list[msgspec.Raw] | None = None
    tool_choice: msgspec.Raw = msgspec.Raw()
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    n: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, msgspec.Raw] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    verbosity: str | None = None
    response_format: msgspec.Raw = msgspec.Raw()
    reasoning_effort: str | None = None
    reasoning: msgspec.Raw = msgspec.Raw()
    thinking: msgspec.Raw = msgspec.Raw()
    service_tier: str | None = None
    user: str | None = None
    metadata: dict[str, msgspec.Raw] | None = None
    prompt_cache_key: str | None = None
    stream: bool | None = None
    stream_options: msgspec.Raw = msgspec.Raw()
    cache_control: msgspec.Raw = msgspec.Raw()
    functions: msgspec.Raw = msgspec.Raw()
    function_call: msgspec.Raw = msgspec.Raw()


class WireReasoning(Wire):
    """OpenRouter's `reasoning`."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None


class WireThinking(Wire):
    """`thinking` of DeepSeek, Z.ai and Anthropic's compatible endpoint."""

    type: str | None = None
    budget_tokens: int | None = None


class WireJsonSchema(Wire):
    name: str
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class WireFormat(Wire):
    type: str
    json_schema: msgspec.Raw = msgspec.Raw()


class WireFunction(Wire):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class WireCustom(Wire):
    name: str
    description: str | None = None
    format: msgspec.Raw = msgspec.Raw()


class WireTool(Wire):
    type: str
    function: msgspec.Raw = msgspec.Raw()
    custom: msgspec.Raw = msgspec.Raw()
    cache_control: msgspec.Raw = msgspec.Raw()


class WireName(Wire):
    name: str


class WireAllowed(Wire):
    mode: str


class WireToolChoice(Wire):
    type: str
    function: WireName | None = None
    custom: WireName | None = None
    allowed_tools: WireAllowed | None = None


class WireCacheControl(Wire):
    type: str
    ttl: str | None = None


# --- messages, of requests and replies -------------------------------------------------------------


class WireMessage(Wire):
    role: str
    content: str | list[msgspec.Raw] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[msgspec.Raw] | None = None
    tool_calls: list[msgspec.Raw] | None = None
    tool_call_id: str | None = None
    audio: msgspec.Raw = msgspec.Raw()
    images: list[msgspec.Raw] | None = None
    function_call: msgspec.Raw = msgspec.Raw()
    cache_control: msgspec.Raw = msgspec.Raw()


class WireKind(Wire):
    type: str


class WireText(Wire):
    type: str
    text: str
    cache_control: msgspec.Raw = msgspec.Raw()
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireRefusal(Wire):
    type: str
    refusal: str


class WireImageUrl(Wire):
    url: str
    detail: str | None = None


class WireImage(Wire):
    image_url: WireImageUrl | str
    type: str | None = None
    cache_control: msgspec.Raw = msgspec.Raw()
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireVideoUrl(Wire):
    url: str


class WireVideo(Wire):
    """OpenRouter's and vLLM's, in the shape of an image."""

    type: str
    video_url: WireVideoUrl
    cache_control: msgspec.Raw = msgspec.Raw()
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireFileBody(Wire):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class WireFile(Wire):
    type: str
    file: WireFileBody
    cache_control: msgspec.Raw = msgspec.Raw()
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireAudioBody(Wire):
    data: str
    format: str


class WireAudio(Wire):
    type: str
    input_audio: WireAudioBody
    cache_control: msgspec.Raw = msgspec.Raw()
    prompt_cache_breakpoint: msgspec.Raw = msgspec.Raw()


class WireAudioAnswer(Wire):
    """`audio` of an assistant message: produced (`data`), or named again in a later request (`id` only)."""

    id: str | None = None
    data: str | None = None
    transcript: str | None = None


class WireFunctionCall(Wire):
    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None


class WireCustomCall(Wire):
    name: str | None = None
    input: str | None = None


class WireToolCall(Wire):
    """A whole call, or a stream's piece of one. Some servers send `arguments` as an object."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: WireFunctionCall | None = None
    custom: WireCustomCall | None = None
    extra_content: msgspec.Raw = msgspec.Raw()


class WireDetail(Wire):
    """One of OpenRouter's `reasoning_details`."""

    type: str
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None


# --- answers ---------------------------------------------------------------------------------------


class WireChoice(Wire):
    index: int = 0
    message: msgspec.Raw = msgspec.Raw()
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    stop_reason: str | int | None = None
    """vLLM: the stop sequence that was hit (a text), or a token's number."""
    logprobs: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class WireReply(Wire):
    id: str | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    choices: list[msgspec.Raw] | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    error: msgspec.Raw = msgspec.Raw()


class WireDelta(Wire):
    content: str | list[msgspec.Raw] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[msgspec.Raw] | None = None
    tool_calls: list[msgspec.Raw] | None = None
    audio: msgspec.Raw = msgspec.Raw()
    images: list[msgspec.Raw] | None = None
    annotations: list[msgspec.Raw] | None = None


class WireChunkChoice(Wire):
    index: int = 0
    delta: WireDelta | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    stop_reason: str | int | None = None
    logprobs: msgspec.Raw = msgspec.Raw()


class WireChunk(Wire):
    id: str | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    choices: list[WireChunkChoice] | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    error: msgspec.Raw = msgspec.Raw()
    obfuscation: str | None = None
    """Padding against traffic analysis; means nothing."""
