"""`/api/v1/activity` and `/api/v1/datasets/rankings-daily`, in the shapes of OpenRouter's API document.

A workspace is an organisation, and a user the owner of keys.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from msgspec import UNSET

from sekisho.control.http.asked import Answer, Asked
from sekisho.control.http.holders import confined
from sekisho.control.services.activity import EPOCH, REACH, ActivityService, Grain, Wanted
from sekisho.core.clock import Clock
from sekisho.core.error import BadRequest, NotServed
from sekisho.core.money import NANO

GRAINS: tuple[Grain, ...] = get_args(Grain)
LONGEST = 366
"""Days of a ranking."""
UNSERVED = ("modality", "context_bucket", "category", "language_type")


class ActivityPages:
    """Waits for the database. Raises Refused, BadRequest and NotServed."""

    def __init__(self, service: ActivityService, clock: Clock):
        self._service = service
        self._now = clock.now

    def activity(self, asked: Asked) -> Answer:
        said = asked.parameters(("date", "api_key_hash", "user_id", "group_by", "workspace_id"))
        if said.get("group_by", "workspace") != "workspace":
            raise BadRequest("`group_by` can be `workspace`", param="group_by")
        last = self._service.yesterday()
        first = last - timedelta(days=REACH - 1)
        if "date" in said:
            day = _date(said, "date")
            if not first <= day <= last:
                raise BadRequest(f"`date` must be a day from {first} to {last}", param="date")
            first = last = day
        organisation = confined(asked, said.get("workspace_id", UNSET), "workspace_id")
        apart = "group_by" in said
        wanted = Wanted(
            organisation=None if organisation is UNSET else organisation,
            key=said.get("api_key_hash"),
            owner=said.get("user_id"),
            apart=apart,
        )
        shown: list[dict[str, Any]] = []
        for each in self._service.days(first, last, wanted):
            provider, model, *workspace = each.names
            line = {
                "date": (EPOCH + timedelta(days=each.day)).isoformat(),
                "model": model,
                "model_permaslug": model,
                "endpoint_id": f"{provider}/{model}",
                "provider_name": provider,
                "usage": each.cost / NANO,
                "byok_usage_inference": 0,
                "requests": each.calls,
                "prompt_tokens": each.prompt,
                "completion_tokens": each.output,
                "reasoning_tokens": each.reasoning,
            }
            shown.append(line | {"workspace_id": workspace[0]} if apart else line)
        return 200, {"data": shown}

    def rankings(self, asked: Asked) -> Answer:
        said = asked.parameters(("start_date", "end_date", "period", *UNSERVED))
        for name in UNSERVED:
            if name in said:
                raise NotServed(
                    f"`{name}` is not served here: the books sum calls by model alone", param=name
                )
        grain = next((each for each in GRAINS if each == said.get("period", "day")), None)
        if grain is None:
            raise BadRequest(f"`period` must be one of {', '.join(GRAINS)}", param="period")
        last = _date(said, "end_date") if "end_date" in said else self._service.yesterday()
        first = _date(said, "start_date") if "start_date" in said else last - timedelta(days=REACH)
        if not first <= last <= first + timedelta(days=LONGEST):
            raise BadRequest(
                f"`start_date` must be up to {LONGEST} days before `end_date`, and not after it",
                param="start_date",
            )
        ranked = self._service.ranking(first, last, grain, asked.within)
        lines = [
            {"date": each.begins.isoformat(), "model_permaslug": each.model, "total_tokens": str(each.tokens)}
            for each in ranked
        ]
        meta = {
            "as_of": datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds"),
            "version": "v1",
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
        }
        return 200, {"data": lines, "meta": meta}


def _date(said: dict[str, str], name: str) -> date:
    try:
        found = datetime.strptime(said[name], "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        found = EPOCH
    if not EPOCH + timedelta(days=REACH) < found < date(9000, 1, 1):
        raise BadRequest(f"`{name}` must be a day like 2026-11-22", param=name)
    return found
