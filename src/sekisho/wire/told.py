"""What clients are told of an error, whatever their API's shape; and how long providers ask us to wait."""

import math
from typing import NamedTuple

from sekisho.core.contract import Headers
from sekisho.core.error import InternalError, ProviderRejected, SekishoError, UpstreamError

LONGEST_WAIT = 86_400.0
"""Seconds. Longer waits are taken as this, senseless ones as none."""


class Told(NamedTuple):
    message: str
    code: str
    param: str | None
    provider: str | None
    """Set with `attempts`, where a provider failed."""
    attempts: int


def told(error: SekishoError, request_id: str) -> Told:
    """Of what is ours to mend the client gets nothing but the request's id."""
    if isinstance(error, InternalError) or type(error) is SekishoError:
        message = f"internal error; name the request id {request_id} when you report it"
        return Told(message, InternalError.code, None, None, 0)
    if not isinstance(error, UpstreamError) or error.provider is None:
        return Told(error.message, error.code, error.param, None, 0)
    # Of a refusal the provider's own words are the message.
    message = error.message if isinstance(error, ProviderRejected) else error.told
    return Told(message, error.code, error.param, error.provider, error.attempts)


def seconds(text: str | None) -> float | None:
    """A number of seconds, between 0 and LONGEST_WAIT; None for anything else. Dates would need a clock."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return min(value, LONGEST_WAIT) if math.isfinite(value) and value >= 0 else None


def retry_after(headers: Headers) -> float | None:
    """Seconds to wait, as `retry-after` says."""
    found = (seconds(value.decode("latin-1").strip()) for name, value in headers if name == b"retry-after")
    return next(found, None)
