"""The lists of models, in OpenAI's and Anthropic's shape at once, and in OpenRouter's."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from sekisho.core.principal import Principal
from sekisho.core.provider import ModelFacts
from sekisho.core.route import Route, Snapshot
from sekisho.edge.pricing import encoded_pricing
from sekisho.pipeline.steps.access import may_use
from sekisho.wire import json

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
TEXT = ("text",)


def plain(snapshot: Snapshot, principal: Principal) -> dict[str, Any]:
    """`GET /v1/models`: one object that both OpenAI's and Anthropic's SDKs read."""
    data = [_plain_entry(route, snapshot) for route in visible(snapshot, principal)]
    return {
        "object": "list",
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def visible(snapshot: Snapshot, principal: Principal) -> list[Route]:
    """The listed routes that this key may use."""
    return [route for route in snapshot.routes.values() if may_use(principal, route)]


def facts_of(route: Route, snapshot: Snapshot) -> ModelFacts | None:
    return snapshot.models.get(route.targets[0].endpoint.model)


def _retires(route: Route) -> str | None:
    """The day on which the last of its targets is switched off; None: not all of them are, so far."""
    last = ""
    for target in route.targets:
        day = target.endpoint.retires
        if day is None:
            return None
        last = max(last, day.date)
    return last


def shown_name(route: Route, facts: ModelFacts | None) -> str:
    """For people."""
    return facts.name if facts and not route.virtual else route.name


def context_of(route: Route, facts: ModelFacts | None) -> int | None:
    """Tokens."""
    return route.targets[0].endpoint.context_length or (facts.context_length if facts else None)


def _plain_entry(route: Route, snapshot: Snapshot) -> dict[str, Any]:
    facts = facts_of(route, snapshot)
    created = created_of(facts)
    return {
        "id": route.name,
        "object": "model",
        "created": created,
        "owned_by": route.name.partition("/")[0],
        "type": "model",
        "display_name": shown_name(route, facts),
        "created_at": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "shutdown_date": _retires(route),
    }


class _Links(msgspec.Struct, frozen=True, gc=False):
    details: str


class _TopProvider(msgspec.Struct, frozen=True, gc=False):
    context_length: int | None
    max_completion_tokens: int | None
    is_moderated: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One of `GET /api/v1/models`, as OpenRouter has it. Parts that models share come encoded."""

    id: str
    canonical_slug: str
    name: str
    created: int
    context_length: int | None
    architecture: msgspec.Raw
    pricing: msgspec.Raw
    top_provider: _TopProvider
    per_request_limits: None = None
    supported_parameters: msgspec.Raw
    default_parameters: None = None
    expiration_date: str | None
    supported_voices: None = None
    links: _Links


def marketplace_entry(route: Route, facts: ModelFacts | None) -> Entry:
    endpoint = route.targets[0].endpoint
    context = context_of(route, facts)
    return Entry(
        id=route.name,
        canonical_slug=endpoint.model,
        name=shown_name(route, facts),
        created=created_of(facts),
        context_length=context,
        architecture=_encoded_architecture(*_modalities(facts)),
        pricing=encoded_pricing(None if endpoint.price is None else endpoint.price.base),
        top_provider=_TopProvider(context, endpoint.max_output or (facts.max_output if facts else None)),
        supported_parameters=_encoded_parameters(facts.parameters if facts else ()),
        expiration_date=_retires(route),
        links=_Links(f"/api/v1/models/{endpoint.model}/endpoints"),
    )


def created_of(facts: ModelFacts | None) -> int:
    """Seconds since the epoch; 0: not known."""
    return (facts.created if facts else None) or 0


def architecture(facts: ModelFacts | None) -> dict[str, Any]:
    """What goes in and comes out; of a model that nothing is known of, text."""
    return _architecture(*_modalities(facts))


def _modalities(facts: ModelFacts | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (facts.input_modalities, facts.output_modalities) if facts else (TEXT, TEXT)


def _architecture(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> dict[str, Any]:
    return {
        "modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}",
        "input_modalities": inputs,
        "output_modalities": outputs,
        "instruct_type": None,
    }


@lru_cache(maxsize=256)
def _encoded_architecture(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> msgspec.Raw:
    return json.raw(_architecture(inputs, outputs))


def parameters(facts: ModelFacts | None) -> list[str]:
    """Those that the contract has a name for; empty: not known."""
    return _parameters(facts.parameters) if facts else []


@lru_cache(maxsize=1024)
def _parameters(known: tuple[str, ...]) -> list[str]:
    return [name for name in known if name in PARAMETERS]


@lru_cache(maxsize=1024)
def _encoded_parameters(known: tuple[str, ...]) -> msgspec.Raw:
    return json.raw(_parameters(known))
