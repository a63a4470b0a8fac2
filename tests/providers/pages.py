"""Documents as status pages publish them, with incidents at the times that a test needs."""

import datetime as dt
import json
from typing import Any

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()
DAY = 86_400.0


def iso(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def incident(name: str, began: float, **more: Any) -> dict[str, Any]:
    """As Statuspage has it. `hours`: how long it was open, None: it is; `components`: their names."""
    hours, components = more.pop("hours", 2.0), more.pop("components", ["Claude API (api.anthropic.com)"])
    ended = None if hours is None else iso(began + hours * 3600)
    listed = [
        {"id": f"c{at}", "name": each, "status": "operational", "group": False, "position": at}
        for at, each in enumerate(components or ())
    ]
    return {
        "id": f"{abs(hash((name, began))):x}",
        "name": name,
        "status": "investigating" if ended is None else "resolved",
        "created_at": iso(began),
        "updated_at": ended or iso(began),
        "monitoring_at": None,
        "resolved_at": ended,
        "impact": "minor",
        "shortlink": "https://stspg.io/abcdefghijkl",
        "started_at": iso(began),
        "page_id": "tymt9n04zgry",
        "incident_updates": [
            {
                "id": "u1",
                "status": "investigating",
                "body": "We are currently investigating this issue.",
                "incident_id": name,
                "created_at": iso(began),
                "updated_at": iso(began),
                "display_at": iso(began),
                "affected_components": [
                    {"code": each["id"], "name": each["name"], "old_status": "operational"} for each in listed
                ],
                "deliver_notifications": True,
                "custom_tweet": None,
                "tweet_id": None,
            }
        ],
        "components": listed,
        "reminder_intervals": None,
        **more,
    }


def statuspage(*incidents: dict[str, Any], url: str = "https://status.claude.com", **more: Any) -> bytes:
    page = {
        "id": "tymt9n04zgry",
        "name": "Claude",
        "url": url,
        "time_zone": "Etc/UTC",
        "updated_at": iso(NOW),
    }
    return json.dumps({"page": page, "incidents": incidents, **more}).encode()


def google(title: str, began: float, hours: float | None, impact: str, product: str) -> dict[str, Any]:
    """One of the list."""
    where = [{"title": "Tokyo (asia-northeast1)", "id": "asia-northeast1"}]
    told = {
        "created": iso(began),
        "modified": iso(began),
        "when": iso(began),
        "text": f"Summary: {title}\nDescription: We are investigating.",
        "status": impact,
        "affected_locations": where,
    }
    return {
        "id": f"{abs(hash((title, began))):x}",
        "number": "15564124031412553730",
        "begin": iso(began),
        "created": iso(began),
        **({} if hours is None else {"end": iso(began + hours * 3600)}),
        "modified": iso(began),
        "external_desc": title,
        "updates": [told],
        "most_recent_update": told,
        "status_impact": impact,
        "severity": "medium",
        "service_key": "zall",
        "service_name": "Multiple Products",
        "affected_products": [{"title": product, "id": "Z0FZJAMvEB4j3NbCJs6B"}],
        "uri": "incidents/rZvZvSKVdDHyWh4dZJ8D",
        "currently_affected_locations": where if hours is None else [],
        "previously_affected_locations": [] if hours is None else where,
    }


def datadog(title: str, began: float, hours: float | None, worst: str, component: str) -> dict[str, Any]:
    """One of the page's."""
    ended = None if hours is None else began + hours * 3600
    last = iso(began if ended is None else ended)

    def update(when: float, status: str, word: str) -> dict[str, Any]:
        affected = [{"id": "a", "name": component, "position": 0, "status": status, "type": "Component"}]
        return {"id": word, "startedAt": iso(when), "createdAt": last, "lastModifiedAt": last, "status": word,
                "description": word, "componentsAffected": affected}  # fmt: skip

    timeline = [update(began, worst, "investigating")]
    if ended is not None:
        timeline.insert(0, update(ended, "operational", "resolved"))
    return {
        "id": title,
        "title": title,
        "currentStatus": timeline[0]["status"],
        "description": "",
        "publishedDate": iso(began),
        "lastModifiedAt": last,
        "resolved": ended is not None,
        "resolvedDate": None if ended is None else iso(ended),
        "timeline": timeline,
        "componentsAffected": timeline[0]["componentsAffected"],
    }


def datadog_page(*incidents: dict[str, Any]) -> bytes:
    page = {
        "name": "OpenRouter",
        "customDomain": "status.openrouter.ai",
        "components": [],
        "maintenances": None,
    }
    return json.dumps({**page, "incidents": incidents}).encode()
