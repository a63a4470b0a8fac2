"""How stable providers were: what their status pages showed, beside what this installation's calls met.

A page that was read here (`status` in the document, `sekisho status update`) counts over the last 90 days; of
the others stands what the package ships, with the window that it is of.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sekisho.control.services.outages import Outages, outages
from sekisho.control.store.engine import Store
from sekisho.providers.market import stability as shipped
from sekisho.providers.market.stability import Observed
from sekisho.providers.status import feeds, kept
from sekisho.providers.status.incident import DAY, DAYS, count
from sekisho.providers.status.kept import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of calls that went to this provider first."""

    calls: int
    failed: int
    """Whose first attempt failed there, and not because of the request."""

    @property
    def uptime(self) -> float | None:
        """Share of the calls; None of none."""
        return 1 - self.failed / self.calls if self.calls else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Of one provider. None: it is not known."""

    provider: str
    """A catalogue row, a name of the operator's document, or one for people."""
    since: str | None = None
    """The first day that incidents are counted of."""
    to: str | None = None
    """The last."""
    incidents: int | None = None
    api: int | None = None
    severe: int | None = None
    open: int | None = None
    """Major and critical incidents of the API that are open, where the page was read within the hour."""
    uptime: str | None = None
    """As the page says."""
    sla: str | None = None
    note: str = ""
    note_ja: str = ""
    source: str | None = None
    measured: Measured | None = None


def known(folder: Path, now: float, measured: Mapping[str, Measured]) -> list[Stability]:
    """Everybody of whom something is known: those of the shipped observations first, in their order. Raises
    BadFeed or OSError for a file in `folder` that cannot be read."""
    observed = shipped.load()
    found = {each.provider: _shipped(each, observed) for each in observed.observed}
    for history in kept_in(folder):
        before = found.get(history.provider)
        found[history.provider] = replace(_read(history, now), sla=before.sla if before else None)
    for name in measured:
        found.setdefault(name, Stability(provider=name))
    return [replace(each, measured=measured.get(each.provider)) for each in found.values()]


def measure(store: Store, now: float) -> dict[str, Measured]:
    """Of every provider that calls of the last 90 days went to. Raises StoreError."""
    found: Iterable[Outages] = outages(store, now - DAYS * DAY, "provider")
    return {
        each.name: Measured(calls=each.total.requests, failed=each.failed.requests)
        for each in found
        if each.name
    }


def of(found: Sequence[Stability], provider: str) -> Stability | None:
    return next((each for each in found if each.provider == provider), None)


def kept_in(folder: Path) -> Iterator[History]:
    """All that is kept of status pages. Raises BadFeed or OSError."""
    for name in feeds.load().feeds:
        found = kept.read(folder, name)
        if found is not None:
            yield found


def _shipped(each: Observed, observed: shipped.Stability) -> Stability:
    return Stability(
        provider=each.provider,
        since=observed.since,
        to=observed.to,
        incidents=each.incidents,
        api=each.api,
        severe=each.severe,
        uptime=each.uptime,
        sla=each.sla,
        note=each.note,
        note_ja=each.note_ja,
        source=each.source,
    )


def _read(history: History, now: float) -> Stability:
    counted = count(history.incidents, history.checked)
    fresh = now - history.checked <= kept.FRESH
    return Stability(
        provider=history.provider,
        since=_day(max(history.reach, history.checked - DAYS * DAY)),
        to=_day(history.checked),
        incidents=counted.incidents,
        api=counted.api,
        severe=counted.severe,
        open=len(history.open_severe(now)) if fresh else None,
        source=history.source,
    )


def _day(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()
