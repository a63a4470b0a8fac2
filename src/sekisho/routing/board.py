"""How every endpoint fares: the one mutable thing that planning looks at. Lives as long as the process."""

from collections.abc import Callable

from sekisho.routing import health
from sekisho.routing.health import FIT, Health, Outcome, Policy
from sekisho.routing.window import Window

MOST = 20_000
"""Endpoints kept. Providers that take any model name let clients invent them."""


class Standing:
    """Of one endpoint."""

    __slots__ = ("first_token", "health", "inflight", "speed")

    def __init__(self) -> None:
        self.health: Health = FIT
        self.inflight = 0
        """Calls under way."""
        self.first_token = Window()
        """Seconds to the first event."""
        self.speed = Window()
        """Tokens a second after it."""


class Board:
    """`clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float], policy: Policy = health.DEFAULT):
        self._clock = clock
        self._policy = policy
        self._standings: dict[str, Standing] = {}

    def now(self) -> float:
        return self._clock()

    def of(self, endpoint: str) -> Standing:
        """The standing of the endpoint with this id; an unknown one is fit and idle."""
        found = self._standings.get(endpoint)
        if found is None:
            if len(self._standings) >= MOST:
                self._forget()
            found = self._standings[endpoint] = Standing()
        return found

    def admits(self, endpoint: str) -> bool:
        """Whether a call may be sent there now."""
        standing = self._standings.get(endpoint)
        return standing is None or health.admits(standing.health, self._clock(), self._policy)

    def began(self, endpoint: str) -> None:
        """A call is being sent. `ended` must follow, whatever happens."""
        standing = self.of(endpoint)
        standing.inflight += 1
        if standing.health.broken:
            standing.health = health.began(standing.health, self._clock())

    def ended(self, endpoint: str, outcome: Outcome | None, retry_after: float | None = None) -> None:
        """The call is over; None: the client left, which says nothing of the provider."""
        standing = self.of(endpoint)
        standing.inflight = max(0, standing.inflight - 1)
        if outcome is not None:
            standing.health = health.ended(
                standing.health, outcome, self._clock(), retry_after=retry_after, policy=self._policy
            )

    def measured(self, endpoint: str, *, first_token: float | None, speed: float | None = None) -> None:
        """Seconds to the first event, tokens a second after it."""
        standing, now = self.of(endpoint), self._clock()
        if first_token is not None:
            standing.first_token.add(first_token, now)
        if speed is not None:
            standing.speed.add(speed, now)

    def _forget(self) -> None:
        """Idle and healthy ones are as good as new."""
        kept = {
            name: standing
            for name, standing in self._standings.items()
            if standing.inflight or standing.health.broken
        }
        self._standings = kept
