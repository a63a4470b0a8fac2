"""How every endpoint fares: the one mutable thing that planning looks at. Lives as long as the process."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from sekisho.core.provider import endpoint_id
from sekisho.core.record import CallRecord
from sekisho.core.route import Target
from sekisho.routing import health
from sekisho.routing.health import FIT, Finding, Health, Outcome, Policy
from sekisho.routing.news import News, heard, news
from sekisho.routing.spent import Spent
from sekisho.routing.window import Window

MOST = 20_000
"""Endpoints kept. Providers that take any model name let clients invent them."""
OFTEN_ENOUGH = 0.05
"""Seconds for which one more answer of an endpoint that nothing speaks against is no news."""
MEASURED_EVERY = 0.005
"""Seconds. More answers than that say nothing more of an endpoint's speed."""
LEAST_TOKENS = 16
"""Of an answer whose speed is worth measuring."""


class Standing:
    """Of one endpoint."""

    __slots__ = ("first_token", "health", "inflight", "measured", "plain", "speed")

    def __init__(self) -> None:
        self.health: Health = FIT
        self.plain: Health | None = None
        """The health that the last answer led to, if nothing spoke against the endpoint then."""
        self.inflight = 0
        """Calls under way."""
        self.measured = 0.0
        """When `speed` was added to."""
        self.first_token = Window()
        """Seconds to the first event of a stream."""
        self.speed = Window()
        """Tokens a second: of a stream after its first event, of a whole answer over all its time."""


class Board:
    """`clock` gives monotonic seconds."""

    def __init__(
        self, clock: Callable[[], float], policy: Policy = health.DEFAULT, spent: Spent | None = None
    ):
        self._clock = clock
        self._policy = policy
        self.spent = spent or Spent()
        self._standings: dict[str, Standing] = {}
        self.troubled: frozenset[str] = frozenset()
        """Providers whose status pages report an open major or critical incident of their API, where the
        document says that this counts."""
        self.tell: Callable[[str, News], None] | None = None
        """Given where processes share what they know: takes an endpoint's id. Must return at once."""

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

    def all_of(self, targets: Iterable[Target]) -> list[Standing]:
        """The standings of many, in their order."""
        known = self._standings
        return [known.get(target.endpoint.id) or self.of(target.endpoint.id) for target in targets]

    def admits(self, endpoint: str) -> bool:
        """Whether a call may be sent there now."""
        standing = self._standings.get(endpoint)
        return standing is None or health.admits(standing.health, self._clock(), self._policy)

    def is_fit(self, endpoint: str) -> bool:
        """Whether nothing speaks against it: it is neither out of order nor being probed, nor throttled."""
        standing = self._standings.get(endpoint)
        return standing is None or (not standing.health.broken and self.admits(endpoint))

    def is_broken(self, endpoint: str) -> bool:
        """Whether its failures keep calls away now, not only a limit of its rate."""
        standing = self._standings.get(endpoint)
        return standing is not None and standing.health.broken > 0 and not self.admits(endpoint)

    def asked_wait(self, endpoint: str) -> float:
        """Seconds for which the provider asked to be left alone; 0: it did not, or they have passed."""
        standing = self._standings.get(endpoint)
        if standing is None or not standing.health.asked:
            return 0.0
        return max(0.0, standing.health.asked - self._clock())

    def began(self, endpoint: str) -> float:
        """A call is being sent. `ended` must follow, whatever happens. Returns when it began."""
        standing = self._standings.get(endpoint) or self.of(endpoint)
        standing.inflight += 1
        now = self._clock()
        if standing.health.broken:
            self._change(endpoint, standing, health.began(standing.health, now), now)
        return now

    def answering(self, endpoint: str, began: float) -> None:
        """The first event of a stream is there. Who is being probed is fit from then on, not only when the
        stream has ended."""
        standing, now = self.of(endpoint), self._clock()
        standing.first_token.add(now - began, now)
        if standing.health.broken:
            fit = health.ended(standing.health, "answered", now, began=began, policy=self._policy)
            self._change(endpoint, standing, fit, now)

    def ended(
        self, endpoint: str, outcome: Outcome | None, *, began: float, retry_after: float | None = None
    ) -> None:
        """The call that began then is over; None: that says nothing of the provider (the client left)."""
        standing = self._standings.get(endpoint) or self.of(endpoint)
        standing.inflight -= 1
        if outcome is None:
            return
        now, known = self._clock(), standing.health
        if known is standing.plain and outcome == "answered" and now < known.counted + OFTEN_ENOUGH:
            return
        after = health.ended(known, outcome, now, began=began, retry_after=retry_after, policy=self._policy)
        standing.plain = after if outcome == "answered" and health.is_plain(after) else None
        self._change(endpoint, standing, after, now)

    def hear(self, endpoint: str, told: News) -> None:
        """Another process found out something."""
        standing = self._standings.get(endpoint)
        if standing is None:
            if not told.rest:
                return
            standing = self.of(endpoint)
        standing.health = heard(standing.health, told, self._clock(), self._policy)

    def probed(self, endpoints: Iterable[str], finding: Finding) -> None:
        """What a background probe of these endpoints came to. Other processes probe for themselves."""
        for name in endpoints:
            if name in self._standings or not finding.answered:
                standing = self.of(name)
                standing.health = health.probed(standing.health, finding, self._clock(), self._policy)

    def out_of_order(self, provider: str) -> list[tuple[str, float]]:
        """The provider's endpoints whose breaker is open or half open, each with when it opened."""
        return [
            (name, standing.health.opened)
            for name, standing in self._standings.items()
            if standing.health.broken and name.partition("/")[0] == provider
        ]

    def observe(self, record: CallRecord) -> None:
        """How fast the answer of an ended call came, and what it cost."""
        self.spent.observe(record)
        if record.provider is None or record.model is None or record.upstream_model is None:
            return
        name = endpoint_id(record.provider, record.model, record.upstream_model)
        standing = self._standings.get(name) or self.of(name)
        now = self._clock()
        if now < standing.measured + MEASURED_EVERY:  # asked first: of busy endpoints nearly all end here
            return
        usage = record.usage
        if usage is None or usage.output < LEAST_TOKENS or usage.estimated or record.outcome != "ok":
            return
        taken = record.total_ms - (record.first_token_ms or 0)
        if not record.stream:
            answered = [attempt.milliseconds for attempt in record.attempts if attempt.code is None]
            taken = max(answered, default=0)
        if taken > 0:
            standing.measured = now
            standing.speed.add(usage.output * 1000 / taken, now)

    def keep(self, endpoints: Collection[str]) -> None:
        """Forgets what is idle and healthy, but for these: the others are in no document any more."""
        self._standings = {
            name: standing
            for name, standing in self._standings.items()
            if name in endpoints or standing.inflight or standing.health.broken
        }

    def states(self) -> Mapping[tuple[str, ...], float]:
        """(provider, state) -> how many of its endpoints, of those that were called."""
        now = self._clock()
        return Counter(
            (endpoint.partition("/")[0], health.state(standing.health, now))
            for endpoint, standing in self._standings.items()
        )

    def underway(self) -> Mapping[tuple[str, ...], float]:
        """(provider,) -> calls under way."""
        found: Counter[tuple[str, ...]] = Counter()
        for endpoint, standing in self._standings.items():
            found[endpoint.partition("/")[0],] += standing.inflight
        return found

    def _change(self, endpoint: str, standing: Standing, after: Health, now: float) -> None:
        before, standing.health = standing.health, after
        if self.tell is not None:
            told = news(before, after, now)
            if told is not None:
                self.tell(endpoint, told)

    def _forget(self) -> None:
        """Idle and healthy ones are as good as new; of the others that are idle the latest half is kept."""
        busy = {name: standing for name, standing in self._standings.items() if standing.inflight}
        broken = [
            (name, standing)
            for name, standing in self._standings.items()
            if standing.health.broken and not standing.inflight
        ]
        self._standings = {**dict(broken[-MOST // 2 :]), **busy}
