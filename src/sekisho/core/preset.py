"""Presets: settings of requests that are kept under a name, and applied where a request names them."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from sekisho.core.message import Value

MARK = "@preset/"
"""Before a preset's name, where a model's name is expected."""
ROUTING = ("model", "models", "provider", "route")
"""Which model and which targets: the same words in every API."""
KNOBS = ("max_tokens", "temperature", "top_p", "stop")
CHAT_KNOBS = (
    *KNOBS,
    *("top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed"),
    *("logit_bias", "reasoning", "reasoning_effort", "response_format", "verbosity"),
    *("tools", "tool_choice", "parallel_tool_calls"),
)
_SAME: Mapping[str, str] = MappingProxyType({name: name for name in CHAT_KNOBS})
SPELLED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "openai_chat": _SAME,
        "openai_completions": {
            name: name for name in (*KNOBS, "frequency_penalty", "presence_penalty", "seed", "logit_bias")
        },
        "openai_responses": {
            "max_tokens": "max_output_tokens",
            "temperature": "temperature",
            "top_p": "top_p",
            "reasoning": "reasoning",
        },
        "anthropic_messages": {
            "max_tokens": "max_tokens",
            "temperature": "temperature",
            "top_p": "top_p",
            "top_k": "top_k",
            "stop": "stop_sequences",
        },
    }
)
"""Dialect -> what presets keep, in the words of Chat Completions -> how the dialect spells it."""


class Preset(Value, frozen=True, kw_only=True):
    """The version of a preset that is applied: the latest."""

    slug: str
    version: int
    system_prompt: str | None = None
    config: Mapping[str, msgspec.Raw]
    """Some of `ROUTING` and `CHAT_KNOBS`."""

    @property
    def label(self) -> str:
        """For records."""
        return f"{self.slug}@{self.version}"
