"""Errors: what providers' answers mean, how long to wait, and what never reaches a client."""

from pathlib import Path

import msgspec
import pytest

from sekisho.core.error import (
    BadRequest,
    InternalError,
    Overloaded,
    ProviderAuthFailed,
    ProviderFailed,
    ProviderRejected,
    Throttled,
    UpstreamError,
)
from sekisho.dialects.openai_chat import DIALECT
from sekisho.testkit import golden
from sekisho.wire import openai_errors

ROOT = Path(__file__).parents[2] / "golden"

MEANINGS = {
    "azure_content_filter": "ContentFiltered",
    "azure_throttled": "Throttled",
    "cloudflare_ai": "ProviderRejected",
    "cloudflare_timeout": "UpstreamTimeout",
    "deepseek_balance": "ProviderQuota",
    "deepseek_model": "ProviderModelMissing",
    "empty_timeout": "UpstreamTimeout",
    "fastapi_detail": "ProviderRejected",
    "gemini_key": "ProviderAuthFailed",
    "gemini_overloaded": "Overloaded",
    "groq_too_large": "ProviderRejected",
    "html_bad_gateway": "ProviderFailed",
    "llamacpp_context": "ContextTooLong",
    "llamacpp_loading": "Overloaded",
    "minimax_balance": "ProviderQuota",
    "mistral_context": "ContextTooLong",
    "mistral_throttled": "Throttled",
    "mistral_validation": "ProviderRejected",
    "moonshot_overloaded": "Overloaded",
    "moonshot_quota": "ProviderQuota",
    "ollama_missing": "ProviderModelMissing",
    "openai_bad_parameter": "ProviderRejected",
    "openai_content_policy": "ContentFiltered",
    "openai_context": "ContextTooLong",
    "openai_invalid_key": "ProviderAuthFailed",
    "openai_model_missing": "ProviderModelMissing",
    "openai_orphan_result": "ProviderRejected",
    "openai_overloaded": "Overloaded",
    "openai_quota": "ProviderQuota",
    "openai_rate_limit": "Throttled",
    "openai_region": "ProviderAuthFailed",
    "openai_server_error": "ProviderFailed",
    "openrouter_credits": "ProviderQuota",
    "openrouter_moderation": "ProviderAuthFailed",
    "openrouter_provider_400": "ProviderRejected",
    "openrouter_provider_429": "Throttled",
    "qwen_inspection": "ContentFiltered",
    "tgi_overloaded": "Throttled",
    "tgi_validation": "ProviderRejected",
    "together_context": "ContextTooLong",
    "vllm_context": "ContextTooLong",
    "vllm_context_new": "ContextTooLong",
    "xai_model": "ProviderModelMissing",
    "zai_balance": "ProviderQuota",
}


def test_every_recorded_error_means_what_it_means() -> None:
    cases = golden.errors(ROOT, "openai_chat")
    found = {
        case.name: type(DIALECT.read_error(case.status, case.headers, case.body)).__name__ for case in cases
    }
    assert found == MEANINGS


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, "", 1.5),
        ({"retry-after": "2"}, "Please try again in 9s", 2.0),
        ({}, "Please try again in 720ms.", 0.72),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, "", 360.0),
        ({"x-ratelimit-reset-requests": "1m30.5s", "x-ratelimit-reset-tokens": "20ms"}, "", 0.02),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", None),
        ({"retry-after": "-4"}, "", None),
        ({"retry-after": "inf"}, "", None),
        ({"retry-after": "1e12"}, "", openai_errors.LONGEST_WAIT),
        ({"x-ratelimit-reset-tokens": "soon"}, "", None),
        ({}, "", None),
    ],
)
def test_the_wait_is_read_in_every_notation(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    body = msgspec.json.encode({"error": {"message": message}})
    assert DIALECT.read_error(429, raw, body).retry_after == seconds


def test_providers_words_about_keys_and_accounts_stay_here() -> None:
    body = b'{"error":{"message":"Incorrect API key provided: sk-proj-abcd. Your org-Q1w2E3 is limited."}}'
    for status in (401, 402, 403, 404, 429, 500, 503):
        assert "sk-proj" not in DIALECT.read_error(status, [], body).message
    refused = DIALECT.read_error(422, [], body)
    assert refused.message == "Incorrect API key provided: [removed]. Your [removed] is limited."


def written(error: Exception) -> dict[str, object]:
    assert isinstance(error, UpstreamError | BadRequest | InternalError)
    body = msgspec.json.decode(DIALECT.write_error(error, "req_1"))
    assert body["request_id"] == "req_1"
    found = body["error"]
    assert isinstance(found, dict)
    return found


def test_a_client_learns_what_its_own_mistake_is() -> None:
    assert written(BadRequest("model: missing.", param="model")) == {
        "message": "model: missing.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "invalid_request",
    }


def test_a_client_learns_which_provider_failed_and_how_often() -> None:
    error = Throttled("the provider limits the rate of calls")
    error.provider, error.attempts = "openai", 3
    found = written(error)
    assert found["metadata"] == {"provider_name": "openai", "attempts": 3}
    assert found["type"] == "rate_limit_error"
    assert str(found["message"]).endswith("(provider openai, 3 attempts)")


def test_a_providers_refusal_reaches_the_client_in_its_own_words() -> None:
    error = ProviderRejected("temperature: too hot", param="temperature", provider_status=422)
    error.provider, error.attempts = "local", 1
    found = written(error)
    assert (found["message"], found["param"]) == ("temperature: too hot", "temperature")
    assert found["type"] == "invalid_request_error"


def test_what_went_wrong_inside_never_leaves() -> None:
    assert "secret" not in str(written(InternalError("secret", param="secret")))


@pytest.mark.parametrize(
    ("code", "leaf"),
    [
        (429, Throttled),
        (503, Overloaded),
        (401, ProviderAuthFailed),
        (502, ProviderFailed),
        (None, ProviderFailed),
    ],
)
def test_an_error_in_an_answer_of_status_200_is_read_by_its_code(
    code: int | None, leaf: type[UpstreamError]
) -> None:
    body = msgspec.json.encode({"error": {"message": "no", "code": code}})
    with pytest.raises(leaf):
        DIALECT.read_reply(body)
