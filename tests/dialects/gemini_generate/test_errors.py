"""What Google's error answers mean for routing."""

from pathlib import Path

import msgspec

from sekisho.core.error import ProviderRejected, Throttled, Unauthorized
from sekisho.dialects.gemini_generate import DIALECT
from sekisho.testkit import golden

ROOT = Path(__file__).parents[2] / "golden"
LEAVES = {
    "bad_field": "ProviderRejected",
    "body_too_large": "ProviderRejected",
    "credits_depleted": "ProviderQuota",
    "daily_quota": "ProviderQuota",
    "deadline": "UpstreamTimeout",
    "filtered": "ContentFiltered",
    "internal": "ProviderFailed",
    "key_invalid": "ProviderAuthFailed",
    "key_missing": "ProviderAuthFailed",
    "model_missing": "ProviderModelMissing",
    "nothing": "ProviderFailed",
    "overloaded": "Overloaded",
    "page": "ProviderFailed",
    "rate_limit": "Throttled",
    "region": "ProviderAuthFailed",
    "signature_missing": "ProviderRejected",
    "token_refused": "ProviderAuthFailed",
    "too_long": "ContextTooLong",
    "vertex_exhausted": "Throttled",
}


def read(case: golden.ErrorCase) -> object:
    return DIALECT.read_error(case.status, case.headers, case.body)


def test_every_recorded_error_is_the_leaf_that_decides_right() -> None:
    found = {case.name: type(read(case)).__name__ for case in golden.errors(ROOT, DIALECT.name)}
    assert found == LEAVES


def test_google_says_how_long_to_wait() -> None:
    case = next(case for case in golden.errors(ROOT, DIALECT.name) if case.name == "rate_limit")
    error = read(case)
    assert isinstance(error, Throttled)
    assert error.retry_after == 34.0
    by_header = DIALECT.read_error(429, [(b"retry-after", b"7")], b"")
    assert by_header.retry_after == 7.0
    assert DIALECT.read_error(429, [(b"retry-after", b"nan")], b"{}").retry_after is None


def test_what_google_says_of_the_request_reaches_the_client_and_a_key_never_does() -> None:
    secret = "AIza" + "x" * 35
    body = msgspec.json.encode(
        {
            "error": {
                "code": 400,
                "message": f"Bad value for key={secret}.",
                "status": "INVALID_ARGUMENT",
                "details": [{"fieldViolations": [{"field": "contents[0]"}]}],
            }
        }
    )
    error = DIALECT.read_error(400, (), body)
    assert isinstance(error, ProviderRejected)
    assert secret not in error.message
    assert (error.param, error.provider_code) == ("contents[0]", "INVALID_ARGUMENT")
    refused = DIALECT.read_error(403, (), body.replace(b"INVALID_ARGUMENT", b"PERMISSION_DENIED"))
    assert "Bad value" not in refused.message


def test_our_errors_are_googles_in_shape() -> None:
    written = msgspec.json.decode(DIALECT.write_error(Unauthorized("no such key", retry_after=1.5), "req_1"))
    assert written["error"]["code"] == 401
    assert written["error"]["status"] == "UNAUTHENTICATED"
    kinds = [detail["@type"].rpartition(".")[2] for detail in written["error"]["details"]]
    assert kinds == ["ErrorInfo", "RetryInfo"]
    assert written["error"]["details"][1]["retryDelay"] == "1.5s"
