"""Anthropic's errors <-> the tree in `core.error`."""

import re
from typing import Any

import msgspec

from sekisho.core.contract import Framing, Headers
from sekisho.core.error import (
    BadRequest,
    BodyTooLarge,
    BudgetReached,
    BudgetUsedUp,
    ClientError,
    ContentFiltered,
    ContextTooLong,
    CountersLost,
    Draining,
    Forbidden,
    InternalError,
    LimitError,
    LimitReached,
    LoopDetected,
    Malformed,
    MethodNotAllowed,
    ModelNotFound,
    NotFound,
    NotServed,
    Overloaded,
    ProviderAuthFailed,
    ProviderFailed,
    ProviderModelMissing,
    ProviderQuota,
    ProviderRejected,
    RequestTimeout,
    SekishoError,
    Throttled,
    Truncated,
    Unauthorized,
    Unavailable,
    Unreachable,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.wire import sse
from sekisho.wire.json import encode
from sekisho.wire.shape import BROKEN
from sekisho.wire.told import retry_after, told

TYPES: dict[type[SekishoError], str] = {
    ClientError: "invalid_request_error",
    BadRequest: "invalid_request_error",
    NotServed: "invalid_request_error",
    Unauthorized: "authentication_error",
    Forbidden: "permission_error",
    NotFound: "not_found_error",
    ModelNotFound: "not_found_error",
    MethodNotAllowed: "invalid_request_error",
    RequestTimeout: "timeout_error",
    BodyTooLarge: "request_too_large",
    Unsupported: "invalid_request_error",
    LimitError: "rate_limit_error",
    BudgetUsedUp: "rate_limit_error",
    LimitReached: "rate_limit_error",
    BudgetReached: "billing_error",
    Draining: "overloaded_error",
    Unavailable: "overloaded_error",
    CountersLost: "overloaded_error",
    InternalError: "api_error",
    # A provider's trouble with our key or purse is not the client's: it sees a failing gateway.
    UpstreamError: "api_error",
    Unreachable: "api_error",
    UpstreamTimeout: "timeout_error",
    LoopDetected: "api_error",
    Malformed: "api_error",
    Truncated: "api_error",
    Throttled: "rate_limit_error",
    Overloaded: "overloaded_error",
    ProviderFailed: "api_error",
    ProviderAuthFailed: "api_error",
    ProviderQuota: "api_error",
    ProviderModelMissing: "not_found_error",
    ProviderRejected: "invalid_request_error",
    ContextTooLong: "invalid_request_error",
    ContentFiltered: "invalid_request_error",
}
"""Every error of the tree -> Anthropic's word for it."""

_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The type of an error inside a stream -> the status that it has outside of one."""

_LEAVES: dict[int, type[UpstreamError]] = {
    401: ProviderAuthFailed,
    402: ProviderQuota,
    403: ProviderAuthFailed,
    404: ProviderModelMissing,
    408: UpstreamTimeout,
    429: Throttled,
    503: Overloaded,
    504: UpstreamTimeout,
    524: UpstreamTimeout,
    529: Overloaded,
}
_OWN_WORDS: dict[type[UpstreamError], str] = {
    ProviderAuthFailed: "the provider refuses the key that is configured for it",
    ProviderQuota: "the provider's account is out of credit or over its spending limit",
    ProviderModelMissing: "the provider does not serve this model",
}
"""Said instead of the provider's words, which could name our account or key."""

_TOO_LONG = re.compile(r"prompt is too long|context (window|limit)|too many (input )?tokens", re.IGNORECASE)
_FILTERED = re.compile(r"content filter", re.IGNORECASE)
_NO_CREDIT = re.compile(r"credit balance|billing|spend(ing)? limit|usage limits", re.IGNORECASE)
_MESSAGE_LIMIT = 2000
_CODE_LIMIT = 64


def read(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """The leaf for an error answer. Total: any status, any body.

    The `anthropic-ratelimit-*-reset` times would need a clock, and the API sends `retry-after` beside them.
    """
    kind, words = _described(body)
    return _leaf(status, kind, words, provider_status=status, retry_after=retry_after(headers))


def read_reported(body: bytes | msgspec.Raw) -> UpstreamError:
    """The leaf for an error that came inside a stream or a body of status 200."""
    kind, words = _described(body)
    return _leaf(_STATUSES.get(kind or "", 500), kind, words, provider_status=None, retry_after=None)


def write(error: SekishoError, request_id: str) -> bytes:
    """The JSON body of an error; `error.details` is where Anthropic puts what machines branch on."""
    found = told(error, request_id)
    details: dict[str, object] = {"error_code": found.code}
    if found.param is not None:
        details["param"] = found.param
    if error.retry_after is not None:
        details["retry_after"] = error.retry_after
    if found.provider is not None:
        details |= {"provider": found.provider, "attempts": found.attempts}
    return encode(
        {
            "type": "error",
            "error": {"type": _type(error), "message": found.message, "details": details},
            "request_id": request_id,
        }
    )


def write_frame(error: SekishoError, request_id: str, _framing: Framing = "sse") -> bytes:
    """The event that ends a stream which has begun."""
    return sse.encode(write(error, request_id), b"error")


def _type(error: SekishoError) -> str:
    if isinstance(error, ProviderRejected) and error.rejected_status == 413:
        return TYPES[BodyTooLarge]
    return next((TYPES[kind] for kind in type(error).__mro__ if kind in TYPES), "api_error")


def _leaf(
    status: int, kind: str | None, words: str, *, provider_status: int | None, retry_after: float | None
) -> UpstreamError:
    leaf = _kind(status, kind, words)
    return leaf(
        _OWN_WORDS.get(leaf) or words or f"the provider answered {status} without words",
        retry_after=retry_after,
        provider_status=provider_status,
        provider_code=kind,
    )


def _kind(status: int, kind: str | None, words: str) -> type[UpstreamError]:
    if status in (400, 403, 429) and (kind == "billing_error" or _NO_CREDIT.search(words)):
        # An empty account answers 400 invalid_request_error (2026-11); waiting does not mend it.
        return ProviderQuota
    if status in _LEAVES:
        return _LEAVES[status]
    if status >= 500:
        return Overloaded if kind == "overloaded_error" else ProviderFailed
    if not 400 <= status < 500:
        return Malformed
    if _TOO_LONG.search(words):
        return ContextTooLong
    return ContentFiltered if _FILTERED.search(words) else ProviderRejected


def _described(body: bytes | msgspec.Raw) -> tuple[str | None, str]:
    """(type, message) of an error body; of one in no known shape nothing."""
    try:
        found: Any = msgspec.json.decode(body)
    except BROKEN:
        return None, ""
    error = found.get("error", found) if isinstance(found, dict) else None
    if isinstance(error, str):
        return None, error.strip()[:_MESSAGE_LIMIT]
    if not isinstance(error, dict):
        return None, ""
    kind, message = error.get("type"), error.get("message")
    return (
        kind[:_CODE_LIMIT] if isinstance(kind, str) else None,
        message.strip()[:_MESSAGE_LIMIT] if isinstance(message, str) else "",
    )
