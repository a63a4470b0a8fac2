"""`config.json` of a Datadog status page: the one document that the page is made of.

How bad an incident was stands in its timeline alone: the components beside it are as they are now.
"""

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from sekisho.providers.status.feeds import Feed
from sekisho.providers.status.incident import BadFeed, Incident, Reading, Severity, moment, title

_Status = Literal["operational", "degraded", "partial_outage", "major_outage", "maintenance"]
_SEVERITIES: tuple[tuple[_Status, Severity], ...] = (
    ("major_outage", "critical"),
    ("partial_outage", "major"),
    ("degraded", "minor"),
)
"""The worst first."""


class _Component(msgspec.Struct):
    name: str
    status: _Status


class _Update(msgspec.Struct, rename="camel"):
    started_at: str
    components_affected: tuple[_Component, ...] | None = None


class _Incident(msgspec.Struct, rename="camel"):
    id: str
    title: str
    published_date: str
    resolved: bool
    timeline: tuple[_Update, ...]
    resolved_date: str | None = None
    last_modified_at: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    incidents: tuple[_Incident, ...] | None
    custom_domain: str | None = None
    page_url: str | None = None


_answers = msgspec.json.Decoder(_Answer)


def read(text: bytes, feed: Feed) -> Reading:
    """Raises BadFeed, or msgspec.DecodeError for what is of another shape."""
    found = tuple(_incident(each, feed) for each in _answers.decode(text).incidents or ())
    return Reading(incidents=found, reach=min((each.began for each in found), default=0.0))


def host(text: bytes) -> str:
    """Of the page that says this. Raises msgspec.DecodeError."""
    answer = _answers.decode(text)
    return answer.custom_domain or urlsplit(answer.page_url or "").hostname or ""


def _incident(told: _Incident, feed: Feed) -> Incident:
    what = f"incident {told.id[:40]}"
    if told.resolved and not told.resolved_date:
        raise BadFeed(f"{what}: is resolved at no time")
    ended = moment(told.resolved_date, what) if told.resolved and told.resolved_date else None
    began = moment(told.published_date, what)
    affected = [each for update in told.timeline for each in update.components_affected or ()]
    statuses = {each.status for each in affected}
    modified = told.last_modified_at or told.published_date
    return Incident(
        id=told.id,
        title=title(told.title),
        began=began if ended is None else min(began, ended),
        updated=moment(modified, what),
        ended=ended,
        severity=next((severity for status, severity in _SEVERITIES if status in statuses), "none"),
        api=feed.concerns_api(told.title, (each.name for each in affected)),
    )
