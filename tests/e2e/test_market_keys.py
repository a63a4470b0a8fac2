"""Keys by OpenRouter's management API: what is asked for there holds as it would below `/admin/v1`."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import Live, scripted
from tests.e2e.test_admin import call, made

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as client:
        yield client


async def new(client: httpx2.AsyncClient, **members: Any) -> tuple[dict[str, Any], str]:
    answer = await client.post("/api/v1/keys", json={"name": "k", **members})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"], answer.json()["key"]


async def changed(client: httpx2.AsyncClient, key: dict[str, Any], **members: Any) -> dict[str, Any]:
    answer = await client.patch(f"/api/v1/keys/{key['hash']}", json=members)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def test_a_budget_holds_tells_what_is_left_and_is_changed(
    admin: httpx2.AsyncClient, live: Live
) -> None:
    key, text = await new(admin, limit=1, limit_reset="weekly", include_byok_in_limit=True)
    assert (key["limit"], key["limit_remaining"], key["limit_reset"]) == (1, 1, "weekly")
    async with live.http(text) as mine:
        assert (await call(mine, "acme/cached")).status_code == 200
        seen = (await admin.get(f"/api/v1/keys/{key['hash']}")).json()["data"]
        assert seen["usage"] == seen["usage_daily"] == seen["usage_weekly"] > 0
        assert seen["limit_remaining"] == pytest.approx(1 - seen["usage"])
        kept = await changed(admin, key, limit=0)
        assert (kept["limit"], kept["limit_remaining"], kept["limit_reset"]) == (0, 0, "weekly")
        assert (await call(mine)).status_code in (402, 429)
        anew = await changed(admin, key, limit=3, limit_reset=None)
        assert (anew["limit"], anew["limit_remaining"], anew["limit_reset"]) == (3, 3, None)
        assert (await call(mine)).status_code == 200
        free = await changed(admin, key, limit=None)
        assert (free["limit"], free["limit_remaining"]) == (None, None)
        shown = (await admin.get(f"/admin/v1/keys/{key['hash']}")).json()
        assert shown["limits"] == []


async def test_other_limits_of_a_key_stay_and_several_budgets_are_changed_elsewhere(
    admin: httpx2.AsyncClient,
) -> None:
    both = ["requests 100/minute", "usd 2/day", "usd 9/month"]
    key = await made(admin, "keys", name="k", limits=both)
    seen = (await admin.get(f"/api/v1/keys/{key['id']}")).json()["data"]
    assert (seen["limit"], seen["limit_reset"]) == (2, "daily")
    refused = await admin.patch(f"/api/v1/keys/{key['id']}", json={"limit": 1})
    assert refused.status_code == 400
    assert refused.json()["error"]["metadata"]["param"] == "limit"
    await admin.patch(f"/admin/v1/keys/{key['id']}", json={"limits": both[:2]})
    await changed(admin, {"hash": key["id"]}, limit=5)
    limits = (await admin.get(f"/admin/v1/keys/{key['id']}")).json()["limits"]
    assert [(each["measure"], each["amount"]) for each in limits] == [("requests", "100"), ("usd", "5")]


async def test_a_key_is_listed_until_it_is_disabled_and_found_until_it_is_deleted(
    admin: httpx2.AsyncClient, live: Live
) -> None:
    owner = await made(admin, "people", name="yamada")
    key, text = await new(admin, name="会計", expires_at="2099-01-01T00:00:00Z", creator_user_id=owner["id"])
    assert (key["name"], key["creator_user_id"], key["workspace_id"]) == ("会計", owner["id"], "default")
    assert text.startswith(key["label"].removesuffix("..."))
    async with live.http(text) as mine:
        assert (await mine.get("/api/v1/keys")).status_code == 403
        for disabled, status in ((True, 401), (False, 200)):
            assert (await changed(admin, key, disabled=disabled))["disabled"] is disabled
            assert (await call(mine)).status_code == status
            listed = [each["hash"] for each in (await admin.get("/api/v1/keys")).json()["data"]]
            assert (key["hash"] in listed) is not disabled
            everything = (await admin.get("/api/v1/keys?include_disabled=true")).json()["data"]
            assert key["hash"] in [each["hash"] for each in everything]
        first = [each["hash"] for each in everything]
        rest = (await admin.get("/api/v1/keys?include_disabled=true&offset=1")).json()["data"]
        assert [each["hash"] for each in rest] == first[1:]
        assert (await admin.delete(f"/api/v1/keys/{key['hash']}")).json() == {"deleted": True}
        assert (await call(mine)).status_code == 401
    for method in ("GET", "PATCH", "DELETE"):
        assert (await admin.request(method, f"/api/v1/keys/{key['hash']}", json={})).status_code == 404


async def test_admins_of_an_organisation_see_its_keys_and_no_others(
    admin: httpx2.AsyncClient, live: Live
) -> None:
    company = await made(admin, "organisations", name="company")
    boss = await made(admin, "keys", name="boss", organisation=company["id"], admin=True)
    ours, _ = await new(admin, name="ours", workspace_id=company["id"])
    theirs, _ = await new(admin, name="theirs")
    async with live.http(boss["key"]) as client:
        assert [each["hash"] for each in (await client.get("/api/v1/keys")).json()["data"]] == [ours["hash"]]
        mine, _ = await new(client, name="mine")
        assert mine["workspace_id"] == company["id"]
        for hidden in (theirs["hash"], boss["id"]):
            for method in ("GET", "PATCH", "DELETE"):
                answer = await client.request(method, f"/api/v1/keys/{hidden}", json={})
                assert answer.status_code == 404
        stolen = await client.post("/api/v1/keys", json={"name": "x", "workspace_id": "default"})
        assert stolen.json()["error"]["metadata"]["param"] == "workspace_id"
    found = (await admin.get(f"/api/v1/keys?workspace_id={company['id']}")).json()["data"]
    assert {each["name"] for each in found} == {"ours", "mine"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"limit": -1}, "limit"),
        ({"limit": "much"}, "limit"),
        ({"limit_reset": "daily"}, "limit_reset"),
        ({"limit": 1, "limit_reset": "hourly"}, "limit_reset"),
        ({"expires_at": "2099-01-01T00:00:00+09:00"}, "expires_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"name": ""}, "name"),
        ({"creator_user_id": "nobody"}, "creator_user_id"),
        ({"workspace_id": "nowhere"}, "workspace_id"),
        ({"rate_limit": 5}, None),
    ],
)
async def test_what_makes_no_sense_is_refused_by_the_members_name(
    admin: httpx2.AsyncClient, members: dict[str, Any], param: str | None
) -> None:
    answer = await admin.post("/api/v1/keys", json={"name": "k", **members})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == 400
    assert error["metadata"].get("param") == param
