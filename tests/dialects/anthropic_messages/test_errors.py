"""Errors of providers, and errors for clients."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import error
from sekisho.core.error import (
    BodyTooLarge,
    ContentFiltered,
    ContextTooLong,
    InternalError,
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
from sekisho.dialects.anthropic_messages import errors


def body(kind: str, message: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})


def all_errors() -> list[type[SekishoError]]:
    return [
        kind
        for kind in vars(error).values()
        if isinstance(kind, type) and issubclass(kind, SekishoError) and kind is not SekishoError
    ]


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_has_a_word_of_its_own_choosing(kind: type[SekishoError]) -> None:
    assert kind in errors.TYPES


@pytest.mark.parametrize(
    ("status", "answer", "leaf"),
    [
        (400, body("invalid_request_error", "max_tokens: Field required"), ProviderRejected),
        (400, body("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), ContextTooLong),
        (
            400,
            body("invalid_request_error", "input length and max_tokens exceed context limit: 9"),
            ContextTooLong,
        ),
        (400, body("invalid_request_error", "Your credit balance is too low"), ProviderQuota),
        (
            400,
            body("invalid_request_error", "You have reached your specified API usage limits."),
            ProviderQuota,
        ),
        (400, body("invalid_request_error", "Output blocked by content filtering policy"), ContentFiltered),
        (401, body("authentication_error", "invalid x-api-key"), ProviderAuthFailed),
        (402, body("billing_error", "Pay"), ProviderQuota),
        (403, body("permission_error", "No"), ProviderAuthFailed),
        (404, body("not_found_error", "model: x"), ProviderModelMissing),
        (408, b"", UpstreamTimeout),
        (413, body("request_too_large", "Request exceeds the maximum size"), ProviderRejected),
        (422, b"{}", ProviderRejected),
        (429, body("rate_limit_error", "Slow down"), Throttled),
        (500, body("api_error", "Oops"), ProviderFailed),
        (500, body("overloaded_error", "Overloaded"), Overloaded),
        (502, b"<html>", ProviderFailed),
        (503, b"", Overloaded),
        (504, body("timeout_error", "Timed out"), UpstreamTimeout),
        (529, body("overloaded_error", "Overloaded"), Overloaded),
        (302, b"", Malformed),
    ],
)
def test_each_answer_has_its_leaf(status: int, answer: bytes, leaf: type[UpstreamError]) -> None:
    found = errors.read(status, (), answer)
    assert type(found) is leaf
    assert found.provider_status == status


@given(st.integers(100, 599), st.binary(max_size=60) | st.text(max_size=40).map(msgspec.json.encode))
def test_no_answer_is_without_a_leaf(status: int, answer: bytes) -> None:
    headers = ((b"retry-after", answer),)
    found = errors.read(status, headers, answer)
    assert found.message
    assert found.retry_after is None or 0 <= found.retry_after <= 86_400
    errors.read_reported(answer)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_words_that_could_name_our_account_stay_inside(status: int) -> None:
    found = errors.read(status, (), body("authentication_error", "key sk-ant-secret of org Foo is disabled"))
    assert "secret" not in found.message
    assert "Foo" not in found.message


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (b"17", 17.0),
        (b"0.5", 0.5),
        (b"-1", None),
        (b"soon", None),
        (b"nan", None),
        (b"inf", None),
        (b"", None),
    ],
)
def test_retry_after(value: bytes, wait: float | None) -> None:
    assert errors.read(429, ((b"x", b"1"), (b"retry-after", value)), b"").retry_after == wait


@pytest.mark.parametrize(
    ("kind", "leaf"),
    [
        ("overloaded_error", Overloaded),
        ("rate_limit_error", Throttled),
        ("api_error", ProviderFailed),
        ("timeout_error", UpstreamTimeout),
        ("authentication_error", ProviderAuthFailed),
        ("invalid_request_error", ProviderRejected),
        ("something_new", ProviderFailed),
    ],
)
def test_an_error_inside_a_stream_has_the_leaf_of_its_type(kind: str, leaf: type[UpstreamError]) -> None:
    found = errors.read_reported(body(kind, "words"))
    assert type(found) is leaf
    assert (found.provider_status, found.provider_code) == (None, kind)


def test_an_error_says_what_machines_need() -> None:
    failed = Throttled("the provider is busy", retry_after=3.0)
    failed.provider, failed.attempts = "anthropic", 2
    assert msgspec.json.decode(errors.write(failed, "req_1")) == {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "the provider is busy (provider anthropic, 2 attempts)",
            "details": {
                "error_code": "upstream_rate_limited",
                "retry_after": 3.0,
                "provider": "anthropic",
                "attempts": 2,
            },
        },
        "request_id": "req_1",
    }


def test_too_large_for_the_provider_is_too_large_for_the_client() -> None:
    words = errors.write(ProviderRejected("too big", provider_status=413), "r")
    assert msgspec.json.decode(words)["error"]["type"] == errors.TYPES[BodyTooLarge]


def test_the_inside_stays_inside() -> None:
    for written in (errors.write, errors.write_frame):
        data = written(InternalError("KeyError: secret", param="secret"), "req_1")
        assert b"secret" not in data
        assert b"req_1" in data


def test_a_frame_is_one_named_event() -> None:
    assert errors.write_frame(Overloaded("full\nnow"), "r").startswith(b'event: error\ndata: {"type":"error"')
    assert errors.write_frame(Overloaded("full\nnow"), "r").count(b"\n") == 3
