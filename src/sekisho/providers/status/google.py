"""`incidents.json` of Google Cloud: every product's incidents of some years in one list.

Its shape: status.cloud.google.com/incidents.schema.json.
"""

import msgspec

from sekisho.providers.status.feeds import Feed
from sekisho.providers.status.incident import Incident, Reading, Severity, moment, title


class _Product(msgspec.Struct):
    title: str
    current_title: str | None = None


class _Incident(msgspec.Struct):
    id: str
    begin: str
    external_desc: str = ""
    end: str | None = None
    modified: str | None = None
    status_impact: str = ""
    severity: str = ""
    affected_products: tuple[_Product, ...] = ()


_answers = msgspec.json.Decoder(tuple[_Incident, ...])


def read(text: bytes, feed: Feed) -> Reading:
    """Raises BadFeed, or msgspec.DecodeError for what is of another shape."""
    found = tuple(_incident(each, feed) for each in _answers.decode(text))
    return Reading(incidents=found, reach=min((each.began for each in found), default=0.0))


def _incident(told: _Incident, feed: Feed) -> Incident:
    what = f"incident {told.id[:40]}"
    began = moment(told.begin, what)
    ended = moment(told.end, what) if told.end else None
    products = [name for each in told.affected_products for name in (each.title, each.current_title) if name]
    return Incident(
        id=told.id,
        title=title(told.external_desc),
        began=began if ended is None else min(began, ended),
        updated=moment(told.modified, what) if told.modified else began,
        ended=ended,
        severity=_severity(told),
        api=feed.concerns_api(told.external_desc, products),
    )


def _severity(told: _Incident) -> Severity:
    """A major incident is what Google marks as a service outage (cloud.google.com/support/docs/dashboard)."""
    if told.status_impact == "SERVICE_INFORMATION":
        return "none"
    return "major" if told.status_impact == "SERVICE_OUTAGE" or told.severity == "high" else "minor"
