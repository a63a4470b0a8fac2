"""The API for admins: every route walked by everybody who must not, and identities that hold at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import Live

from sekisho.control.http.table import Route

HOSTILE = ["x'); DROP TABLE holders; --", "%27%20OR%201=1", "..%2f..", "%00", "\x00", "é" * 300, "n" * 50_000]
KINDS = ("organisations", "teams", "projects", "people", "accounts")


@pytest_asyncio.fixture
async def admin(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as client:
        yield client


async def made(client: httpx2.AsyncClient, what: str, **members: Any) -> dict[str, Any]:
    answer = await client.post(f"/admin/v1/{what}", json=members)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def routes(live: Live) -> list[Route]:
    return list(live.gateway._control.administration.routes)


async def walk(
    client: httpx2.AsyncClient, live: Live, ids: dict[str, str]
) -> list[tuple[Route, httpx2.Response]]:
    """What every route answers about things with these ids."""
    found = []
    for route in routes(live):
        path = route.path.replace("{id}", ids[route.path.partition("/")[0]])
        body = {}
        if route.method == "POST":
            named = {"name": f"made by {route.method}"}
            body = {"usd": "1"} if route.path.endswith("/credits") else {} if "{id}" in route.path else named
        content = None if route.method in ("GET", "DELETE") else body
        found.append((route, await client.request(route.method, f"/admin/v1/{path}", json=content)))
    return found


async def organisation(admin: httpx2.AsyncClient, name: str) -> tuple[dict[str, str], str]:
    """Ids of one of each kind in an organisation of its own, and the text of its admin's key."""
    company = await made(admin, "organisations", name=name)
    ids = {"organisations": company["id"]}
    for kind in KINDS[1:]:
        ids[kind] = (await made(admin, kind, name=f"{kind} of {name}", organisation=company["id"]))["id"]
    ids["keys"] = (await made(admin, "keys", name=f"plain of {name}", organisation=company["id"]))["id"]
    boss = await made(admin, "keys", name=f"admin of {name}", organisation=company["id"], admin=True)
    return ids, boss["key"]


async def test_every_route_refuses_whoever_may_not_and_serves_who_may(
    admin: httpx2.AsyncClient, live: Live
) -> None:
    ours, our_admin = await organisation(admin, "ours")
    theirs, _ = await organisation(admin, "theirs")
    plain = (await made(admin, "keys", name="plain"))["key"]
    async with httpx2.AsyncClient(base_url=live.url) as nobody:
        for _, answer in await walk(nobody, live, ours):
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    async with live.http(plain) as client:
        for _, answer in await walk(client, live, ours):
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    before = await everything(admin)
    async with live.http(our_admin) as client:
        for route, answer in await walk(client, live, theirs):
            if route.scope in ("organisations:write", "credits:write"):
                assert answer.status_code == 403
            elif "{id}" in route.path:
                assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), route
            elif route.method == "GET":
                assert {each["organisation"] for each in answer.json()["data"]} == {ours["organisations"]}
            else:
                assert answer.json()["organisation"] == ours["organisations"]
        for kind in (*KINDS[1:], "keys"):
            stolen = {"name": "stolen", "organisation": theirs["organisations"]}
            refused = await client.post(f"/admin/v1/{kind}", json=stolen)
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, "organisation")
        for member, kind in (("team", "teams"), ("project", "projects"), ("owner", "people")):
            refused = await client.post("/admin/v1/keys", json={"name": "stolen", member: theirs[kind]})
            assert refused.status_code == 400
            refused = await client.patch(f"/admin/v1/keys/{ours['keys']}", json={member: theirs[kind]})
            assert refused.status_code == 400
    after = await everything(admin)
    theirs_of = lambda found: [each for each in found if each["organisation"] == theirs["organisations"]]  # noqa: E731
    assert theirs_of(before) == theirs_of(after)
    for route, answer in await walk(admin, live, theirs):
        assert answer.status_code in (200, 201) or route.path == "keys/{id}/rotate", (route, answer.text)


async def everything(admin: httpx2.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind in (*KINDS, "keys"):
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            after = f"&after={page['next']}" if page["next"] else ""
            page = (await admin.get(f"/admin/v1/{kind}?limit=3{after}")).json()
            found += page["data"]
    assert len({each["id"] for each in found}) == len(found)
    return found


async def test_what_is_shown_can_be_sent_back_and_changes_nothing(admin: httpx2.AsyncClient) -> None:
    terms: dict[str, Any] = {
        "models": ["acme/echo"], "providers": ["oai"], "regions": [], "denied_origins": ["CN"],
        "operations": ["chat"], "networks": ["127.0.0.0/8"], "metadata": {"cost-centre": "関所"},
        "limits": [
            "usd 0.01/day@Asia/Tokyo each=user", {"measure": "requests", "amount": 5, "period": "minute"},
        ],
    }  # fmt: skip
    team = await made(admin, "teams", name="t", **terms)
    key = await made(
        admin, "keys", name="k", team=team["id"], tags=["a"], expires="2099-01-01T00:00:00Z", **terms
    )
    key.pop("key")
    for path, shown in ((f"/admin/v1/teams/{team['id']}", team), (f"/admin/v1/keys/{key['id']}", key)):
        fixed = {
            "id",
            "status",
            "organisation",
            "created",
            "kind",
            "prefix",
            "admin",
            "revoked",
            "former_ends",
        }
        if "kind" in shown:
            fixed.add("team")
        again = {name: value for name, value in shown.items() if name not in fixed}
        answer = await admin.patch(path, json=again)
        assert answer.status_code == 200, answer.text
        assert answer.json() == shown
    shown = (await admin.get(f"/admin/v1/keys/{key['id']}")).json()
    assert [limit["level"] for limit in shown["effective"]["limits"]] == ["team", "team", "key", "key"]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"limits": ["usd -1/day"]}, "limits"),
        ({"limits": [{"measure": "usd", "amount": "NaN", "period": "day"}]}, "limits.0.amount"),
        ({"limits": [{"measure": "usd", "amount": -1, "period": "day"}]}, "limits.0.amount"),
        ({"limits": [{"measure": "usd", "amount": 1e300, "period": "day"}]}, "limits.0.amount"),
        ({"limits": ["usd 1/day", "usd 1/week@Mars/North"]}, "limits.1.time_zone"),
        ({"limits": [{"measure": "usd", "amount": 1, "period": "fortnight"}]}, "limits"),
        ({"name": 5}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"unheard_of": 1}, None),
        ({"networks": ["10.0.0.1/8"]}, "networks"),
        ({"denied_origins": ["China"]}, "denied_origins"),
        ({"operations": ["fly"]}, "operations"),
        ({"tags": ["a,b"]}, "tags"),
        ({"metadata": {"a": "v" * 513}}, "metadata"),
        ({"expires": "2001-01-01T00:00:00Z"}, "expires"),
        ({"team": "x'; DROP TABLE api_keys; --"}, "team"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_by_the_members_name(
    admin: httpx2.AsyncClient, members: dict[str, Any], param: str | None
) -> None:
    answer = await admin.post("/admin/v1/keys", json={"name": "k", **members})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["param"] == param or (param == "limits" and error["param"].startswith("limits"))


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_in_paths_and_queries_finds_nothing_and_breaks_nothing(
    admin: httpx2.AsyncClient, live: Live, text: str
) -> None:
    for route in routes(live):
        if "{id}" in route.path:
            path = f"/admin/v1/{route.path.replace('{id}', quote(text[:2000], safe='%/.'))}"
            assert (await admin.request(route.method, path)).status_code in (400, 404, 405)
    for kind in (*KINDS, "keys"):
        for name in ("after", "limit", "organisation", "team", "nonsense"):
            answer = await admin.get(f"/admin/v1/{kind}", params={name: text})
            assert answer.status_code in (200, 400, 431), answer.text
            assert answer.status_code != 200 or answer.json()["data"] == []
    assert (await admin.get("/admin/v1/organisations/default")).status_code == 200


async def test_bodies_that_are_no_json_or_too_long_are_refused(admin: httpx2.AsyncClient) -> None:
    for body, status in (
        (b"", 400),
        (b"[" * 100_000, 400),
        (b"{\xff}", 400),
        (b'{"name": "\\ud800"}', 400),
        (b" " * 300_000, 413),
    ):
        assert (await admin.post("/admin/v1/teams", content=body)).status_code == status
    answer = await admin.put("/admin/v1/teams", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert (await admin.get("/admin/v1/secrets")).status_code == 404


async def call(client: httpx2.AsyncClient, model: str = "acme/echo", **headers: str) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "x"}], "user": "山田"}
    return await client.post("/v1/chat/completions", json=body, headers=headers)


async def test_what_is_narrowed_above_a_key_holds_for_its_next_call(
    admin: httpx2.AsyncClient, live: Live
) -> None:
    team = await made(admin, "teams", name="research")
    key = await made(admin, "keys", name="k", team="research")
    async with live.http(key["key"]) as client:
        assert (await call(client)).status_code == 200
        for terms, reason in (
            ({"models": ["acme/cached"]}, "may not use the model"),
            ({"providers": ["ant"]}, "with this API key"),
            ({"regions": ["JP"]}, "with this API key"),
            ({"denied_origins": ["CN"]}, "with this API key"),
            ({"operations": ["count_tokens"]}, "may not be used for `chat`"),
            ({"networks": ["192.0.2.0/24"]}, "may not be used from 127.0.0.1"),
        ):
            await admin.patch(f"/admin/v1/teams/{team['id']}", json=terms)
            refused = await call(client)
            assert refused.status_code == 403, refused.text
            assert reason in refused.json()["error"]["message"]
            await admin.patch(
                f"/admin/v1/teams/{team['id']}",
                json={name: [] if name == "denied_origins" else None for name in terms},
            )
            assert (await call(client)).status_code == 200
        await admin.patch(f"/admin/v1/teams/{team['id']}", json={"disabled": True})
        assert (await call(client)).status_code == 401


async def test_a_rotated_key_is_taken_by_both_its_texts_and_a_revoked_one_by_none(
    admin: httpx2.AsyncClient, live: Live
) -> None:
    key = await made(admin, "keys", name="k")
    path = f"/admin/v1/keys/{key['id']}"
    rotated = (await admin.post(f"{path}/rotate", json={"overlap_seconds": 3600})).json()
    async with live.http(key["key"]) as old, live.http(rotated["key"]) as new:
        assert [(await call(each)).status_code for each in (old, new)] == [200, 200]
        assert (await admin.post(f"{path}/rotate", json={"overlap_seconds": 0})).status_code == 200
        assert [(await call(each)).status_code for each in (old, new)] == [401, 401]
    assert (await admin.delete(path)).json()["status"] == "revoked"
    assert (await admin.post(f"{path}/rotate")).status_code == 400


async def test_the_books_say_whose_each_call_was(admin: httpx2.AsyncClient, live: Live) -> None:
    company = await made(admin, "organisations", name="company")
    team = await made(admin, "teams", name="t", organisation="company")
    project = await made(admin, "projects", name="p", team=team["id"])
    owner = await made(admin, "accounts", name="robot", organisation="company")
    key = await made(admin, "keys", name="k", project=project["id"], owner=owner["id"], tags=["prod"])
    async with live.http(key["key"]) as client:
        answer = await call(client, **{"x-session-id": "run-7", "x-sekisho-tags": "batch"})
    record = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert record is not None
    assert (record.organisation, record.team, record.project, record.owner) == (
        company["id"], team["id"], project["id"], owner["id"],
    )  # fmt: skip
    assert (record.user, record.session, record.tags) == ("山田", "run-7", ("prod", "batch"))


async def test_an_admin_sees_calls_of_its_own_organisation_only(
    admin: httpx2.AsyncClient, live: Live
) -> None:
    _, boss = await organisation(admin, "ours")
    _, stranger = await organisation(admin, "theirs")
    worker = await made(admin, "keys", name="w", organisation="ours")
    async with live.http(worker["key"]) as client:
        call_id = (await call(client)).headers["x-generation-id"]
    for key, status in ((boss, 200), (stranger, 404), (live.key, 200)):
        async with live.http(key) as client:
            assert (await client.get("/api/v1/generation", params={"id": call_id})).status_code == status


async def test_many_users_leave_no_trace_in_metrics(admin: httpx2.AsyncClient, live: Live) -> None:
    async def as_user(number: int) -> None:
        await call(
            admin,
            **{
                "x-sekisho-user": f"user-{number}",
                "x-session-id": f"s-{number}",
                "x-sekisho-tags": f"t{number}",
            },
        )

    await as_user(0)
    before = (await admin.get("/metrics")).text.splitlines()
    await asyncio.gather(*(as_user(number) for number in range(1, 60)))
    after = (await admin.get("/metrics")).text
    assert len(after.splitlines()) == len(before)
    assert "user-" not in after
