"""Token counts as providers send them, and what they come to."""

from collections.abc import Callable
from typing import Any

import msgspec

from sekisho.core.money import usd_text
from sekisho.core.usage import Usage

LIMIT = 10**12
"""More tokens than any call can have; larger counts are cut to it."""

Cost = Callable[[Usage, str | None], int | None]
"""(usage, service tier) -> nano-USD; see `core.contract.ReplyOptions`."""


def count(value: Any) -> int:
    """A count, read leniently: a wrong type counts as nothing, and every count is clamped."""
    if type(value) is int:  # not a bool, and the fast way out: this runs for every answer
        return value if 0 <= value <= LIMIT else min(max(value, 0), LIMIT)
    return int(min(max(value, 0.0), LIMIT)) if type(value) is float else 0


def shown_cost(usage: Usage | None, service_tier: str | None, cost: Cost | None) -> msgspec.Raw | None:
    """`cost` as OpenRouter has it: USD as a number, null for an unpriced call. None where none is shown."""
    if cost is None or usage is None:
        return None
    return usd(cost(usage, service_tier))


def usd(nano: int | None) -> msgspec.Raw:
    """An exact decimal number of USD, or null."""
    return msgspec.Raw(b"null" if nano is None else usd_text(nano).encode())


def in_openai_words(service_tier: str) -> str:
    """Anthropic's and Google's word for what OpenAI, and who follows it, calls `default`."""
    return "default" if service_tier == "standard" else service_tier
