"""What status pages said, as an operator's folder keeps it: one file a page, the last good one for ever.

Pages list their latest incidents only; what is read again and again reaches back further than any of them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from sekisho.core.message import Value
from sekisho.core.provider import Provider
from sekisho.providers.models.kept import replace
from sekisho.providers.status.feeds import Feed
from sekisho.providers.status.incident import DAY, DAYS, SEVERE, BadFeed, Incident, Reading

MOST = 2_000
"""Incidents kept of a page."""
FRESH = 3_600.0
"""Seconds for which an incident that a page showed as open counts as open."""
BELIEVED = 2 * DAY
"""Since its last update, after which an open incident is taken for one that nobody closed."""


class History(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Times are seconds since the epoch."""

    provider: str
    source: str
    """The page's address, or the file's."""
    checked: float
    """When the page was last read."""
    reach: float
    """From when on all its incidents are known."""
    incidents: tuple[Incident, ...] = ()
    """The latest first."""
    etag: str | None = None
    modified: str | None = None
    """What the page's server calls this version, to be asked whether there is a newer one."""

    def open_severe(self, now: float) -> tuple[Incident, ...]:
        """Major and critical incidents of the API that are open, as far as that is known at `now`."""
        if now - self.checked > FRESH:
            return ()
        return tuple(
            each
            for each in self.incidents
            if each.ended is None and each.api and each.severity in SEVERE and now - each.updated <= BELIEVED
        )


_decoder = msgspec.json.Decoder(History)


def merged(before: History | None, new: Reading, feed: Feed, source: str, now: float) -> History:
    """`before` with what the page says now: what it lists is as it says, an open incident that it lists no
    more is over, and what is over for 90 days is forgotten."""
    told = {each.id: each for each in new.incidents}
    kept = [_closed(each, now) for each in (before.incidents if before else ()) if each.id not in told]
    since = now - DAYS * DAY
    wanted = [each for each in (*told.values(), *kept) if each.ended is None or each.ended >= since]
    wanted.sort(key=lambda each: (each.began, each.id), reverse=True)
    return History(
        provider=feed.name,
        source=source,
        checked=now,
        reach=_reach(before, new, now),
        incidents=tuple(wanted[:MOST]),
    )


def read(folder: Path, name: str) -> History | None:
    """What is kept of one page; None: nothing. Raises BadFeed or OSError."""
    path = _path(folder, name)
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFeed(f"{path}: {error}; delete the file") from None


def keep(folder: Path, history: History) -> None:
    """Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    replace(_path(folder, history.provider), msgspec.json.encode(history))


def troubled(
    histories: Iterable[History], feeds: Mapping[str, Feed], providers: Iterable[Provider], now: float
) -> frozenset[str]:
    """Names of the providers whose pages report an open major or critical incident of their API."""
    rows = {
        row
        for each in histories
        if each.provider in feeds and each.open_severe(now)
        for row in feeds[each.provider].rows
    }
    return frozenset(provider.name for provider in providers if provider.row in rows)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name.lower().replace(' ', '-')}.json"


def _closed(each: Incident, now: float) -> Incident:
    return each if each.ended is not None else msgspec.structs.replace(each, ended=now, updated=now)


def _reach(before: History | None, new: Reading, now: float) -> float:
    if new.reach is None:
        return before.reach if before else now
    if before is None or new.reach > before.checked:  # what lies between nobody knows
        return new.reach
    return min(before.reach, new.reach)
