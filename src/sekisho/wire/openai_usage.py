"""Token counts: OpenAI's overlapping ones <-> the hub's, which never overlap; and money beside them.

`prompt_tokens` counts everything, `prompt_tokens_details` the parts of it that were read from or written
to the prompt cache; `completion_tokens` includes reasoning.
"""

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.usage import Usage
from sekisho.wire import json
from sekisho.wire.counts import LIMIT, usd
from sekisho.wire.json import members_of
from sekisho.wire.shape import Wire

Sides = tuple[str, str]
"""What an API calls what it is asked and what it answers, in OpenRouter's names of their costs."""
CHAT_SIDES = ("prompt", "completions")


class WirePromptDetails(Wire):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class WireCompletionDetails(Wire):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class WireUsage(Wire):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: WirePromptDetails | None = None
    completion_tokens_details: WireCompletionDetails | None = None
    cached_tokens: int | None = None
    """Moonshot's place for it."""
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's."""


_NO_PROMPT = WirePromptDetails()
_NO_COMPLETION = WireCompletionDetails()


def read(wire: WireUsage | None) -> Usage | None:
    """The hub's counts, or None where the provider counted nothing. Inconsistent details never make a
    count negative."""
    if wire is None or (wire.prompt_tokens is None and wire.completion_tokens is None):
        return None
    details = wire.prompt_tokens_details or _NO_PROMPT
    produced = wire.completion_tokens_details or _NO_COMPLETION
    prompt, output = within(wire.prompt_tokens), within(wire.completion_tokens)
    cached = details.cached_tokens or wire.cached_tokens or wire.prompt_cache_hit_tokens
    cache_read = within(cached, prompt) if cached else 0
    written = details.cache_write_tokens
    cache_write = within(written, prompt - cache_read) if written else 0
    fresh = prompt - cache_read - cache_write
    reasoning, audio = produced.reasoning_tokens, details.audio_tokens
    if reasoning:
        reasoning = within(reasoning)
        if wire.total_tokens == prompt + output + reasoning:
            output += reasoning  # xAI counts reasoning beside `completion_tokens`, and says so by its total
    return Usage(
        input=fresh,
        cache_read=cache_read,
        cache_write=cache_write,
        output=output,
        reasoning=within(reasoning, output) if reasoning else 0,
        input_audio=within(audio, fresh) if audio else 0,
        output_audio=within(produced.audio_tokens, output) if produced.audio_tokens else 0,
    )


def within(count: int | None, ceiling: int = LIMIT) -> int:
    """A count, held between 0 and `ceiling`."""
    if not count or count < 0:
        return 0
    return count if count < ceiling else ceiling


def write(usage: Usage, service_tier: str | None, options: ReplyOptions) -> dict[str, object]:
    """OpenAI's `usage` object, with OpenRouter's members for money where `options` ask for them."""
    prompt: dict[str, object] = {"cached_tokens": usage.cache_read, "audio_tokens": usage.input_audio}
    written = usage.cache_write + usage.cache_write_1h
    if written:
        prompt["cache_write_tokens"] = written
    found: dict[str, object] = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.output_audio,
        },
    }
    return found | money(usage, service_tier, options)


def with_money(
    raw: msgspec.Raw,
    usage: Usage,
    service_tier: str | None,
    options: ReplyOptions,
    sides: Sides = CHAT_SIDES,
) -> Members:
    """A provider's own usage object with money added; its other members stay byte for byte."""
    members: Members = members_of(raw)
    return {**members, **money(usage, service_tier, options, sides)}


def money(
    usage: Usage,
    service_tier: str | None,
    options: ReplyOptions,
    sides: Sides = CHAT_SIDES,
) -> Members:
    """OpenRouter's `cost`, `cost_details` and `is_byok`; nothing where `options` show no money.

    Amounts are exact decimal numbers in USD. An unpriced call says no `cost`, and never zero: null, which the
    document allows, is more than some of OpenRouter's own clients can read.
    """
    if options.cost is None:
        return {}
    total = options.cost(usage, service_tier)
    if total is None:
        return {"is_byok": json.raw(value=False)}
    prompt_only = msgspec.structs.replace(usage, output=0, reasoning=0, output_audio=0)
    prompt = options.cost(prompt_only, service_tier) or 0
    details = {
        "upstream_inference_cost": usd(total),
        f"upstream_inference_{sides[0]}_cost": usd(prompt),
        f"upstream_inference_{sides[1]}_cost": usd(total - prompt),
    }
    return {
        "cost": usd(total),
        "cost_details": json.raw(details),
        "is_byok": json.raw(value=False),
    }
