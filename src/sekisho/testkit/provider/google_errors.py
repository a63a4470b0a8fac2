"""Google's error bodies, by status and variant.

Sources, read 2026-11: ai.google.dev/gemini-api/docs/troubleshooting and the bodies that users quote
(google-gemini/gemini-cli 3814, gera2ld/ai.nvim 13). How long to wait stands in the body alone, as a
`RetryInfo`; there is no `retry-after` header (dcdpr/jp 1061).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

_TYPES = "type.googleapis.com/google.rpc."
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)

_ROWS: Mapping[tuple[int, str | None], tuple[str, str]] = {
    (400, None): ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    (400, "context"): (
        "INVALID_ARGUMENT",
        "The input token count (1050331) exceeds the maximum number of tokens allowed (1048576).",
    ),
    (400, "quota"): (
        "FAILED_PRECONDITION",
        "Gemini API free tier is not available in your country. Please enable billing on your project in "
        "Google AI Studio.",
    ),
    (401, None): (
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
    ),
    (403, None): ("PERMISSION_DENIED", "The caller does not have permission"),
    (404, None): (
        "NOT_FOUND",
        "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call "
        "ListModels to see the list of available models and their supported methods.",
    ),
    (429, None): ("RESOURCE_EXHAUSTED", _QUOTA),
    (499, None): ("CANCELLED", "The operation was cancelled."),
    (500, None): (
        "INTERNAL",
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting",
    ),
    (503, None): ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    (504, None): ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
}


def google_error(code: int, status: str, message: str, details: list[dict[str, Any]] | None = None) -> bytes:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return msgspec.json.format(msgspec.json.encode({"error": error}), indent=2)


def google_body(status: int, variant: str | None, model: str, wait: float | None = None) -> bytes:
    """The body that Google sends with this status; `wait` in seconds."""
    family = 400 if status < 500 else 500
    name, message = _ROWS.get((status, variant)) or _ROWS.get((status, None)) or _ROWS[family, None]
    details: list[dict[str, Any]] = []
    if status == 429:
        per = "PerDay" if variant == "quota" else "PerMinute"
        quota = f"GenerateRequests{per}PerProjectPerModel"
        details.append({"@type": f"{_TYPES}QuotaFailure", "violations": [{"quotaId": quota}]})
    if wait is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{wait:g}s"})
    return google_error(status, name, message.replace("{model}", model), details)


def bad_request(message: str, violations: list[dict[str, str]] | None = None) -> bytes:
    details = [{"@type": f"{_TYPES}BadRequest", "fieldViolations": violations}] if violations else None
    return google_error(400, "INVALID_ARGUMENT", message, details)


def wrong_key() -> bytes:
    info = {
        "@type": f"{_TYPES}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [info])


def no_key() -> bytes:
    return google_error(
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API "
        "Key or other form of API consumer identity to call this API.",
    )
