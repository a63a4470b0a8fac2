"""What a key can ask about itself and its calls, in the shapes of OpenRouter's API document."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any

from sekisho.core.calendar import window
from sekisho.core.limit import Limit
from sekisho.core.money import NANO, usd_text
from sekisho.core.port import Spending
from sekisho.core.principal import Principal
from sekisho.core.record import CallRecord
from sekisho.core.usage import Usage
from sekisho.pipeline.taken import Taken
from sekisho.wire.market_usage import usage_members

FINISHES = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}
"""Providers' words -> the contract's."""


RESETS = {"minute": "minutely", "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}


def key_report(principal: Principal, spending: Spending, limits: Sequence[Taken]) -> dict[str, Any]:
    """`GET /api/v1/key`. The limit is the budget that has the least left, of those that all calls of the key
    fall under."""
    budgets = [
        (each.left, each.limit)
        for each in limits
        if each.left is not None and each.limit.measure == "usd" and _covers_all(each.limit)
    ]
    left, limit = min(budgets, key=lambda each: each[0], default=(None, None))
    return {
        "data": {
            "label": principal.name,
            **usage_members(spending),
            "limit": None if limit is None else limit.amount / NANO,
            "limit_remaining": None if left is None else left / NANO,
            "limit_reset": None if limit is None else RESETS.get(limit.period or "total"),
            "is_free_tier": False,
            "is_management_key": principal.admin,
            "is_provisioning_key": principal.admin,
            "creator_user_id": None,
            "organization_id": principal.organisation,
            "workspace_id": None,
            "allowed_data_regions": ["global"],
            "budgets": [],
            "effective_budget": None,
            "free_model_daily_requests": {"limit": -1, "remaining": -1, "used": 0},
            "expires_at": _time(principal.expires) if principal.expires is not None else None,
            "rate_limit": {
                "requests": -1,
                "interval": "10s",
                "note": "This field is deprecated and safe to ignore.",
            },
        }
    }


def limits_report(limits: Sequence[Taken], now: float) -> dict[str, Any]:
    """`GET /v1/limits`: all that calls of the key may fall under. Amounts are texts: USD, or a number."""
    return {"object": "list", "data": [_limit_report(each, now) for each in limits]}


def _limit_report(found: Taken, now: float) -> dict[str, Any]:
    limit = found.limit
    ends = inf
    if limit.measure == "usd" and limit.period is not None:
        ends = window(limit.period, limit.time_zone, now)[1]
    return {
        "id": limit.id,
        "level": limit.level,
        "holder": limit.holder,
        "measure": "credits" if limit.tariffs is not None else limit.measure,
        "amount": _amount(limit, limit.amount),
        "left": None if found.left is None else _amount(limit, found.left),
        "period": limit.period,
        "time_zone": limit.time_zone,
        "resets": None if ends == inf else _time(ends),
        "each": limit.each,
        "model": limit.model,
        "provider": limit.provider,
        "tag": limit.tag,
    }


def _amount(limit: Limit, amount: int) -> str:
    return usd_text(amount) if limit.measure == "usd" else str(amount)


def _covers_all(limit: Limit) -> bool:
    return limit.model is None and limit.provider is None and limit.tag is None


def generation_report(record: CallRecord) -> dict[str, Any]:
    """`GET /api/v1/generation?id=`. Token counts are the provider's own."""
    usage = record.usage or Usage()
    cost = (record.cost or 0) / NANO
    generation = record.total_ms - record.first_token_ms if record.first_token_ms is not None else None
    report: dict[str, Any] = dict.fromkeys(_ABSENT)
    report.update(
        id=record.id,
        request_id=record.id,
        upstream_id=record.upstream_id,
        model=record.model or record.requested_model,
        provider_name=record.provider,
        created_at=_time(record.started),
        api_type="completions",
        streamed=record.stream,
        cancelled=record.outcome == "cancelled",
        latency=record.first_token_ms,
        generation_time=generation,
        finish_reason=FINISHES.get(record.finish or "", record.finish),
        native_finish_reason=record.finish,
        service_tier=record.service_tier,
        tokens_prompt=usage.prompt,
        tokens_completion=usage.output,
        native_tokens_prompt=usage.prompt,
        native_tokens_completion=usage.output,
        native_tokens_reasoning=usage.reasoning,
        native_tokens_cached=usage.cache_read,
        total_cost=cost,
        usage=cost,
        upstream_inference_cost=cost,
        is_byok=False,
        origin=record.app or "",
        http_referer=record.app,
        data_region="global",
        preset_id=_preset(record),
        provider_responses=[
            {
                "endpoint_id": f"{attempt.provider}/{attempt.upstream_model}",
                "status": attempt.status if attempt.code else 200,
                "latency": attempt.milliseconds,
            }
            for attempt in record.attempts
        ],
    )
    return {"data": report}


def _preset(record: CallRecord) -> str | None:
    """The id of the one that was applied."""
    applied = record.explanation.preset if record.explanation is not None else None
    return None if applied is None else f"{record.organisation}/{applied.rpartition('@')[0]}"


_ABSENT = (
    "app_id",
    "cache_discount",
    "external_user",
    "moderation_latency",
    "native_tokens_completion_images",
    "num_fetches",
    "num_input_audio_prompt",
    "num_media_completion",
    "num_media_prompt",
    "num_search_results",
    "router",
    "session_id",
    "user_agent",
    "web_search_engine",
    "workspace_id",
)
"""Members that the contract demands and that have no value here yet."""


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
