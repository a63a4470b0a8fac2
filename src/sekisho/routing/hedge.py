"""When a call is late, so that a second target is asked beside the first, and how many calls may be hedged.

As in "The Tail at Scale" (Dean and Barroso, 2013): what only the slowest twentieth of calls waits for costs a
twentieth more calls at most, and a cap holds where all of them become slow at once.
"""

from sekisho.core.route import Hedge
from sekisho.routing.window import Window

LATE = 0.95
"""The share of a route's answers of the last five minutes that came sooner than what is late."""
LEAST = 20
"""Answers, below which nobody knows what is late."""
SHARE = 0.1
"""Of a route's calls, that may be hedged."""
SAVED = 5.0
"""Hedges, brought by calls, that are kept for later."""
MOST = 10_000
"""Routes that are remembered: documents come and go."""


class Lateness:
    """Of one route. `now` is monotonic seconds."""

    __slots__ = ("_answers", "_first_events", "_saved")

    def __init__(self) -> None:
        self._saved = 1.0
        self._first_events = Window()
        """Seconds to a stream's first event."""
        self._answers = Window()
        """Seconds to a whole answer."""

    def deposit(self) -> None:
        """A call has come."""
        self._saved = min(SAVED, self._saved + SHARE)

    def withdraw(self) -> bool:
        """Whether one more call may be hedged; if so, it is counted."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True

    def due(self, hedge: Hedge | None, now: float, *, stream: bool) -> float | None:
        """Seconds after which an attempt is late; None: nobody knows yet, or nobody is to be hedged."""
        if hedge is None:
            return None
        if hedge.after is not None:
            return hedge.after
        window = self._window(stream=stream)
        return window.percentile(LATE, now) if window.count(now) >= LEAST else None

    def answered(self, seconds: float, now: float, *, stream: bool) -> None:
        """A call was answered so long after its attempt had begun, by whomever. (Where it was hedged that is
        later than what is late, as it would have been without: the percentile does not run away downward.)"""
        self._window(stream=stream).add(seconds, now)

    def _window(self, *, stream: bool) -> Window:
        return self._first_events if stream else self._answers


class Hedges:
    """One for a process; it outlives reloads."""

    __slots__ = ("_routes",)

    def __init__(self) -> None:
        self._routes: dict[str, Lateness] = {}

    def of(self, route: str) -> Lateness:
        """That of the route with this name."""
        found = self._routes.get(route)
        if found is None:
            if len(self._routes) >= MOST:
                self._routes.clear()
            found = self._routes[route] = Lateness()
        return found
