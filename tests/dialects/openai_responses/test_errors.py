"""Errors: what recorded answers mean, and the event that ends a broken stream."""

from pathlib import Path

import httpx2
import msgspec
import openai
import pytest

from sekisho.core.error import ProviderFailed, Throttled, UpstreamError
from sekisho.dialects.openai_responses import DIALECT
from sekisho.testkit import golden
from sekisho.testkit.laws import streams
from sekisho.wire.sse import FrameDecoder

ROOT = Path(__file__).parents[2] / "golden"

MEANINGS = {
    "bad_parameter": "ProviderRejected",
    "context": "ContextTooLong",
    "encrypted_content": "ProviderRejected",
    "html_bad_gateway": "ProviderFailed",
    "invalid_key": "ProviderAuthFailed",
    "item_missing": "ProviderModelMissing",
    "model_missing": "ProviderModelMissing",
    "previous_response_missing": "ProviderRejected",
    "quota": "ProviderQuota",
    "rate_limit": "Throttled",
    "server_error": "ProviderFailed",
}
IN_STREAMS = {
    "error_event": "ProviderFailed",
    "error_event_nested": "ContextTooLong",
    "failed_invalid_image": "ProviderRejected",
    "failed_policy": "ContentFiltered",
    "failed_rate_limit": "Throttled",
    "failed_server_error": "ProviderFailed",
    "failed_without_error": "ProviderFailed",
    "json_in_place_of_stream": "ProviderFailed",
}


def test_recorded_errors_mean_what_they_say() -> None:
    found = {
        case.name: DIALECT.read_error(case.status, case.headers, case.body)
        for case in golden.errors(ROOT, DIALECT.name)
    }
    assert {name: type(error).__name__ for name, error in found.items()} == MEANINGS
    assert found["bad_parameter"].param == "max_output_tokens"
    assert found["rate_limit"].retry_after == 1.2
    assert "sk-" not in found["invalid_key"].message


def test_errors_in_streams_mean_what_they_say() -> None:
    cases = golden.broken_streams(ROOT, DIALECT.name)
    found = {case.name: streams.reports(DIALECT, case.stream or b"") for case in cases}
    assert {name: type(error).__name__ for name, error in found.items()} == IN_STREAMS


def test_the_official_sdk_raises_on_the_event_that_ends_a_broken_stream() -> None:
    data = DIALECT.write_error_frame(Throttled("the provider limits the rate of calls"), "req_1", "sse")
    with openai.OpenAI(
        api_key="x",
        base_url="http://localhost/v1",
        http_client=httpx2.Client(
            transport=httpx2.MockTransport(
                lambda _request: httpx2.Response(
                    200, content=data, headers={"content-type": "text/event-stream"}
                )
            )
        ),
    ) as client:
        stream = client.responses.create(model="m", input="Hi", stream=True)
        with pytest.raises(openai.APIError, match="limits the rate"):
            list(stream)


def test_the_event_also_says_it_as_documented() -> None:
    error: UpstreamError = ProviderFailed("the provider failed", param="input")
    error.provider, error.attempts = "openai", 2
    frame = FrameDecoder().feed(DIALECT.write_error_frame(error, "req_1", "sse"))[0]
    found = msgspec.json.decode(frame.data)
    assert (frame.event, found["type"]) == (b"error", "error")
    assert (found["code"], found["param"]) == ("upstream_failed", "input")
    assert found["message"] == found["error"]["message"] == error.told
    assert isinstance(found["sequence_number"], int)
