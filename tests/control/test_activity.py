"""What was called by day adds up to the books, by endpoint and by model, on every database."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.control.test_spend import keep

from sekisho.control.http.activity import ActivityPages
from sekisho.control.http.asked import Asked
from sekisho.control.services.activity import OTHER, RANKED, ActivityService, Ranked
from sekisho.control.services.holders import HolderService
from sekisho.control.services.keys import KeyService
from sekisho.control.services.refusal import Missing
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store import rollups
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.error import BadRequest, NotServed
from sekisho.core.record import CallRecord
from sekisho.core.usage import Usage

Make = Callable[..., CallRecord]
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC).timestamp()
CLOCK = Clock(now=lambda: NOW)
DAY = 86_400.0


def pages(store: Store) -> ActivityPages:
    return ActivityPages(ActivityService(store, CLOCK), CLOCK)


def asked(within: str | None = None, **query: str) -> Asked:
    return Asked(("activity",), urlencode(query).encode(), b"", within)


def activity(store: Store, within: str | None = None, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pages(store).activity(asked(within, **query))[1]["data"]
    return found


def test_days_are_told_by_endpoint_key_owner_and_organisation(store: Store, record: Make) -> None:
    owner = HolderService(store, CLOCK, "person").create("yamada")
    owned, _ = KeyService(store, CLOCK).create("k", KeyDraft(owner=owner.id))
    used = Usage(input=10, cache_read=5, cache_write=2, cache_write_1h=1, output=7, reasoning=3)
    more: dict[str, Any] = {"usage": used, "cost": 2_500_000, "provider": "p", "model": "a/b"}
    keep(
        store,
        record("1", started=NOW - DAY, **more),
        record("2", started=NOW - DAY - 3600, **more),
        record("3", started=NOW - 30 * DAY, key_id=owned.id, **more),
        record("4", started=NOW - DAY, organisation="org_x", **more),
        record("5", started=NOW - 31 * DAY, **more),
        record("6", started=NOW, **more),
        record("7", started=NOW - DAY, **more | {"provider": None}),
    )
    while rollups.fold(store, NOW - 2 * DAY):
        pass
    first, second = activity(store)
    assert (first["date"], second["date"]) == ("2026-10-23", "2026-11-21")
    assert second == {
        "date": "2026-11-21", "model": "a/b", "model_permaslug": "a/b", "endpoint_id": "p/a/b",
        "provider_name": "p", "usage": 0.0075, "byok_usage_inference": 0, "requests": 3,
        "prompt_tokens": 54, "completion_tokens": 21, "reasoning_tokens": 9,
    }  # fmt: skip
    for query in ({"api_key_hash": owned.id}, {"user_id": owner.id}, {"date": "2026-10-23"}):
        assert activity(store, **query) == [first]
    apart = activity(store, group_by="workspace", date="2026-11-21")
    assert [(each["workspace_id"], each["requests"]) for each in apart] == [("default", 2), ("org_x", 1)]
    assert [each["requests"] for each in activity(store, workspace_id="org_x")] == [1]
    assert [each["requests"] for each in activity(store, "org_x")] == [1]
    with pytest.raises(Missing):
        activity(store, "org_x", workspace_id="default")


def test_models_are_ranked_by_tokens_and_the_long_tail_is_one(store: Store, record: Make) -> None:
    def call(at: float, model: str, tokens: int) -> CallRecord:
        used = Usage(input=tokens - 1, output=1)
        return record(f"{at}-{model}", started=at, provider="p", model=model, usage=used)

    sunday, monday = NOW, NOW - 6 * DAY  # the 22nd, and the 16th: one week
    keep(store, *[call(monday, f"a/m{at:02}", 100 + at) for at in range(RANKED + 2)])
    keep(store, call(sunday, "a/m00", 5_000), call(monday - DAY, "a/b", 9))
    service = ActivityService(store, CLOCK)
    days = service.ranking(date(2026, 11, 1), date(2026, 11, 22), "day", None)
    assert days[0] == Ranked(date(2026, 11, 15), "a/b", 9)
    assert [each.model for each in days[1:3]] == ["a/m51", "a/m50"]
    assert days[RANKED + 1] == Ranked(date(2026, 11, 16), OTHER, 100 + 101)
    assert days[-1] == Ranked(date(2026, 11, 22), "a/m00", 5_000)
    weeks = service.ranking(date(2026, 11, 1), date(2026, 11, 22), "week", None)
    assert [each.begins for each in weeks[:2]] == [date(2026, 11, 9), date(2026, 11, 16)]
    assert weeks[1] == Ranked(date(2026, 11, 16), "a/m00", 5_100)
    assert sum(each.tokens for each in weeks) == sum(each.tokens for each in days)
    assert service.ranking(date(2026, 11, 1), date(2026, 11, 22), "month", "org_x") == []


@pytest.mark.parametrize(
    "query",
    [
        {"date": "yesterday"},
        {"date": "2026-11-22"},
        {"date": "2026-10-22"},
        {"group_by": "model"},
        {"limit": "5"},
    ],
)
def test_a_day_or_filter_that_is_none_is_refused(store: Store, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        activity(store, **query)


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "2026-11-02", "end_date": "2026-11-01"},
        {"start_date": "2020-01-01"},
        {"end_date": "0001-01-01"},
        {"period": "hour"},
    ],
)
def test_a_ranking_of_no_time_is_refused(store: Store, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        pages(store).rankings(asked(**query))
    with pytest.raises(NotServed):
        pages(store).rankings(asked(category="programming"))
