"""What clients are told of errors, and how long providers ask us to wait."""

import pytest

from sekisho.core.error import BadRequest, InternalError, ProviderRejected, Throttled, UpstreamError
from sekisho.wire.told import retry_after, told


def failed(error: UpstreamError) -> UpstreamError:
    error.provider, error.attempts = "acme", 2
    return error


def test_of_what_is_ours_to_mend_nothing_is_told_but_the_request() -> None:
    found = told(InternalError("a path of ours", param="messages"), "req_1")
    assert "req_1" in found.message
    assert "path" not in found.message
    assert (found.param, found.code, found.provider) == (None, "internal_error", None)


def test_a_provider_is_named_and_its_own_words_stay_as_they_are() -> None:
    assert told(BadRequest("model: missing.", param="model"), "r")[:3] == (
        "model: missing.",
        "invalid_request",
        "model",
    )
    assert told(failed(Throttled("too many")), "r").message == "too many (provider acme, 2 attempts)"
    assert told(failed(ProviderRejected("too hot")), "r")[0] == "too hot"
    assert told(failed(ProviderRejected("too hot")), "r")[3:] == ("acme", 2)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (b" 2.5 ", 2.5),
        (b"0", 0.0),
        (b"999999", 86_400.0),
        (b"-1", None),
        (b"inf", None),
        (b"Wed, 21 Oct 2026", None),
    ],
)
def test_how_long_to_wait(value: bytes, wait: float | None) -> None:
    assert retry_after([(b"x", b"9"), (b"retry-after", value)]) == wait
