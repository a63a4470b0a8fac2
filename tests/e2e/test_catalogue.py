"""The catalogue below `/api/v1`: what there is, as OpenRouter's API document has it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import DOCUMENT, Live, scripted
from tests.e2e.test_contract import MORE, SCHEMAS, fits, knows

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATHS = json.loads((Path(__file__).parents[1] / "golden/openrouter/paths.json").read_text("utf-8"))["paths"]
SERVED = frozenset(SCHEMAS["answers"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    document = DOCUMENT.replace("providers:\n", "providers:\n" + MORE)
    async with scripted(tmp_path_factory.mktemp("live"), document) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


async def models(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/models", params=query)
    assert answer.status_code == 200, answer.text
    listed = answer.json()
    fits(listed, "ModelsListResponse")
    assert query.keys() & {"limit"} or listed["total_count"] == len(listed["data"])
    found: list[dict[str, Any]] = listed["data"]
    return found


async def test_every_path_of_the_document_is_served_or_told_why_not(client: httpx2.AsyncClient) -> None:
    for path, methods in PATHS.items():
        real = path.format_map(
            dict.fromkeys(("author", "slug", "id", "hash", "file_id", "jobId"), "x") | KEYS
        )
        for method in methods:
            answer = await client.request(method, "/api/v1" + real, json={})
            if f"{method} {path}" in SERVED:
                assert answer.status_code in (200, 400, 404), f"{method} {path}"
                continue
            assert answer.status_code == 501, f"{method} {path}: {answer.text}"
            fits(answer.json(), "BadRequestResponse")
            assert "is not served here: " in answer.json()["error"]["message"]


KEYS = {"version": "1", "interval": "day", "code": "x"}


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ({"q": "CLAUDE"}, lambda each: "claude" in (each["id"] + each["name"]).lower()),
        ({"model_authors": "deepseek,x-ai"}, lambda each: each["id"].split("/")[0] in ("deepseek", "x-ai")),
        (
            {"supported_parameters": "tools,seed"},
            lambda each: {"tools", "seed"} <= {*each["supported_parameters"]},
        ),
        ({"context": "200000"}, lambda each: each["context_length"] >= 200_000),
        ({"input_modalities": "image"}, lambda each: "image" in each["architecture"]["input_modalities"]),
        (
            {"max_price": "1", "min_price": "0.5"},
            lambda each: 5e-7 <= float(each["pricing"]["prompt"]) <= 1e-6,
        ),
        ({"max_output_price": "2"}, lambda each: 0 <= float(each["pricing"]["completion"]) <= 2e-6),
    ],
)
async def test_models_are_found_by_what_they_are(client: httpx2.AsyncClient, query: Any, test: Any) -> None:
    everything = await models(client, output_modalities="all")
    found = await models(client, **query)
    if query.keys() != {"supported_parameters"}:
        assert found
    assert len(found) < len(everything)
    assert all(test(each) for each in found)
    count = (await client.get("/api/v1/models/count", params=query)).json()
    fits(count, "ModelsCountResponse")
    assert count["data"]["count"] == len(found)


async def test_models_are_sorted_and_paged(client: httpx2.AsyncClient) -> None:
    cheap = [float(each["pricing"]["prompt"]) for each in await models(client, sort="pricing-low-to-high")]
    known = [price for price in cheap if price >= 0]
    assert cheap[: len(known)] == known
    longest = [each["context_length"] or 0 for each in await models(client, sort="context-high-to-low")]
    assert longest == sorted(longest, reverse=True)
    await models(client, sort="latency-low-to-high")
    page = (await client.get("/api/v1/models", params={"offset": "3", "limit": "2"})).json()
    everything = await models(client)
    assert page["data"] == everything[3:5]
    assert page["links"]["next"] == "/api/v1/models?offset=5&limit=2"


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ("limit=0", 400, "limit"),
        ("max_price=cheap", 400, "max_price"),
        ("sort=best", 400, "sort"),
        ("sort=most-popular", 501, "sort"),
        ("min_coding_index=3", 501, "min_coding_index"),
        ("category=science", 501, "category"),
    ],
)
async def test_a_filter_that_is_none_is_refused(
    client: httpx2.AsyncClient, query: str, status: int, param: str
) -> None:
    answer = await client.get("/api/v1/models?" + query)
    assert answer.status_code == status
    assert answer.json()["error"]["metadata"]["param"] == param


async def test_what_has_not_changed_is_not_sent_again(client: httpx2.AsyncClient, live: Live) -> None:
    first = await client.get("/api/v1/models")
    again = await client.get("/api/v1/models", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await client.get("/api/v1/models?q=gpt", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200
    keys = KeyService(Store(f"sqlite:///{live.data_dir / 'sekisho.db'}"), Clock())
    _, text = await asyncio.to_thread(lambda: keys.create("narrow", KeyDraft(models=("acme/echo",))))
    async with live.http(text) as narrow:
        mine = await narrow.get("/api/v1/models/user", headers={"if-none-match": first.headers["etag"]})
        assert [each["id"] for each in mine.json()["data"]] == ["acme/echo"]
        assert (await narrow.get("/api/v1/models/acme/cached/endpoints")).status_code == 404
        assert (await narrow.get("/api/v1/model/acme/echo")).status_code == 200


async def test_the_list_comes_as_a_feed(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/models?use_rss=true&q=acme")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    guids = [each.text for each in ET.fromstring(answer.content).iter("guid")]
    assert "acme/echo" in guids


async def test_a_models_endpoints_tell_what_was_measured(client: httpx2.AsyncClient) -> None:
    body = {"model": "acme/echo", "messages": [{"role": "user", "content": "x " * 50}], "stream": True}
    assert (await client.post("/api/v1/chat/completions", json=body)).status_code == 200
    report = (await client.get("/api/v1/models/acme/echo/endpoints")).json()
    fits(report, "EndpointsResponse")
    (endpoint,) = report["data"]["endpoints"]
    assert endpoint["pricing"] == {"prompt": "0.000001", "completion": "0.000002"}
    assert (endpoint["tag"], endpoint["status"], endpoint["uptime_last_5m"]) == ("priced", 0, 100.0)
    for _ in range(500):
        (endpoint,) = (await client.get("/api/v1/models/acme/echo/endpoints")).json()["data"]["endpoints"]
        if endpoint["uptime_last_1d"] is not None:  # once the call is on the books
            break
        await asyncio.sleep(0.02)
    assert (endpoint["uptime_last_30m"], endpoint["uptime_last_1d"]) == (100.0, 100.0)
    assert endpoint["latency_last_30m"]["p50"] > 0
    for name in ("moonshotai/kimi-k2", "rescued"):
        listed = (await client.get(f"/api/v1/models/{name}/endpoints")).json()
        if "data" in listed:
            fits(listed, "EndpointsResponse")
    one = (await client.get("/api/v1/model/acme/echo")).json()
    fits(one, "ModelResponse")
    knows(one, "ModelResponse")


async def test_providers_credits_and_zero_retention_fit(client: httpx2.AsyncClient) -> None:
    found = (await client.get("/api/v1/providers")).json()
    fits(found, "ProvidersResponse")
    assert {"openai", "priced"} <= {each["slug"] for each in found["data"]}
    fits((await client.get("/api/v1/credits")).json(), "CreditsResponse")
    fits((await client.get("/api/v1/endpoints/zdr")).json(), "ZdrResponse")
