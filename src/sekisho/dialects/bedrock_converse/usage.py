"""Bedrock's token counts <-> the hub's.

`inputTokens` leaves out what was read from or written to the cache, so the kinds map one to one;
`totalTokens` is the sum of all (Amazon Bedrock user guide, prompt caching; apache/apisix 14044, 2026-10).
Thinking is not counted apart. A provider's counts are read leniently: a wrong type counts as nothing, and
every count is clamped.
"""

from typing import Any

import msgspec

from sekisho.core.usage import Usage
from sekisho.wire import json
from sekisho.wire.counts import count

_KNOWN = frozenset(
    (
        "inputTokens",
        "outputTokens",
        "totalTokens",
        "cacheReadInputTokens",
        "cacheReadInputTokenCount",
        "cacheWriteInputTokens",
        "cacheWriteInputTokenCount",
        "cacheDetails",
    )
)


def read(found: Any) -> Usage | None:
    """The hub's counts from a decoded `usage` object; None where it counts nothing."""
    if not isinstance(found, dict) or not ("inputTokens" in found or "outputTokens" in found):
        return None
    # Older answers have `...TokenCount`, some have both.
    written = count(found.get("cacheWriteInputTokens", found.get("cacheWriteInputTokenCount")))
    long = min(_long(found.get("cacheDetails")), written)
    return Usage(
        input=count(found.get("inputTokens")),
        cache_read=count(found.get("cacheReadInputTokens", found.get("cacheReadInputTokenCount"))),
        cache_write=written - long,
        cache_write_1h=long,
        output=count(found.get("outputTokens")),
    )


def rest(found: Any) -> msgspec.Raw | None:
    """What a `usage` object says beyond the hub's counts."""
    if not isinstance(found, dict):
        return None
    left = {name: value for name, value in found.items() if name not in _KNOWN and value is not None}
    return json.raw(left) if left else None


def write(usage: Usage | None) -> dict[str, object]:
    """A `usage` object; zeros where nothing is known, for the member is compulsory."""
    counts = usage or Usage()
    written: dict[str, object] = {
        "inputTokens": counts.input,
        "outputTokens": counts.output,
        "totalTokens": counts.total,
    }
    writes = counts.cache_write + counts.cache_write_1h
    if counts.cache_read or writes:
        written["cacheReadInputTokens"] = counts.cache_read
        written["cacheWriteInputTokens"] = writes
    if writes:
        details = (("1h", counts.cache_write_1h), ("5m", counts.cache_write))
        written["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in details if count]
    return written


def _long(details: Any) -> int:
    """Tokens that were written for an hour."""
    if not isinstance(details, list):
        return 0
    return sum(
        count(detail.get("inputTokens"))
        for detail in details
        if isinstance(detail, dict) and detail.get("ttl") == "1h"
    )
