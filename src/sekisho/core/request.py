"""A call as the client asked for it, in no dialect."""

from typing import Literal

import msgspec

from sekisho.core.message import CacheMark, Message, Value, Vendor


class FunctionTool(Value, frozen=True, kw_only=True, tag_field="kind", tag="function"):
    name: str
    description: str | None = None
    schema: msgspec.Raw | None = None
    """JSON Schema of the arguments, byte for byte (a changed key order would miss the prompt cache)."""
    strict: bool | None = None
    cache: CacheMark | None = None
    vendor: Vendor | None = None


class CustomTool(Value, frozen=True, kw_only=True, tag_field="kind", tag="custom"):
    """A tool whose input is free text, optionally held to a grammar."""

    name: str
    description: str | None = None
    format: msgspec.Raw | None = None
    vendor: Vendor | None = None


class ProviderTool(Value, frozen=True, kw_only=True, tag_field="kind", tag="provider"):
    """A tool that the provider runs itself (web search, code execution). Only its own dialect takes it."""

    dialect: str
    type: str
    raw: msgspec.Raw


Tool = FunctionTool | CustomTool | ProviderTool


class ToolChoice(Value, frozen=True, kw_only=True):
    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None
    """Set if and only if mode is `named`."""


class OutputFormat(Value, frozen=True, kw_only=True):
    """What shape the answer's text must have. `schema` is set if and only if kind is `json_schema`."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw | None = None
    strict: bool | None = None


class ReasoningSettings(Value, frozen=True, kw_only=True):
    """How much the model may think. None everywhere: the model's default."""

    enabled: bool | None = None
    effort: str | None = None
    """none | minimal | low | medium | high | xhigh | max"""
    budget_tokens: int | None = None
    adaptive: bool = False
    """The model decides for itself how much it thinks (Anthropic's `adaptive`)."""


class Sampling(Value, frozen=True, kw_only=True):
    """Tuning knobs: a target that lacks one drops it, and says so."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: msgspec.Raw | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    verbosity: str | None = None


class Request(Value, frozen=True, kw_only=True):
    model: str
    """As the client named it; what goes upstream stands in `TargetFacts.model`."""
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    choices: int | None = None
    """How many alternative answers (`n`); None where the client did not say."""
    sampling: Sampling = Sampling()
    output: OutputFormat | None = None
    reasoning: ReasoningSettings | None = None
    service_tier: str | None = None
    user: str | None = None
    metadata: msgspec.Raw | None = None
    """What the client files the answer under, an object; nothing that the model sees."""
    cache_key: str | None = None
    """Leads calls with the same beginning to the same prompt cache."""
    stream: bool = False
    include_usage: bool = False
    """The client wants a usage event in an `openai_chat` stream."""
    cache: CacheMark | None = None
    """A mark on the request itself: the provider places it on the last part it can cache."""
    required: tuple[str, ...] = ()
    """Names of members of `vendor` without which this would be another request (`previous_response_id`): a
    dialect that cannot say one has lost content, not a knob."""
    vendor: Vendor | None = None
