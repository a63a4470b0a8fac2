"""A status page's text -> what it says; and whether that can be."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from sekisho.providers.status import datadog, google, statuspage
from sekisho.providers.status.feeds import Feed, Feeds, Format
from sekisho.providers.status.incident import BadFeed, Incident, Reading

MOST_BYTES = 16 * 1024 * 1024
MOST_INCIDENTS = 5_000
"""Google's list of some years has some hundreds."""
AHEAD = 3_600.0
"""Seconds by which clocks may differ."""
_READ: Mapping[Format, Callable[[bytes, Feed], Reading]] = MappingProxyType(
    {"statuspage": statuspage.read, "google": google.read, "datadog": datadog.read}
)


def read(text: bytes, feed: Feed, now: float) -> Reading:
    """What the page says at `now`, in seconds since the epoch. Raises BadFeed: a page of which a part cannot
    be true is believed in nothing."""
    if len(text) > MOST_BYTES:
        raise BadFeed(f"more than {MOST_BYTES:,} bytes")
    try:
        found = _READ[feed.format](text, feed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFeed(f"is not what {feed.format} pages say: {str(error)[:200]}") from None
    if len(found.incidents) > MOST_INCIDENTS:
        raise BadFeed(
            f"lists {len(found.incidents):,} incidents; more than {MOST_INCIDENTS:,} are not believed"
        )
    for each in found.incidents:
        _check(each, now)
    return found


def whose(text: bytes, feeds: Feeds) -> Feed | None:
    """Which page a text is of, by what it says of itself. None: it does not say, or it is not known."""
    if text.lstrip()[:1] == b"[":
        return feeds.of_format("google")
    for host in (statuspage.host, datadog.host):
        try:
            return feeds.of_host(host(text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return None


def _check(each: Incident, now: float) -> None:
    for what, when in (("begins", each.began), ("is updated", each.updated), ("ends", each.ended)):
        if when is not None and when > now + AHEAD:
            raise BadFeed(f"incident {each.id[:40]} {what} in the future")
    if each.began <= 0:
        raise BadFeed(f"incident {each.id[:40]} has no time")
