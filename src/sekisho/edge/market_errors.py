"""Errors below `/api/v1`, in the shape of OpenRouter's API document.

Only what comes in an API of OpenAI's family: Anthropic's clients get Anthropic's errors there too.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sekisho.core.contract import Dialect
from sekisho.core.error import (
    BodyTooLarge,
    BudgetReached,
    ClientError,
    ContentFiltered,
    ContextTooLong,
    Forbidden,
    LimitError,
    NotFound,
    Overloaded,
    ProviderRejected,
    RequestTimeout,
    SekishoError,
    Throttled,
    Unauthorized,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.core.exchange import Exchange
from sekisho.edge.message import error_status
from sekisho.wire import json, sse
from sekisho.wire.told import told

CHAT, COMPLETIONS = "openai_chat", "openai_completions"
OWN = frozenset({"anthropic_messages"})
"""Dialects whose errors the document leaves as they are."""
_TYPES: Mapping[type[SekishoError], str] = MappingProxyType(
    {
        ContextTooLong: "context_length_exceeded",
        ContentFiltered: "content_policy_violation",
        ProviderRejected: "invalid_request",
        Unauthorized: "authentication",
        Forbidden: "permission_denied",
        NotFound: "not_found",
        BodyTooLarge: "payload_too_large",
        Unsupported: "unprocessable",
        RequestTimeout: "timeout",
        ClientError: "invalid_request",
        BudgetReached: "payment_required",
        LimitError: "rate_limit_exceeded",
        Throttled: "rate_limit_exceeded",
        Overloaded: "provider_overloaded",
        UpstreamTimeout: "timeout",
        UpstreamError: "provider_unavailable",
        SekishoError: "server",
    }
)
"""Kinds of errors -> the document's words. The nearest kind counts."""


def shapes(dialect: Dialect) -> bool:
    """Whether errors of this dialect's paths have the document's shape."""
    return dialect.name not in OWN


def frames(dialect: Dialect) -> bool:
    """Whether a stream of this dialect ends in the document's chunk: others have events of their own."""
    return dialect.name in (CHAT, COMPLETIONS)


def write(error: SekishoError, request_id: str) -> bytes:
    """The body of an answer."""
    return json.encode({"error": _described(error, request_id), "request_id": request_id})


def write_frame(error: SekishoError, exchange: Exchange) -> bytes:
    """The last event of a stream that broke off: a chunk of the answer that says so. No `[DONE]` follows."""
    facts = exchange.facts
    chat = exchange.dialect.name == CHAT
    choice: dict[str, Any] = {"index": 0, "finish_reason": "error"}
    choice |= {"delta": {"content": ""}} if chat else {"text": "", "logprobs": None}
    chunk = {
        "id": facts.upstream_id or exchange.id,
        "object": "chat.completion.chunk" if chat else "text_completion",
        "created": int(exchange.started),
        "model": facts.model or exchange.model,
        "choices": [choice],
        "error": _described(error, exchange.id),
    }
    return sse.encode(json.encode(chunk))


def _described(error: SekishoError, request_id: str) -> dict[str, Any]:
    """`metadata` tells kind, field, provider and attempts; of a refusal, the provider's own words."""
    found = told(error, request_id)
    metadata: dict[str, Any] = {"error_type": _type(error), "reason": found.code}
    if found.param is not None:
        metadata["param"] = found.param
    if found.provider is not None:
        metadata |= {"provider_name": found.provider, "attempts": found.attempts}
    if isinstance(error, UpstreamError) and error.provider_code is not None:
        metadata["provider_code"] = error.provider_code
    if isinstance(error, ProviderRejected):
        metadata["raw"] = found.message
    return {"code": error_status(error), "message": found.message, "metadata": metadata}


def _type(error: SekishoError) -> str:
    return next(_TYPES[kind] for kind in type(error).__mro__ if kind in _TYPES)
