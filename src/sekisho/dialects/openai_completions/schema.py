"""Shapes of OpenAI's legacy Completions (openai-python, `types/completion*.py`, 2026-11).

A shape names only what the hub understands; the rest travels in `vendor["openai_completions"]`. Null
members are taken as absent everywhere.
"""

import msgspec

from sekisho.wire.openai_usage import WireUsage
from sekisho.wire.shape import Kept, Wire

NAME = "openai_completions"

_kept = Kept(NAME)
vendor_of = _kept.keep
own = _kept.own
spread = _kept.spread


class WireRequest(Wire):
    model: str
    prompt: str | list[msgspec.Raw] | None = None
    suffix: str | None = None
    echo: bool | None = None
    best_of: int | None = None
    n: int | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, msgspec.Raw] | None = None
    logprobs: int | None = None
    user: str | None = None
    stream: bool | None = None
    stream_options: msgspec.Raw = msgspec.Raw()


class WireLogprobs(Wire):
    """Lists of one length, an entry for every token. An echoed prompt's first token has no probability."""

    tokens: list[str] | None = None
    token_logprobs: list[msgspec.Raw] | None = None
    top_logprobs: list[dict[str, msgspec.Raw] | None] | None = None
    text_offset: list[int] | None = None


class WireChoice(Wire):
    """Of a whole answer, or of a stream's chunk: the shape is the same."""

    index: int = 0
    text: str | None = None
    logprobs: WireLogprobs | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    stop_reason: str | int | None = None
    """vLLM: the stop sequence that was hit (a text), or a token's number."""
    error: msgspec.Raw = msgspec.Raw()


class WireReply(Wire):
    """A whole answer, or a stream's chunk."""

    id: str | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    choices: list[msgspec.Raw] | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    error: msgspec.Raw = msgspec.Raw()
