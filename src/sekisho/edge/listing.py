"""The lists of models, in OpenAI's and Anthropic's shape at once, and in OpenRouter's."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sekisho.core.money import MILLION, NANO, Price
from sekisho.core.principal import Principal
from sekisho.core.provider import ModelFacts
from sekisho.core.route import Route, Snapshot
from sekisho.pipeline.steps.access import may_use

PARAMETERS = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "top_a",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "max_tokens",
        "max_completion_tokens",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "prediction",
        "seed",
        "response_format",
        "structured_outputs",
        "stop",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "include_reasoning",
        "reasoning",
        "reasoning_effort",
        "web_search_options",
        "verbosity",
    }
)
"""What OpenRouter's contract allows in `supported_parameters`."""


def plain(snapshot: Snapshot, principal: Principal) -> dict[str, Any]:
    """`GET /v1/models`: one object that both OpenAI's and Anthropic's SDKs read."""
    data = [_plain_entry(route, snapshot) for route in _visible(snapshot, principal)]
    return {
        "object": "list",
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def marketplace(snapshot: Snapshot, principal: Principal) -> dict[str, Any]:
    """`GET /api/v1/models` as OpenRouter has it."""
    data = [_marketplace_entry(route, snapshot) for route in _visible(snapshot, principal)]
    return {"data": data, "total_count": len(data), "links": {"next": None}}


def _visible(snapshot: Snapshot, principal: Principal) -> list[Route]:
    return [route for route in snapshot.routes.values() if may_use(principal, route)]


def _facts(route: Route, snapshot: Snapshot) -> ModelFacts | None:
    return snapshot.models.get(route.targets[0].endpoint.model)


def _retires(route: Route) -> str | None:
    """The day on which the last of its targets is switched off; None: not all of them are, so far."""
    days = [target.endpoint.retires for target in route.targets]
    return None if None in days else max(day.date for day in days if day is not None)


def _plain_entry(route: Route, snapshot: Snapshot) -> dict[str, Any]:
    facts = _facts(route, snapshot)
    created = (facts.created if facts else None) or 0
    return {
        "id": route.name,
        "object": "model",
        "created": created,
        "owned_by": route.name.partition("/")[0],
        "type": "model",
        "display_name": facts.name if facts and not route.virtual else route.name,
        "created_at": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "shutdown_date": _retires(route),
    }


def _marketplace_entry(route: Route, snapshot: Snapshot) -> dict[str, Any]:
    facts = _facts(route, snapshot)
    endpoint = route.targets[0].endpoint
    context = endpoint.context_length or (facts.context_length if facts else None)
    inputs = list(facts.input_modalities) if facts else ["text"]
    outputs = list(facts.output_modalities) if facts else ["text"]
    return {
        "id": route.name,
        "canonical_slug": endpoint.model,
        "name": facts.name if facts and not route.virtual else route.name,
        "created": (facts.created if facts else None) or 0,
        "context_length": context,
        "architecture": {
            "modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}",
            "input_modalities": inputs,
            "output_modalities": outputs,
            "instruct_type": None,
        },
        "pricing": _pricing(endpoint.price),
        "top_provider": {
            "context_length": context,
            "max_completion_tokens": endpoint.max_output or (facts.max_output if facts else None),
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": [name for name in facts.parameters if name in PARAMETERS] if facts else [],
        "default_parameters": None,
        "expiration_date": _retires(route),
        "supported_voices": None,
        "links": {"details": f"/api/v1/models/{endpoint.model}/endpoints"},
    }


def _pricing(price: Price | None) -> dict[str, str]:
    """USD per token as decimal text. An unpriced model says -1, as the marketplace does where no fixed price
    can be named: never 0, which would mean free."""
    if price is None:
        return {"prompt": "-1", "completion": "-1"}
    rates = price.base
    shown = {"prompt": _per_token(rates.input), "completion": _per_token(rates.output)}
    optional = {
        "input_cache_read": rates.cache_read,
        "input_cache_write": rates.cache_write,
        "input_cache_write_1h": rates.cache_write_1h,
        "audio": rates.input_audio,
        "audio_output": rates.output_audio,
    }
    shown.update({name: _per_token(rate) for name, rate in optional.items() if rate is not None})
    if rates.request:
        shown["request"] = _decimal(Decimal(rates.request) / NANO)
    return shown


def _per_token(rate: int) -> str:
    return _decimal(Decimal(rate) / NANO / MILLION)


def _decimal(value: Decimal) -> str:
    return format(value.normalize(), "f")
