"""A model's endpoints as OpenRouter's API document has them, with what was measured here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sekisho.core.port import Uptime
from sekisho.core.provider import Endpoint, ModelFacts
from sekisho.core.route import Route, Snapshot
from sekisho.edge import listing
from sekisho.edge.pricing import pricing
from sekisho.routing.board import Board, Standing
from sekisho.routing.window import Window

Uptimes = Mapping[tuple[str, str], Uptime]
"""By provider and model."""
NOT_CALLED = Uptime()
WELL, OUT_OF_ORDER = 0, -2
TOKENIZER = "Other"
"""The document wants one of its families of tokenizers, and the catalogue knows none."""
RECENT = 300.0
"""Seconds."""
SHARES = (("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p99", 0.99))


def report(route: Route, snapshot: Snapshot, board: Board, uptimes: Uptimes) -> dict[str, Any]:
    """`GET /api/v1/models/{author}/{slug}/endpoints`."""
    facts = listing.facts_of(route, snapshot)
    return {
        "data": {
            "id": route.name,
            "name": listing.shown_name(route, facts),
            "created": listing.created_of(facts),
            "description": "",
            "architecture": {"tokenizer": TOKENIZER, **listing.architecture(facts)},
            "endpoints": endpoints((target.endpoint for target in route.targets), board, uptimes),
        }
    }


def endpoints(found: Iterable[Endpoint], board: Board, uptimes: Uptimes) -> list[dict[str, Any]]:
    return [
        _endpoint(each, board, uptimes.get((each.provider.name, each.model), NOT_CALLED)) for each in found
    ]


def _endpoint(endpoint: Endpoint, board: Board, uptime: Uptime) -> dict[str, Any]:
    """Context of 0: it is not known."""
    provider, facts, price = endpoint.provider, endpoint.facts, endpoint.price
    standing, now = board.of(endpoint.id), board.now()
    return {
        "name": f"{provider.label} | {endpoint.model}",
        "model_id": endpoint.model,
        "model_name": _name(endpoint, facts),
        "context_length": endpoint.context_length or 0,
        "pricing": pricing(price),
        "provider_name": provider.label,
        "tag": provider.name,
        "quantization": endpoint.quantization,
        "max_completion_tokens": endpoint.max_output,
        "max_prompt_tokens": None,
        "supported_parameters": listing.parameters(facts),
        "supports_tool_choice": _tool_choices(facts),
        "native_tools": {},
        "service_tier": None,
        "supports_diarization": False,
        "status": WELL if board.admits(endpoint.id) else OUT_OF_ORDER,
        "uptime_last_5m": _uptime(standing, now),
        "uptime_last_30m": uptime.half_hour,
        "uptime_last_1d": uptime.day,
        "supports_implicit_caching": price is not None and price.base.cache_read is not None,
        "latency_last_30m": _percentiles(standing.first_token, now, 1000.0),
        "throughput_last_30m": _percentiles(standing.speed, now, 1.0, falling=True),
        "region": provider.policy.region,
        "data_policy": {
            "training": provider.policy.trains,
            "retention_days": provider.policy.retention_days,
            "origin": provider.policy.origin,
        },
    }


def _name(endpoint: Endpoint, facts: ModelFacts | None) -> str:
    return facts.name if facts else endpoint.model


def _tool_choices(facts: ModelFacts | None) -> dict[str, bool]:
    """As far as the model's parameters tell; none where they are not known."""
    takes = facts is not None and "tool_choice" in facts.parameters
    return dict.fromkeys(("auto", "none", "required", "function"), takes)


def _uptime(standing: Standing, now: float) -> float | None:
    """Percent of the recent calls, those of long ago counting less; None: there were none."""
    health = standing.health
    counted = health.good + health.bad
    if counted <= 0 or now - health.counted > RECENT:
        return None
    return round(100 * health.good / counted, 2)


def _percentiles(
    window: Window, now: float, unit: float, *, falling: bool = False
) -> dict[str, float] | None:
    """Of the last five minutes. `falling`: more is better, so that the slow ones are those of p99."""
    found: dict[str, float] = {}
    for name, share in SHARES:
        value = window.percentile(1 - share if falling else share, now)
        if value is None:
            return None
        found[name] = round(value * unit, 3)
    return found


def providers(snapshot: Snapshot) -> dict[str, Sequence[dict[str, Any]]]:
    """`GET /api/v1/providers`: those that are configured here."""
    return {
        "data": [
            {
                "name": provider.label,
                "slug": provider.name,
                "headquarters": provider.policy.origin,
                "datacenters": _countries(provider.policy.region),
                "privacy_policy_url": None,
                "terms_of_service_url": None,
                "status_page_url": None,
            }
            for provider in snapshot.providers.values()
        ]
    }


def _countries(region: str | None) -> list[str] | None:
    """The document knows countries only."""
    return [region] if region is not None and len(region) == 2 and region.isupper() else None
