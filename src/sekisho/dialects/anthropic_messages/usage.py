"""Anthropic's token counts <-> the hub's.

`input_tokens` leaves out what was read from or written to the cache, so the kinds map one to one.
A provider's counts are read leniently: a wrong type counts as nothing, and every count is clamped.
"""

from typing import Any

import msgspec

from sekisho.core.usage import Usage
from sekisho.wire.counts import count

_KNOWN = frozenset(
    (
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "cache_creation",
        "output_tokens",
        "output_tokens_details",
        "service_tier",
    )
)
_TIERS = {"default": "standard"}
"""OpenAI's word -> Anthropic's."""


def read(found: Any) -> Usage | None:
    """The hub's counts from a decoded `usage` object; None where it counts nothing."""
    if not isinstance(found, dict) or not ("input_tokens" in found or "output_tokens" in found):
        return None
    long, short = _cache_writes(found)
    output = count(found.get("output_tokens"))
    details = found.get("output_tokens_details")
    thinking = count(details.get("thinking_tokens")) if type(details) is dict else 0
    return Usage(
        input=count(found.get("input_tokens")),
        cache_read=count(found.get("cache_read_input_tokens")),
        cache_write=short,
        cache_write_1h=long,
        output=output,
        reasoning=min(thinking, output),
    )


def tier(found: Any) -> str | None:
    """The service tier that the counts name."""
    word = found.get("service_tier") if isinstance(found, dict) else None
    return word if isinstance(word, str) else None


def rest(found: Any) -> msgspec.Raw | None:
    """What a `usage` object says beyond the hub's counts."""
    if not isinstance(found, dict):
        return None
    left = {name: value for name, value in found.items() if name not in _KNOWN and value is not None}
    return msgspec.Raw(msgspec.json.encode(left)) if left else None


def merge(start: Any, later: Any) -> Any:
    """Counts of a `message_start` brought up to date by a `message_delta`.

    Counts are cumulative, so the larger one is the newer; what the later object leaves out still holds.
    """
    if not isinstance(start, dict) or not isinstance(later, dict):
        return later if isinstance(later, dict) else start
    merged = dict(start)
    for name, value in later.items():
        before = merged.get(name)
        if value is None or (_is_count(before) and _is_count(value) and before > value):
            continue
        merged[name] = value
    return merged


def write(usage: Usage | None, service_tier: str | None = None) -> dict[str, object]:
    """A `usage` object; zeros where nothing is known, for the member is compulsory."""
    counts = usage or Usage()
    written: dict[str, object] = {
        "input_tokens": counts.input,
        "cache_creation_input_tokens": counts.cache_write + counts.cache_write_1h,
        "cache_read_input_tokens": counts.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.cache_write,
            "ephemeral_1h_input_tokens": counts.cache_write_1h,
        },
        "output_tokens": counts.output,
    }
    if counts.reasoning:
        written["output_tokens_details"] = {"thinking_tokens": counts.reasoning}
    if service_tier is not None:
        written["service_tier"] = _TIERS.get(service_tier, service_tier)
    return written


def _cache_writes(found: dict[str, Any]) -> tuple[int, int]:
    """(written for an hour, written for five minutes)."""
    total = count(found.get("cache_creation_input_tokens"))
    split = found.get("cache_creation")
    if not isinstance(split, dict):
        return 0, total
    long = count(split.get("ephemeral_1h_input_tokens"))
    short = count(split.get("ephemeral_5m_input_tokens"))
    return long, max(short, total - long)


def _is_count(value: Any) -> bool:
    return type(value) in (int, float)
