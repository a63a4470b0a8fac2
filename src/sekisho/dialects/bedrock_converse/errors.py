"""Bedrock's errors <-> the tree in `core.error`.

An error's name stands in the header `x-amzn-errortype` or in `__type`, maybe with a namespace before a `#`
or a URL after a `:`; its words in `message` or `Message`. Within a stream it is a message of type
`exception`. Causes by "Troubleshooting Amazon Bedrock API error codes" (Amazon Bedrock user guide,
2026-11).
"""

import re
from typing import Any

import msgspec

from sekisho.core.contract import Framing, Headers
from sekisho.core.error import (
    BodyTooLarge,
    BudgetReached,
    BudgetUsedUp,
    ClientError,
    ContentFiltered,
    ContextTooLong,
    Draining,
    Forbidden,
    InternalError,
    LimitError,
    Malformed,
    NotFound,
    Overloaded,
    ProviderAuthFailed,
    ProviderFailed,
    ProviderModelMissing,
    ProviderQuota,
    ProviderRejected,
    RequestTimeout,
    SekishoError,
    Throttled,
    Unauthorized,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.dialects.bedrock_converse import frames
from sekisho.wire.json import encode
from sekisho.wire.shape import BROKEN
from sekisho.wire.told import retry_after, told

_NAMES: dict[type[SekishoError], str] = {
    SekishoError: "InternalServerException",
    ClientError: "ValidationException",
    Unauthorized: "UnrecognizedClientException",
    Forbidden: "AccessDeniedException",
    NotFound: "ResourceNotFoundException",
    RequestTimeout: "RequestTimeoutException",
    BodyTooLarge: "RequestEntityTooLargeException",
    LimitError: "ThrottlingException",
    BudgetUsedUp: "ThrottlingException",
    BudgetReached: "ServiceQuotaExceededException",
    Draining: "ServiceUnavailableException",
    Unavailable: "ServiceUnavailableException",
    InternalError: "InternalServerException",
    UpstreamError: "ModelErrorException",
    UpstreamTimeout: "ModelTimeoutException",
    Throttled: "ThrottlingException",
    Overloaded: "ServiceUnavailableException",
    ProviderQuota: "ServiceQuotaExceededException",
    ProviderModelMissing: "ResourceNotFoundException",
    ProviderRejected: "ValidationException",
}
"""Our errors -> the name by which boto3 raises them. A provider's refusal of our key is not the client's."""

_IN_STREAM = {
    "ValidationException": "validationException",
    "ThrottlingException": "throttlingException",
    "ServiceUnavailableException": "serviceUnavailableException",
    "InternalServerException": "internalServerException",
}
"""The names that a stream has for exceptions; any other is a `modelStreamErrorException`."""

_LEAVES: dict[str, type[UpstreamError]] = {
    "throttlingexception": Throttled,
    "toomanyrequestsexception": Throttled,
    "servicequotaexceededexception": ProviderQuota,
    "modelnotreadyexception": Overloaded,
    "serviceunavailableexception": Overloaded,
    "serviceunavailable": Overloaded,
    "modeltimeoutexception": UpstreamTimeout,
    "modelerrorexception": ProviderFailed,
    "modelstreamerrorexception": ProviderFailed,
    "internalserverexception": ProviderFailed,
    "internalfailure": ProviderFailed,
    "resourcenotfoundexception": ProviderModelMissing,
    "accessdeniedexception": ProviderAuthFailed,
    "unrecognizedclientexception": ProviderAuthFailed,
    "expiredtokenexception": ProviderAuthFailed,
    "expiredtoken": ProviderAuthFailed,
    "invalidsignatureexception": ProviderAuthFailed,
    "invalidclienttokenid": ProviderAuthFailed,
    "incompletesignature": ProviderAuthFailed,
    "incompletesignatureexception": ProviderAuthFailed,
    "missingauthenticationtoken": ProviderAuthFailed,
    "missingauthenticationtokenexception": ProviderAuthFailed,
    "notauthorized": ProviderAuthFailed,
    "optinrequired": ProviderAuthFailed,
    "validationexception": ProviderRejected,
    "validationerror": ProviderRejected,
    "serializationexception": ProviderRejected,
}
_STATUSES: dict[int, type[UpstreamError]] = {
    401: ProviderAuthFailed,
    402: ProviderQuota,
    403: ProviderAuthFailed,
    404: ProviderModelMissing,
    408: UpstreamTimeout,
    424: ProviderFailed,
    429: Throttled,
    503: Overloaded,
    504: UpstreamTimeout,
}
_OWN_WORDS: dict[type[UpstreamError], str] = {
    ProviderAuthFailed: "the provider refuses the credentials that are configured for it",
    ProviderQuota: "the provider's account is over one of its quotas",
    ProviderModelMissing: "the provider does not serve this model to its account, or not in this region",
}
"""Said instead of the provider's words, which name accounts and roles."""

_TOO_LONG = re.compile(
    r"prompt is too long|input is too long|too many (input )?tokens|maximum (context|tokens)"
    r"|context (window|length)"
    r"|exceeds? the (maximum|model'?s?)[^.]{0,40}(tokens|context|length)",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content filter|blocked by", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model identifier is invalid|on-demand throughput|access to the model|model access|end of its life"
    r"|doesn.t support the model",
    re.IGNORECASE,
)
_PER_DAY = re.compile(r"per day|daily", re.IGNORECASE)
_MESSAGE_LIMIT = 2000
_CODE_LIMIT = 64


# --- reading --------------------------------------------------------------------------------------


def read(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """The leaf for an error answer. Total: any status, any body."""
    name, words = _described(body)
    for header, value in headers:
        if header == b"x-amzn-errortype":
            name = _plain(value.decode("latin-1")) or name
    return _leaf(status, name, words, provider_status=status, retry_after=retry_after(headers))


def read_exception(name: str, payload: bytes) -> UpstreamError:
    """The leaf for an exception within a stream."""
    inner, words = _described(payload)
    return _leaf(0, _plain(name) or inner, words, provider_status=None, retry_after=None)


def reported(body: bytes) -> UpstreamError | None:
    """The leaf for a body of status 200 that is an error instead; None where it is none."""
    name, words = _described(body)
    if name is None and not words:
        return None
    return _leaf(0, name, words, provider_status=None, retry_after=None)


def _leaf(
    status: int, name: str | None, words: str, *, provider_status: int | None, retry_after: float | None
) -> UpstreamError:
    leaf = _kind(status, (name or "").lower(), words)
    return leaf(
        _OWN_WORDS.get(leaf) or words or f"the provider answered {name or status} without words",
        retry_after=retry_after,
        provider_status=provider_status,
        provider_code=name,
    )


def _kind(status: int, name: str, words: str) -> type[UpstreamError]:
    leaf = _LEAVES.get(name) or _STATUSES.get(status)
    if leaf is None:
        leaf = ProviderRejected if 400 <= status < 500 else Malformed if 0 < status < 400 else ProviderFailed
    if leaf is ProviderRejected and (status >= 500 or status in _STATUSES):
        leaf = _STATUSES.get(status, ProviderFailed)
    if leaf is Throttled and _PER_DAY.search(words):
        return ProviderQuota
    if leaf in (ProviderRejected, ProviderAuthFailed) and _NO_MODEL.search(words):
        return ProviderModelMissing
    if leaf is not ProviderRejected:
        return leaf
    if _TOO_LONG.search(words):
        return ContextTooLong
    return ContentFiltered if _FILTERED.search(words) else ProviderRejected


def _described(body: bytes) -> tuple[str | None, str]:
    """(name, message) of an error body; of one in no known shape nothing."""
    try:
        found: Any = msgspec.json.decode(body)
    except BROKEN:
        return None, ""
    if not isinstance(found, dict):
        return None, ""
    name = found.get("__type")
    words = found.get("message") or found.get("Message") or found.get("originalMessage")
    return (
        _plain(name) if isinstance(name, str) else None,
        words.strip()[:_MESSAGE_LIMIT] if isinstance(words, str) else "",
    )


def _plain(name: str) -> str | None:
    """`com.amazonaws.bedrock#ThrottlingException:http://...` -> `ThrottlingException`."""
    return name.partition(":")[0].rpartition("#")[2].strip()[:_CODE_LIMIT] or None


# --- writing --------------------------------------------------------------------------------------


def write(error: SekishoError, request_id: str) -> bytes:
    """The JSON body of an error: boto3 takes `__type` for its code. `details` is what machines branch on."""
    return encode({"__type": _name(error), **_shape(error, request_id)})


def write_frame(error: SekishoError, request_id: str, _framing: Framing = "eventstream") -> bytes:
    """The exception that ends a stream which has begun."""
    name = _IN_STREAM.get(_name(error), "modelStreamErrorException")
    return frames.exception(name, encode(_shape(error, request_id)))


def _shape(error: SekishoError, request_id: str) -> dict[str, object]:
    found = told(error, request_id)
    details: dict[str, object] = {"code": found.code, "requestId": request_id}
    if found.param is not None:
        details["param"] = found.param
    if error.retry_after is not None:
        details["retryAfter"] = error.retry_after
    if found.provider is not None:
        details |= {"provider": found.provider, "attempts": found.attempts}
    return {"message": found.message, "details": details}


def _name(error: SekishoError) -> str:
    return next(_NAMES[kind] for kind in type(error).__mro__ if kind in _NAMES)
