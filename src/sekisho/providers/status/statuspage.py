"""`incidents.json` and `summary.json` of Statuspage's public API v2, which incident.io serves as well.

incident.io leaves out what it does not know: `components` may be null or empty, `started_at` null, and an
incident that was entered afterwards is resolved before it was created.
"""

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from sekisho.providers.status.feeds import Feed
from sekisho.providers.status.incident import Incident, Reading, Severity, moment, title


class _Named(msgspec.Struct):
    name: str


class _Update(msgspec.Struct):
    created_at: str | None = None
    display_at: str | None = None
    affected_components: tuple[_Named, ...] | None = None


class _Incident(msgspec.Struct):
    id: str
    name: str
    status: str
    impact: Literal["none", "minor", "major", "critical", "maintenance"] = "none"
    created_at: str | None = None
    started_at: str | None = None
    updated_at: str | None = None
    resolved_at: str | None = None
    components: tuple[_Named, ...] | None = None
    incident_updates: tuple[_Update, ...] | None = None


class _Page(msgspec.Struct):
    url: str = ""


class _Answer(msgspec.Struct):
    page: _Page
    incidents: tuple[_Incident, ...]
    status: dict[str, str] | None = None
    """Only a summary has it."""


_answers = msgspec.json.Decoder(_Answer)
_OVER = frozenset({"resolved", "postmortem", "completed"})
_NO_COMPONENT = "no components were affected"
"""What Statuspage puts in the place of a component where there is none."""


def read(text: bytes, feed: Feed) -> Reading:
    """Raises BadFeed, or msgspec.DecodeError for what is of another shape."""
    answer = _answers.decode(text)
    found = tuple(_incident(each, feed) for each in answer.incidents if each.impact != "maintenance")
    if answer.status is not None:
        return Reading(incidents=found)
    return Reading(incidents=found, reach=min((each.began for each in found), default=0.0))


def host(text: bytes) -> str:
    """Of the page that says this. Raises msgspec.DecodeError."""
    return urlsplit(_answers.decode(text).page.url).hostname or ""


def _incident(told: _Incident, feed: Feed) -> Incident:
    updates = told.incident_updates or ()
    times = [each.display_at or each.created_at for each in updates]
    what = f"incident {told.id[:40]}"
    begins = [told.started_at] if told.started_at else [*times, told.created_at]
    known = [moment(text, what) for text in begins if text]
    ended = moment(told.resolved_at, what) if told.resolved_at else None
    updated = moment(told.updated_at, what) if told.updated_at else max(known, default=ended or 0.0)
    if ended is None and told.status in _OVER:
        ended = updated
    began = min([*known, *([] if ended is None else [ended])], default=updated)
    components = [each.name for each in told.components or ()]
    if not components:
        components = [each.name for update in updates for each in update.affected_components or ()]
    named = [name for name in components if not name.lower().startswith(_NO_COMPONENT)]
    severity: Severity = "none" if told.impact == "maintenance" else told.impact
    return Incident(
        id=told.id,
        title=title(told.name),
        began=began,
        updated=updated,
        ended=ended,
        severity=severity,
        api=feed.concerns_api(told.name, named),
    )
