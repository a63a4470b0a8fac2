"""Every error a call can end in, as one tree.

    SekishoError
      ClientError     the request is wrong; trying elsewhere cannot help
      LimitError      the request is fine, but not now
      UpstreamError   a provider failed; only these lead to a retry or a fallback
      InternalError   ours; its text never leaves the process

Each leaf has a status, a stable `code` and a `retry` class. Every dialect writes each leaf in its own shape.
The message is for the client: it names field, reason and remedy, and never holds a key or a prompt.
"""

from typing import ClassVar, Literal

Retry = Literal["never", "elsewhere", "same"]
"""never: no target can help. elsewhere: another target may. same: this target may, after a wait."""


class SekishoError(Exception):
    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retry: ClassVar[Retry] = "never"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.message = message
        self.param = param
        """The offending field, as a path in the client's own dialect (`messages.2.content.0`)."""
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""


# --- the client's ---------------------------------------------------------------------------------


class ClientError(SekishoError):
    status = 400
    code = "invalid_request"


class BadRequest(ClientError):
    """Not JSON, a wrong type, a missing field."""


class Unauthorized(ClientError):
    status = 401
    code = "invalid_api_key"


class Forbidden(ClientError):
    status = 403
    code = "forbidden"


class NotFound(ClientError):
    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class MethodNotAllowed(ClientError):
    status = 405
    code = "method_not_allowed"


class RequestTimeout(ClientError):
    """The client was too slow sending its request."""

    status = 408
    code = "request_timeout"


class BodyTooLarge(ClientError):
    status = 413
    code = "body_too_large"


class Unsupported(ClientError):
    """The target cannot express what the request contains."""

    status = 422
    code = "unsupported_content"


class NotServed(ClientError):
    """A part of the API that this gateway does not have: to leave it out in silence would be another call."""

    status = 501
    code = "not_served"


class LimitError(SekishoError):
    status = 429
    code = "rate_limited"


class BudgetUsedUp(LimitError):
    """The providers that could answer have no more to spend in this period."""

    code = "budget_used_up"


class LimitReached(LimitError):
    """A limit of the caller's own has no room for the call now."""

    code = "rate_limit_exceeded"


class BudgetReached(LimitError):
    """The caller's own budget has not enough left for the call. 402, which no client repeats by itself: with
    429 it would be asked again every few seconds until the month is over."""

    status = 402
    code = "insufficient_quota"


class Draining(SekishoError):
    """The process is shutting down and takes no new calls."""

    status = 503
    code = "shutting_down"


class Unavailable(SekishoError):
    """A part of ours that this request needs is out of order for the moment."""

    status = 503
    code = "unavailable"


class CountersLost(Unavailable):
    """What limits have used and held cannot be counted for the moment."""

    code = "limits_unavailable"


class InternalError(SekishoError):
    """Something unforeseen. The client sees only the request's id."""


# --- the provider's -------------------------------------------------------------------------------


class UpstreamError(SekishoError):
    """`message` says what happened without naming the provider; the attempt loop adds who and how often."""

    status = 502
    code = "upstream_error"
    retry: ClassVar[Retry] = "elsewhere"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after: float | None = None,
        provider_status: int | None = None,
        provider_code: str | None = None,
    ):
        super().__init__(message, param=param, retry_after=retry_after)
        self.provider_status = provider_status
        self.provider_code = provider_code
        self.provider: str | None = None
        self.attempts = 0
        self.history = ""
        """What came of each attempt, where that says more."""

    @property
    def told(self) -> str:
        """The message for the client, with who failed and how many attempts were made in all."""
        if self.provider is None:
            return self.message
        tries = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        each = f": {self.history}" if self.history else ""
        return f"{self.message} (provider {self.provider}, {tries}{each})"


class Unreachable(UpstreamError):
    """No connection: name lookup, refused, reset before an answer, TLS failure."""

    code = "upstream_unreachable"
    retry: ClassVar[Retry] = "same"


class UpstreamTimeout(UpstreamError):
    """Nothing within a phase's limit: connect, first token, idle gap or total."""

    status = 504
    code = "upstream_timeout"


class LoopDetected(UpstreamError):
    """A chain of gateways that ends in one of its own."""

    status = 508
    code = "loop_detected"
    retry: ClassVar[Retry] = "never"


class Malformed(UpstreamError):
    """An answer that breaks HTTP or the provider's own format."""

    code = "upstream_malformed"


class Truncated(Malformed):
    """A stream that ended without saying so."""

    code = "upstream_truncated"


class Throttled(UpstreamError):
    status = 429
    code = "upstream_rate_limited"
    retry: ClassVar[Retry] = "same"


class Overloaded(UpstreamError):
    """503 and 529: the provider is there but full."""

    status = 503
    code = "upstream_overloaded"
    retry: ClassVar[Retry] = "same"


class ProviderFailed(UpstreamError):
    """500 and its like."""

    code = "upstream_failed"
    retry: ClassVar[Retry] = "same"


class ProviderAuthFailed(UpstreamError):
    """The provider refuses our key. 502 for the client, whose own key is fine."""

    code = "upstream_auth_failed"


class ProviderQuota(UpstreamError):
    """The provider wants money (402, or a 429 that no wait mends)."""

    code = "upstream_quota_exhausted"


class ProviderModelMissing(UpstreamError):
    """404 from the provider: it does not serve that model (any more)."""

    code = "upstream_model_missing"


class ProviderRejected(UpstreamError):
    """The provider finds the request itself wrong (400, 413, 422). The client gets its status and words."""

    code = "upstream_rejected"
    retry: ClassVar[Retry] = "never"

    @property
    def rejected_status(self) -> int:
        return self.provider_status or 400


class ContextTooLong(ProviderRejected):
    """The prompt does not fit the model. A larger model could help, the same one never."""

    code = "context_length_exceeded"


class ContentFiltered(ProviderRejected):
    """A safety filter refused the request before the model answered."""

    code = "content_filter"


REFUSALS = frozenset({ProviderRejected.code, ContextTooLong.code, ContentFiltered.code, LoopDetected.code})
"""Codes that say something of the request, and nothing against the provider."""
