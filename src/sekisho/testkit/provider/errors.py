"""The providers' error bodies as they publish them, by status and variant.

Sources: platform.openai.com/docs/guides/error-codes and docs.claude.com/en/api/errors, read 2026-11; the
messages are the ones that their users quote. A status that is not here gets its family's general body.
"""

from collections.abc import Mapping

import msgspec

Row = tuple[str, str | None, str | None, str]
"""type, param, code, message"""

OPENAI: Mapping[tuple[int, str | None], Row] = {
    (400, None): (
        "invalid_request_error",
        "messages[0].content",
        "invalid_type",
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, "
        "but got an object instead.",
    ),
    (400, "context"): (
        "invalid_request_error",
        "messages",
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130212 "
        "tokens. Please reduce the length of the messages.",
    ),
    (400, "filter"): (
        "invalid_request_error",
        "prompt",
        "content_filter",
        "The response was filtered due to the prompt triggering the content management policy. "
        "Please modify your prompt and retry.",
    ),
    (401, None): (
        "invalid_request_error",
        None,
        "invalid_api_key",
        "Incorrect API key provided: sk-12********cdef. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
    ),
    (402, None): (
        "insufficient_quota",
        None,
        "billing_hard_limit_reached",
        "Billing hard limit has been reached",
    ),
    (403, None): (
        "request_forbidden",
        None,
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    (404, None): (
        "invalid_request_error",
        None,
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    (413, None): ("invalid_request_error", None, None, "Request body too large."),
    (422, None): ("invalid_request_error", None, None, "Unprocessable entity."),
    (429, None): (
        "requests",
        None,
        "rate_limit_exceeded",
        "Rate limit reached for {model} in organization org-scripted on requests per min (RPM): Limit 3, "
        "Used 3, Requested 1. Please try again in 20s. Visit "
        "https://platform.openai.com/account/rate-limits to learn more.",
    ),
    (429, "tokens"): (
        "tokens",
        None,
        "rate_limit_exceeded",
        "Rate limit reached for {model} in organization org-scripted on tokens per min (TPM): Limit 30000, "
        "Used 29500, Requested 1024. Please try again in 1.048s. Visit "
        "https://platform.openai.com/account/rate-limits to learn more.",
    ),
    (429, "quota"): (
        "insufficient_quota",
        None,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details. For more information "
        "on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
    ),
    (500, None): (
        "server_error",
        None,
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    (503, None): (
        "server_error",
        None,
        None,
        "The engine is currently overloaded, please try again later.",
    ),
}

ANTHROPIC: Mapping[tuple[int, str | None], tuple[str, str]] = {
    (400, None): ("invalid_request_error", "messages.0.content: Input should be a valid list"),
    (400, "context"): ("invalid_request_error", "prompt is too long: 200251 tokens > 200000 maximum"),
    (400, "filter"): ("invalid_request_error", "Output blocked by content filtering policy"),
    (400, "quota"): (
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to "
        "upgrade or purchase credits.",
    ),
    (401, None): ("authentication_error", "invalid x-api-key"),
    (402, None): ("billing_error", "There is an issue with your billing or payment information."),
    (403, None): (
        "permission_error",
        "Your API key does not have permission to use the specified resource.",
    ),
    (404, None): ("not_found_error", "model: {model}"),
    (413, None): ("request_too_large", "Request exceeds the maximum size"),
    (429, None): (
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 50,000 input tokens per minute. For "
        "details, refer to: https://docs.claude.com/en/api/rate-limits.",
    ),
    (429, "quota"): ("rate_limit_error", "You have reached your specified API usage limits."),
    (500, None): ("api_error", "Internal server error"),
    (504, None): ("timeout_error", "Request timed out"),
    (529, None): ("overloaded_error", "Overloaded"),
}

HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)


def retry_after(seconds: float | None) -> tuple[tuple[str, str], ...]:
    """The header, for providers that say it in one."""
    return () if seconds is None else (("retry-after", f"{seconds:g}"),)


def openai_error(kind: str, message: str, *, param: str | None = None, code: str | None = None) -> bytes:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return msgspec.json.format(msgspec.json.encode({"error": error}), indent=2)


def anthropic_error(kind: str, message: str, request_id: str = "req_scripted") -> bytes:
    error = {"type": kind, "message": message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})


def openai_body(status: int, variant: str | None, model: str) -> bytes:
    """The body that OpenAI sends with this status."""
    family = 400 if status < 500 else 500
    row = OPENAI.get((status, variant)) or OPENAI.get((status, None)) or OPENAI[family, None]
    kind, param, code, message = row
    return openai_error(kind, message.replace("{model}", model), param=param, code=code)


def anthropic_body(status: int, variant: str | None, model: str) -> bytes:
    """The body that Anthropic sends with this status."""
    family = 400 if status < 500 else 500
    row = ANTHROPIC.get((status, variant)) or ANTHROPIC.get((status, None)) or ANTHROPIC[family, None]
    kind, message = row
    return anthropic_error(kind, message.replace("{model}", model))
