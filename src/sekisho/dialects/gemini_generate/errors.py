"""Errors: what Google's answers mean, and how its clients get ours.

Only Google's words about the request itself reach the client: what it says about keys, quotas and its own
troubles names projects and keys.
"""

import re

import msgspec

from sekisho.core.contract import Framing, Headers
from sekisho.core.error import (
    ContentFiltered,
    ContextTooLong,
    Malformed,
    Overloaded,
    ProviderAuthFailed,
    ProviderFailed,
    ProviderModelMissing,
    ProviderQuota,
    ProviderRejected,
    SekishoError,
    Throttled,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.dialects.gemini_generate import problem
from sekisho.dialects.gemini_generate.problem import Problem
from sekisho.wire import sse
from sekisho.wire.json import encode
from sekisho.wire.told import retry_after, told

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 503,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Google's word -> the status that goes with it."""
_WORDS = {
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_KEY_REASONS = {
    "API_KEY_INVALID",
    "API_KEY_SERVICE_BLOCKED",
    "API_KEY_HTTP_REFERRER_BLOCKED",
    "SERVICE_DISABLED",
}

_KEY = re.compile(r"api key (?:not valid|expired|not found)|location is not supported", re.IGNORECASE)
_NO_CREDIT = re.compile(r"prepa(?:y|id)|credits? (?:are|is) depleted|spend(?:ing)? cap|enable billing", re.I)
_DAILY = re.compile(r"per_?day", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"(?:input|prompt|request)? ?token count[^.]{0,60}exceed|exceeds the maximum number of tokens"
    r"|(?:input|prompt|context)[^.]{0,40} too long",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"responsible ai|sensitive words|prompt (?:was|is|has been) blocked|blocked[^.]{0,40}safety|prohibited",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model[^.]{0,120}(?:not found|not supported for|does not exist)|unexpected model name", re.I
)
_SECRET = re.compile(r"AIza[\w-]{20,}|ya29\.[\w-]+|Bearer\s+\S+")


def read(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """Any answer that is not one: any status, any body."""
    found = problem.read(body)
    error = _mean(found, status)
    error.provider_status = status
    if isinstance(error, Throttled | Overloaded):
        error.retry_after = found.wait if found.wait is not None else retry_after(headers)
    return error


def in_answer(body: bytes | msgspec.Raw) -> UpstreamError:
    """The error in an answer of status 200, whole or a stream's event. Malformed where it names none."""
    found = problem.read(body)
    if found == problem.NOTHING:
        return Malformed("neither an answer nor an error")
    error = _mean(found, found.status or _STATUSES.get(found.word, 500))
    error.provider_status = found.status
    if isinstance(error, Throttled | Overloaded):
        error.retry_after = found.wait
    return error


def refuse_what_is_no_stream(raw: bytes) -> None:
    """Raises for a JSON body or a page that came in place of a stream."""
    text = raw.lstrip()
    if text.startswith((b"{", b"[")):
        raise in_answer(text)
    if text.startswith(b"<"):
        raise Malformed("a page in place of a stream")


def _mean(found: Problem, status: int) -> UpstreamError:
    if not 400 <= status < 600:
        status = found.status or _STATUSES.get(found.word, status)
    error = _account(found, status) or _by_status(found, status)
    error.provider_code = (*found.reasons, found.word or None)[0]
    return error


def _account(found: Problem, status: int) -> UpstreamError | None:
    """What is wrong with the provider's account or model, not with the request."""
    if status == 402 or (400 <= status < 500 and _NO_CREDIT.search(found.message)):
        return ProviderQuota("the provider's account has no credit or quota left")
    if status in (401, 403) or _KEY_REASONS & {*found.reasons}:
        return ProviderAuthFailed("the provider refuses its key, or does not permit this call to it")
    if status == 400 and _KEY.search(found.message):
        return ProviderAuthFailed("the provider refuses its key, or does not permit this call to it")
    if status == 404 or (status == 400 and _MODEL.search(found.message)):
        return ProviderModelMissing("the provider does not serve this model")
    if status == 429:
        if any(_DAILY.search(quota) for quota in found.quotas):
            return ProviderQuota("the provider's daily quota is used up")
        return Throttled("the provider limits the rate of calls")
    return None


def _by_status(found: Problem, status: int) -> UpstreamError:
    if status in (408, 504, 522, 524):
        return UpstreamTimeout("the provider's own time limit passed")
    if status in (499, 503, 529):
        return Overloaded("the provider is overloaded")
    if status >= 500:
        return ProviderFailed("the provider failed")
    if status < 400:
        return Malformed(f"the provider answered with status {status} instead of an answer")
    words = _SECRET.sub("[removed]", found.message)
    if _TOO_LONG.search(words):
        return ContextTooLong(words, param=found.field)
    if _FILTERED.search(words):
        return ContentFiltered(words, param=found.field)
    return ProviderRejected(words or f"the provider refused the request (status {status})", param=found.field)


# --- for the client ----------------------------------------------------------------------------------


def write(error: SekishoError, request_id: str) -> bytes:
    """Google's error body; `details` hold what machines branch on, as Google's do."""
    found = told(error, request_id)
    facts = {"requestId": request_id}
    if found.param is not None:
        facts["param"] = found.param
    if found.provider is not None:
        facts |= {"provider": found.provider, "attempts": str(found.attempts)}
    status = error.rejected_status if isinstance(error, ProviderRejected) else error.status
    details: list[dict[str, object]] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": found.code.upper(),
            "domain": "sekisho",
            "metadata": facts,
        }
    ]
    if error.retry_after is not None:
        wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{error.retry_after:g}s"}
        details.append({**wait})
    body = {"code": status, "message": found.message, "status": _word(status), "details": details}
    return encode({"error": body})


def write_frame(error: SekishoError, request_id: str, framing: Framing = "sse") -> bytes:
    """What ends a stream that has begun: an event, or the last element of the array."""
    body = write(error, request_id)
    return b",\r\n" + body + b"\r\n]" if framing == "json_array" else sse.encode(body)


def _word(status: int) -> str:
    return _WORDS.get(status) or ("INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
