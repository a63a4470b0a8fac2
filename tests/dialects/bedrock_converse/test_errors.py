"""Which leaf an error of Bedrock's is, and what of its words the client hears."""

from pathlib import Path

import pytest

from sekisho.core.error import (
    ContextTooLong,
    Malformed,
    Overloaded,
    ProviderAuthFailed,
    ProviderFailed,
    ProviderModelMissing,
    ProviderQuota,
    ProviderRejected,
    Throttled,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.dialects.bedrock_converse import DIALECT
from sekisho.testkit import golden
from sekisho.testkit.laws import streams

ROOT = Path(__file__).parents[2] / "golden"
LEAVES: dict[str, type[UpstreamError]] = {
    "throttled": Throttled,
    "throttled_for_the_day": ProviderQuota,
    "quota": ProviderQuota,
    "model_not_ready": Overloaded,
    "model_timeout": UpstreamTimeout,
    "model_error": ProviderFailed,
    "context_too_long": ContextTooLong,
    "context_too_long_plain": ContextTooLong,
    "validation_blank": ProviderRejected,
    "validation_tool_config": ProviderRejected,
    "model_identifier": ProviderModelMissing,
    "on_demand": ProviderModelMissing,
    "no_model_access": ProviderModelMissing,
    "not_authorized": ProviderAuthFailed,
    "unrecognized_client": ProviderAuthFailed,
    "expired_token": ProviderAuthFailed,
    "invalid_signature": ProviderAuthFailed,
    "resource_not_found": ProviderModelMissing,
    "end_of_life": ProviderModelMissing,
    "internal": ProviderFailed,
    "unavailable": Overloaded,
    "serialization": ProviderRejected,
    "html_bad_gateway": ProviderFailed,
}
IN_STREAMS: dict[str, type[UpstreamError]] = {
    "throttled_in_stream": Throttled,
    "model_stream_error": ProviderFailed,
    "internal_in_stream": ProviderFailed,
    "context_too_long_in_stream": ContextTooLong,
    "unavailable_in_stream": Overloaded,
    "error_message": ProviderFailed,
}
CASES = {case.name: case for case in golden.errors(ROOT, DIALECT.name)}


@pytest.mark.parametrize("name", LEAVES)
def test_each_error_is_its_leaf(name: str) -> None:
    case = CASES[name]
    error = DIALECT.read_error(case.status, case.headers, case.body)
    assert type(error) is LEAVES[name]
    assert "arn:aws" not in error.message, "names an account"


def test_no_golden_error_is_forgotten() -> None:
    assert CASES.keys() == LEAVES.keys()


@pytest.mark.parametrize("case", golden.broken_streams(ROOT, DIALECT.name), ids=lambda case: case.name)
def test_each_exception_in_a_stream_is_its_leaf(case: golden.Case) -> None:
    assert type(streams.reports(DIALECT, case.stream or b"")) is IN_STREAMS[case.name]


def test_the_header_names_an_error_before_the_body_does() -> None:
    headers = ((b"x-amzn-errortype", b"aws.bedrock#ThrottlingException:http://internal/"),)
    error = DIALECT.read_error(400, headers, b'{"__type":"ValidationException","message":"a"}')
    assert (type(error), error.provider_code) == (Throttled, "ThrottlingException")


def test_a_refusal_under_a_status_that_is_no_refusal_goes_elsewhere() -> None:
    body = b'{"__type":"ValidationException","message":"a"}'
    assert type(DIALECT.read_error(500, (), body)) is ProviderFailed
    assert type(DIALECT.read_error(404, (), body)) is ProviderModelMissing


def test_an_error_in_a_body_of_status_200_is_that_error() -> None:
    with pytest.raises(Throttled):
        DIALECT.read_reply(b'{"__type":"ThrottlingException","message":"slowly"}')
    with pytest.raises(Malformed):
        DIALECT.read_reply(b"{}")
