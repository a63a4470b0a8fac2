"""How many tries may be made at providers that are likely to fail them, so that an outage makes no storm.

What hammers a provider is another try at the one that has just failed, and a try at one that is known to be
out of order after another has failed already: both are paid for here. A fallback to a provider that is fit is
free: for it that is the first try, and without it the call fails. As in Finagle's RetryBudget
(https://twitter.github.io/finagle/guide/Clients.html#retries, 2026-11) each call brings a share of a try, and
there is a floor, so that a lone call may always be tried again.
"""

SHARE = 0.2
"""Of a try, that each call brings."""
SAVED = 50.0
"""Tries, brought by calls, that are kept for later."""
FLOOR = 10.0
"""Tries a second beside those."""


class RetryBudget:
    """One for a process. `now` is monotonic seconds."""

    __slots__ = ("_floor", "_saved", "_weighed")

    def __init__(self) -> None:
        self._saved = 0.0
        self._floor = FLOOR
        self._weighed: float | None = None

    def deposit(self) -> None:
        """A call has come."""
        if self._saved < SAVED:
            self._saved = min(SAVED, self._saved + SHARE)

    def withdraw(self, now: float) -> bool:
        """Whether one more try may be made; if so, it is paid."""
        passed = 0.0 if self._weighed is None else max(0.0, now - self._weighed)
        self._floor = min(FLOOR, self._floor + FLOOR * passed)
        self._weighed = now
        if self._saved >= 1.0:
            self._saved -= 1.0
            return True
        if self._floor >= 1.0:
            self._floor -= 1.0
            return True
        return False
