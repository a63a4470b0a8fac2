"""What the attempts of calls tell the board of the endpoints that they go to."""

from collections.abc import Mapping
from types import MappingProxyType

from sekisho.core.error import (
    ContentFiltered,
    ContextTooLong,
    LoopDetected,
    Malformed,
    Overloaded,
    ProviderAuthFailed,
    ProviderFailed,
    ProviderModelMissing,
    ProviderQuota,
    ProviderRejected,
    Throttled,
    Truncated,
    Unreachable,
    UpstreamError,
    UpstreamTimeout,
)
from sekisho.routing.board import Board
from sekisho.routing.health import Outcome

OUTCOMES: Mapping[type[UpstreamError], Outcome | None] = MappingProxyType(
    {
        UpstreamError: None,  # it was not even asked: the request does not fit what is configured
        Unreachable: "failed",
        UpstreamTimeout: "failed",
        Malformed: "failed",
        Truncated: "failed",
        Overloaded: "failed",
        ProviderFailed: "failed",
        Throttled: "throttled",
        ProviderAuthFailed: "unusable",
        ProviderQuota: "unusable",
        ProviderModelMissing: "unusable",
        ProviderRejected: "answered",
        ContextTooLong: "answered",
        ContentFiltered: "answered",
        LoopDetected: "answered",  # a client's header can bring it about, which must keep nobody else away
    }
)
"""What each leaf says of the provider. Who finds a request wrong is well."""


class Watch:
    """Over one attempt, from its beginning to the end of its answer."""

    __slots__ = ("_board", "_endpoint", "_over", "began")

    def __init__(self, board: Board, endpoint: str):
        self._board = board
        self._endpoint = endpoint
        self._over = False
        self.began = board.began(endpoint)

    def answering(self) -> None:
        """The first event of a stream is there."""
        self._board.answering(self._endpoint, self.began)

    def failed(self, error: UpstreamError) -> None:
        """It is over, because of `error`."""
        self.end(OUTCOMES[type(error)], error.retry_after)

    def end(self, outcome: Outcome | None = None, retry_after: float | None = None) -> None:
        """It is over. None: that says nothing of the provider, as when the client leaves. Only the first word
        counts."""
        if not self._over:
            self._over = True
            self._board.ended(self._endpoint, outcome, began=self.began, retry_after=retry_after)
