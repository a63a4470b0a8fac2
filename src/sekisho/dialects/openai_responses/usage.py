"""Token counts: those of Chat Completions by other names, and money beside them.

`input_tokens` counts everything, its details the parts that were read from or written to the prompt cache;
`output_tokens` includes reasoning.
"""

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.usage import Usage
from sekisho.dialects.openai_responses.schema import WireInputDetails, WireOutputDetails, WireUsage
from sekisho.wire import openai_usage

_NO_INPUT = WireInputDetails()
_NO_OUTPUT = WireOutputDetails()
_SIDES = ("input", "output")


def read(wire: WireUsage | None) -> Usage | None:
    """The hub's counts, or None where the provider counted nothing."""
    if wire is None:
        return None
    prompt = wire.input_tokens_details or _NO_INPUT
    produced = wire.output_tokens_details or _NO_OUTPUT
    return openai_usage.read(
        openai_usage.WireUsage(
            prompt_tokens=wire.input_tokens,
            completion_tokens=wire.output_tokens,
            total_tokens=wire.total_tokens,
            prompt_tokens_details=openai_usage.WirePromptDetails(
                cached_tokens=prompt.cached_tokens, cache_write_tokens=prompt.cache_write_tokens
            ),
            completion_tokens_details=openai_usage.WireCompletionDetails(
                reasoning_tokens=produced.reasoning_tokens
            ),
        )
    )


def write(usage: Usage, service_tier: str | None, options: ReplyOptions) -> dict[str, object]:
    """A `usage` object, with OpenRouter's members for money where `options` ask for them."""
    found: dict[str, object] = {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
    return found | openai_usage.money(usage, service_tier, options, _SIDES)


def with_money(raw: msgspec.Raw, usage: Usage, service_tier: str | None, options: ReplyOptions) -> Members:
    """A provider's own usage object with money added; its other members stay byte for byte."""
    return openai_usage.with_money(raw, usage, service_tier, options, _SIDES)
