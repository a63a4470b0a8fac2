"""Google's token counts <-> the hub's, which never overlap; and money beside them.

`promptTokenCount` includes what was read from the cache, but not what tools that Google ran put into the
prompt (`toolUsePromptTokenCount`); `candidatesTokenCount` leaves out the thoughts. Counts are read leniently:
a wrong type counts as nothing. https://ai.google.dev/api/generate-content#UsageMetadata (2026-11)
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sekisho.core.contract import Members
from sekisho.core.usage import Usage
from sekisho.wire.counts import Cost, count, usd
from sekisho.wire.json import decode, members_of

TOOL_USE = "toolUsePromptTokenCount"

_KNOWN = frozenset(
    (
        "promptTokenCount",
        "cachedContentTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "totalTokenCount",
    )
)
_TRAFFIC = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}
"""Vertex AI's words for service tiers. The Gemini API says the tier in a header (2026-11)."""
_SHOWN = {tier: traffic for traffic, tier in _TRAFFIC.items()}

Found = Mapping[str, Any]


def parse(raw: msgspec.Raw) -> Found:
    """The decoded object; empty for anything else."""
    found = decode(raw) if bytes(raw) else None
    return found if isinstance(found, dict) else {}


def read(found: Found) -> Usage | None:
    """The hub's counts; None where Google counted nothing."""
    if not _KNOWN & found.keys():
        return None
    prompt = count(found.get("promptTokenCount"))
    cached = min(count(found.get("cachedContentTokenCount")), prompt)
    answer, thoughts = count(found.get("candidatesTokenCount")), count(found.get("thoughtsTokenCount"))
    fresh = prompt - cached + count(found.get(TOOL_USE))
    heard = _audio(found.get("promptTokensDetails")) - _audio(found.get("cacheTokensDetails"))
    return Usage(
        input=fresh,
        cache_read=cached,
        output=answer + thoughts,
        reasoning=thoughts,
        input_audio=min(max(heard, 0), fresh),
        output_audio=min(_audio(found.get("candidatesTokensDetails")), answer),
    )


def tier(found: Found) -> str | None:
    """The service tier that the call had."""
    word = found.get("serviceTier")
    if isinstance(word, str) and word:
        return word.lower()
    traffic = found.get("trafficType")
    return _TRAFFIC.get(traffic) if isinstance(traffic, str) else None


def rest(raw: msgspec.Raw) -> Members:
    """What the object says beyond the hub's counts."""
    if not bytes(raw).startswith(b"{"):
        return {}
    members = members_of(raw)
    return {name: value for name, value in members.items() if name not in _KNOWN and bytes(value) != b"null"}


def write(
    usage: Usage | None, service_tier: str | None, kept: Members, cost: Cost | None
) -> dict[str, object]:
    """`usageMetadata`, with what the reader `kept` of the provider's own."""
    if usage is None:
        return {**kept}
    tools = count(decode(kept[TOOL_USE])) if TOOL_USE in kept else 0
    written: dict[str, object] = {"promptTokenCount": max(usage.prompt - tools, usage.cache_read)}
    if usage.cache_read:
        written["cachedContentTokenCount"] = usage.cache_read
    written["candidatesTokenCount"] = usage.output - usage.reasoning
    if usage.reasoning:
        written["thoughtsTokenCount"] = usage.reasoning
    written["totalTokenCount"] = usage.total
    added = _details(usage)
    if service_tier in _SHOWN and "serviceTier" not in kept:
        added["trafficType"] = _SHOWN[service_tier]
    written |= {name: value for name, value in added.items() if name not in kept}
    return {**written, **kept, **price(usage, service_tier, cost)}


def price(usage: Usage | None, service_tier: str | None, cost: Cost | None) -> Members:
    """`cost` as OpenRouter has it: USD as a number, null for an unpriced call. Empty where none is shown."""
    if cost is None or usage is None:
        return {}
    return {"cost": usd(cost(usage, service_tier))}


def _details(usage: Usage) -> dict[str, object]:
    """Spoken tokens, which cost other than written ones."""
    found: dict[str, object] = {}
    if usage.input_audio:
        found["promptTokensDetails"] = [{"modality": "AUDIO", "tokenCount": usage.input_audio}]
    if usage.output_audio:
        found["candidatesTokensDetails"] = [{"modality": "AUDIO", "tokenCount": usage.output_audio}]
    return found


def _audio(details: Any) -> int:
    if type(details) is not list:
        return 0
    return sum(
        count(item.get("tokenCount"))
        for item in details
        if isinstance(item, dict) and item.get("modality") == "AUDIO"
    )
