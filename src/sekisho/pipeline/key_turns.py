"""Several keys of one provider take turns, and one that was refused rests.

A key that is throttled rests for the endpoint that throttled it, since limits are by model; one that is
refused or has no money left rests for all of the provider. For how long says the same transition as for
endpoints.
"""

from collections.abc import Callable, Collection
from hashlib import blake2b

import structlog

from sekisho.core.error import ProviderAuthFailed, ProviderQuota, Throttled, UpstreamError
from sekisho.core.provider import Provider
from sekisho.pipeline.prepare import Prepared
from sekisho.routing import health
from sekisho.routing.health import FIT, Health
from sekisho.routing.news import News, heard, news

MOST = 10_000
"""Rests that are remembered."""
log = structlog.get_logger()


class KeyTurns:
    """One for a process; it outlives reloads. `clock` gives monotonic seconds. Keys are told by their place
    in `Prepared.signers`; a lone key costs nothing and never rests."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._turns: dict[str, int] = {}
        """By provider."""
        self._rests: dict[str, Health] = {}
        """By a key's digest, or that and an endpoint's id; never by the key."""
        self.tell: Callable[[str, News], None] | None = None
        """Given where processes share what they know: takes such a name. Must return at once."""

    def choose(self, prepared: Prepared, tried: Collection[int] = ()) -> int:
        """The next key that is fit, else the one that will be so the soonest; those that this call has
        `tried` last."""
        count = len(prepared.signers)
        if count == 1:
            return 0
        provider = prepared.endpoint.provider.name
        first = self._turns.get(provider, 0) % count
        order = [*range(first, count), *range(first)]
        chosen: int = min(order, key=lambda index: (index in tried, self._wait(prepared, index)))
        self._turns[provider] = chosen + 1
        return chosen

    def another(self, prepared: Prepared, tried: Collection[int]) -> bool:
        """Whether a key is fit that this call has not tried."""
        return any(
            index not in tried and self._wait(prepared, index) == 0 for index in range(len(prepared.signers))
        )

    def soonest(self, prepared: Prepared) -> float:
        """Seconds until the first of the keys is fit."""
        return min(self._wait(prepared, index) for index in range(len(prepared.signers)))

    def answered(self, prepared: Prepared, index: int) -> None:
        """The provider took the key."""
        if self._rests and len(prepared.signers) > 1:
            digest = digest_of(prepared.endpoint.provider, index)
            for name in (digest, f"{digest} {prepared.endpoint.id}"):
                if self._rests.pop(name, None) is not None and self.tell is not None:
                    self.tell(name, News(mended=True))

    def refused(self, prepared: Prepared, index: int, error: UpstreamError) -> None:
        """Lets the key rest, if it was the key that the error is about."""
        if len(prepared.signers) == 1:
            return
        digest, now = digest_of(prepared.endpoint.provider, index), self._clock()
        if isinstance(error, Throttled):
            name = f"{digest} {prepared.endpoint.id}"
            before = self._rests.get(name, FIT)
            rest = health.ended(before, "throttled", now, retry_after=error.retry_after)
        elif isinstance(error, ProviderAuthFailed | ProviderQuota):
            name = digest
            before = self._rests.get(name, FIT)
            rest = health.ended(before, "unusable", now, retry_after=error.retry_after)
        else:
            return
        self._keep(name, rest)
        told = news(before, rest, now)
        if told is not None and self.tell is not None:
            self.tell(name, told)
        log.warning(
            "key_rests",
            provider=prepared.endpoint.provider.name,
            key=digest,
            code=error.code,
            seconds=round(rest.until - now, 3),
        )

    def hear(self, name: str, told: News) -> None:
        """Another process found out something."""
        if told.mended:
            self._rests.pop(name, None)
        elif told.rest:
            self._keep(name, heard(self._rests.get(name, FIT), told, self._clock()))

    def _keep(self, name: str, rest: Health) -> None:
        if len(self._rests) >= MOST:
            self._rests.clear()
        self._rests[name] = rest

    def _wait(self, prepared: Prepared, index: int) -> float:
        if not self._rests:
            return 0.0
        digest = digest_of(prepared.endpoint.provider, index)
        rests = (self._rests.get(digest), self._rests.get(f"{digest} {prepared.endpoint.id}"))
        return max([0.0, *(rest.until - self._clock() for rest in rests if rest is not None)])


def digest_of(provider: Provider, index: int) -> str:
    """Tells one of the provider's keys from the others, and is of no other use."""
    secret = provider.auth.secrets[index]
    try:
        text = secret.resolve()
    except ProviderAuthFailed:
        text = repr(secret)  # the names of its variables
    return blake2b(text.encode(), digest_size=6, person=b"sekisho-key").hexdigest()
