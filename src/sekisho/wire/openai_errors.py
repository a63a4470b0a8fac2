"""Errors of every API of OpenAI's family: what providers' answers mean, and how clients get ours.

Only a provider's words about the request itself reach the client. What it says about keys, quotas or its
own troubles stays here: such texts quote keys and account names.
"""

import re

import msgspec

from sekisho.core.contract import Framing, Headers
from sekisho.core.error import (
    BudgetReached,
    ContentFiltered,
    ContextTooLong,
    Draining,
    Forbidden,
    LimitError,
    Malformed,
    Overloaded,
    ProviderAuthFailed,
    ProviderFailed,
    ProviderModelMissing,
    ProviderQuota,
    ProviderRejected,
    SekishoError,
    Throttled,
    Unauthorized,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.wire import json, openai_problem, sse
from sekisho.wire.openai_problem import Problem
from sekisho.wire.told import LONGEST_WAIT, seconds, told

_AUTH = {
    "invalid_api_key",
    "authentication_error",
    "authentication",
    "authenticationerror",
    "invalid_authentication_error",
    "incorrect_api_key_error",
    "api_key_invalid",
    "unauthenticated",
    "permission_denied",
    "permission_error",
    "unsupported_country_region_territory",
    "1004",  # MiniMax
}
_QUOTA = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "exceeded_current_quota_error",  # Moonshot
    "insufficient_balance",
    "payment_required",
    "arrearage",  # Alibaba
    "1113",  # Z.ai
    "1008",  # MiniMax
}
_THROTTLED = {
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limit_reached_error",
    "too_many_requests",
    "resource_exhausted",
    "1302",  # Z.ai
    "1002",  # MiniMax
}
_OVERLOADED = {
    "overloaded_error",
    "engine_overloaded_error",
    "engine_overloaded",
    "provider_overloaded",
    "provider_unavailable",
    "service_unavailable",
    "unavailable",
    "1305",  # Z.ai
}
_CONTEXT = {
    "context_length_exceeded",
    "exceed_context_size_error",  # llama.cpp
    "string_above_max_length",
    "1039",  # MiniMax
}
_FILTERED = {
    "content_filter",
    "content_policy_violation",
    "data_inspection_failed",  # Alibaba
    "responsibleaipolicyviolation",  # Azure
    "sensitive_words_detected",
    "1301",  # Z.ai
    "1026",  # MiniMax
    "1027",
}
_MISSING = {"model_not_found", "model_not_exist", "not_found_error", "resource_not_found_error"}
_TIMEOUT = {"timeout", "timeout_error", "request_timeout", "deadline_exceeded"}
_INVALID = {"invalid_request_error", "badrequesterror", "invalid_request", "invalid_prompt", "2013"}

_CONTEXT_TEXT = re.compile(
    r"maximum context length|exceeds? the (?:available|maximum|model'?s) context"
    r"|context (?:length|window)[^.]{0,40}exceed|exceed[^.]{0,60}context (?:length|window|size)"
    r"|prompt (?:is too long|contains \d+ tokens)|maximum prompt length|input is too long"
    r"|too large for model with|reduce the length of the messages"
    r"|inputs?`? tokens? \+ `?max_new_tokens|range of input length",
    re.IGNORECASE,
)
_KEY_TEXT = re.compile(
    r"\b(?:invalid|incorrect|missing|no) (?:api[ _-]?key|authentication)|api key not valid", re.I
)
_MODEL_TEXT = re.compile(
    r"model[^.]{0,80}(?:not exist|not found|no such)|invalid model\b|unknown model", re.I
)
_AGAIN_TEXT = re.compile(r"(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?)\s?(ms|s|m)\b", re.I)

_SECRET = re.compile(r"\b(?:(?:sk|gsk|xai|nvapi|hf|org)[-_][\w*-]{4,}|AIza[\w-]{20,}|Bearer\s+\S+)")
"""Keys and account names that providers quote."""
_ELSEWHERE = {401, 402, 403, 404, 429}
"""Statuses that say more of the account than of the request: another target may well answer."""
_NOT_PERMITTED = "the provider does not permit this call (its key, account, region or content rules)"


def read(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """Any answer that is not one: any status, any body."""
    found = openai_problem.read(body)
    error = _mean(found, status)
    error.provider_status = status
    if isinstance(error, Throttled | Overloaded):
        error.retry_after = wait(headers, found.message)
    return error


def in_answer(body: bytes | msgspec.Raw) -> UpstreamError:
    """The error in an answer of status 200, whole or a stream's event. Malformed where it names none."""
    found = openai_problem.read(body)
    if found == openai_problem.NOTHING:
        return Malformed("neither an answer nor an error")
    error = _mean(found, found.status or 0)
    error.provider_status = found.status
    return error


def refuse(data: bytes) -> None:
    """Raises what an event without choices complains about; one that complains about nothing may pass."""
    if openai_problem.read(data).message:
        raise in_answer(data)


def refuse_what_is_no_stream(raw: bytes) -> None:
    """Raises for a JSON or HTML body that came in place of a stream."""
    text = raw.lstrip()
    if text.startswith(b"{"):
        raise in_answer(text)
    if text.startswith(b"<"):
        raise Malformed("a page in place of a stream")


def _mean(found: Problem, status: int) -> UpstreamError:
    if not 400 <= status < 600:
        status = found.status or status
    error = _by_word(found, status) or _by_status(found, status)
    error.provider_code = found.code
    return error


def _by_word(found: Problem, status: int) -> UpstreamError | None:
    words = set(found.words)
    if status < 500 and status not in _ELSEWHERE:
        if words & _FILTERED:
            return _rejected(ContentFiltered, found, "a safety filter refused the request")
        if words & _CONTEXT or _CONTEXT_TEXT.search(found.message):
            return _rejected(ContextTooLong, found, "the prompt is longer than the model's context")
    if words & _QUOTA or status == 402:
        return ProviderQuota("the provider's account has no credit or quota left")
    if (words & _MISSING and status != 401) or (status == 400 and _MODEL_TEXT.search(found.message)):
        return ProviderModelMissing("the provider does not serve this model")
    if words & _AUTH or status in (401, 403) or (status == 400 and _KEY_TEXT.search(found.message)):
        return ProviderAuthFailed(_NOT_PERMITTED if status == 403 else "the provider refuses its key")
    if words & _OVERLOADED:
        return Overloaded("the provider is overloaded")
    if status < 500 and words & _THROTTLED and status not in (400, 413):
        return Throttled("the provider limits the rate of calls")
    return None


def _by_status(found: Problem, status: int) -> UpstreamError:
    if status == 429:
        return Throttled("the provider limits the rate of calls")
    if status == 404:
        return ProviderModelMissing("the provider does not serve this model or path")
    if status in (408, 504, 522, 524) or (not status and set(found.words) & _TIMEOUT):
        return UpstreamTimeout("the provider's own time limit passed")
    if status in (503, 529):
        return Overloaded("the provider is overloaded")
    if 400 <= status < 500 or (not status and set(found.words) & _INVALID):
        return _rejected(
            ProviderRejected, found, f"the provider refused the request (status {status or 400})"
        )
    if 300 <= status < 400:
        return Malformed(f"a redirect (status {status}) instead of an answer")
    return ProviderFailed("the provider failed")


def _rejected(kind: type[ProviderRejected], found: Problem, otherwise: str) -> ProviderRejected:
    return kind(_SECRET.sub("[removed]", found.message) or otherwise, param=found.param)


# --- how long to wait --------------------------------------------------------------------------------

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def wait(headers: Headers, message: str = "") -> float | None:
    """Seconds to wait, as a provider's headers or words say it. Dates are ignored: they need a clock."""
    given = {name: value.decode("latin-1").strip() for name, value in headers}
    milliseconds = seconds(given.get(b"retry-after-ms"))
    found = milliseconds / 1000 if milliseconds is not None else seconds(given.get(b"retry-after"))
    if found is None:
        hint = _AGAIN_TEXT.search(message)  # more exact than the time until a limit is whole again
        found = float(hint[1]) * _UNITS[hint[2].lower()] if hint else _reset(given)
    return None if found is None else min(found, LONGEST_WAIT)


def _reset(given: dict[bytes, str]) -> float | None:
    """The wait until the exhausted limit is whole again; where none is exhausted, the shortest."""
    waits: list[float] = []
    for kind in (b"requests", b"tokens"):
        duration = _duration(given.get(b"x-ratelimit-reset-" + kind, ""))
        if duration is None:
            continue
        if given.get(b"x-ratelimit-remaining-" + kind) == "0":
            return duration
        waits.append(duration)
    return min(waits, default=None)


def _duration(text: str) -> float | None:
    """`6m0s`, `120ms`: Go's notation."""
    if not text or _DURATION.sub("", text):
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in _DURATION.findall(text))


# --- for the client ----------------------------------------------------------------------------------


def write(error: SekishoError, request_id: str) -> bytes:
    """OpenAI's error body. For a provider's error, `metadata` names the provider and the attempts."""
    found = told(error, request_id)
    body: dict[str, object] = {
        "message": found.message,
        "type": _type(error),
        "param": found.param,
        "code": found.code,
    }
    if found.provider is not None:
        body["metadata"] = {"provider_name": found.provider, "attempts": found.attempts}
    return json.encode({"error": body, "request_id": request_id})


def write_frame(error: SekishoError, request_id: str, _framing: Framing = "sse") -> bytes:
    """The last event of a stream that broke off; no `[DONE]` follows, for the answer is not complete."""
    return sse.encode(write(error, request_id))


def _type(error: SekishoError) -> str:
    if isinstance(error, Unauthorized):
        return "authentication_error"
    if isinstance(error, Forbidden):
        return "permission_error"
    if isinstance(error, BudgetReached):
        return BudgetReached.code
    if isinstance(error, LimitError | Throttled):
        return "rate_limit_error"
    if isinstance(error, Overloaded | Draining):
        return "overloaded_error"
    if isinstance(error, ProviderRejected):
        return "invalid_request_error"
    if not isinstance(error, UpstreamError):
        return "server_error" if error.status >= 500 else "invalid_request_error"
    return "upstream_error"
