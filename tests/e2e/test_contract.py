"""Replies under `/api/v1` have the shapes of OpenRouter's API document.

`golden/openrouter/schemas.json` holds the parts of that document which say so, as JSON Schema; of every path
and method that is served, `answers` has what a successful answer looks like. There, `provider_name` may be
any text: the document lists the providers that OpenRouter itself goes to.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
import pytest_asyncio
from tests.e2e.live import DOCUMENT, Live, scripted

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMAS = json.loads((Path(__file__).parents[1] / "golden/openrouter/schemas.json").read_text("utf-8"))
LATER = {
    "allowed_data_regions",
    "budgets",
    "effective_budget",
    "free_model_daily_requests",
    "organization_id",
    "workspace_id",
}
"""Members of a key's report that OpenRouter's SDKs demand since October 2026, newer than the document."""
CATALOGUE = ("openai", "anthropic", "deepseek", "moonshot", "groq", "together", "mistral", "xai", "plamo")
MORE = "".join(f"  {name}: {{{{api_key: any}}}}\n" for name in CATALOGUE)
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    document = DOCUMENT.replace("providers:\n", "providers:\n" + MORE)
    async with scripted(tmp_path_factory.mktemp("live"), document) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


def fits(value: Any, name: str) -> None:
    """Raises with every place where `value` is not what the contract calls `name`."""
    follows(value, {"$ref": f"#/$defs/{name}"})


def follows(value: Any, rule: dict[str, Any]) -> None:
    """The same for a schema that has no name."""
    schema = {"$schema": SCHEMAS["$schema"], "$defs": SCHEMAS["$defs"], **rule}
    found = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(value)
    ]
    assert found == []


def knows(value: dict[str, Any], name: str) -> None:
    """Every member of `value` is one that the contract names."""
    known = SCHEMAS["$defs"][name]["properties"]
    assert value.keys() <= known.keys()
    if "data" in value and "properties" in known["data"]:
        assert value["data"].keys() - LATER <= known["data"]["properties"].keys()


async def chat(client: httpx2.AsyncClient, model: str, **more: Any) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "関所はどこですか"}], "max_tokens": 4000}
    return await client.post("/api/v1/chat/completions", json=body | more)


def chunks(text: str) -> list[dict[str, Any]]:
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    return [json.loads(event) for event in events[:-1]]


# --- lists -----------------------------------------------------------------------------------------


async def test_the_list_of_models_is_the_marketplaces(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/api/v1/models")).json()
    fits(listed, "ModelsListResponse")
    knows(listed, "ModelsListResponse")
    assert listed["total_count"] == len(listed["data"]) > 100
    for model in listed["data"]:
        knows(model, "Model")
        knows(model["pricing"], "PublicPricing")
        knows(model["architecture"], "ModelArchitecture")
        assert all(float(price) >= 0 or price == "-1" for price in model["pricing"].values())
    by_id = {model["id"]: model for model in listed["data"]}
    assert by_id["acme/echo"]["pricing"] == {"prompt": "0.000001", "completion": "0.000002"}
    assert by_id["rescued"]["pricing"]["prompt"] == "-1"


async def test_a_key_reports_on_itself(client: httpx2.AsyncClient, live: Live) -> None:
    keys = KeyService(Store(f"sqlite:///{live.data_dir / 'sekisho.db'}"), Clock())
    ends = datetime.now(UTC) + timedelta(hours=1)
    _, text = await asyncio.to_thread(lambda: keys.create("会計", KeyDraft(expires=ends)))
    async with live.http(text) as mine:
        await chat(mine, "acme/cached")
        for each, admin in ((client, True), (mine, False)):
            report = (await each.get("/api/v1/key")).json()
            fits(report, "KeyResponse")
            knows(report, "KeyResponse")
            assert report["data"]["is_management_key"] is admin
        assert report["data"]["label"] == "会計"
        assert report["data"]["usage"] == report["data"]["usage_daily"] > 0
        assert report["data"]["expires_at"].endswith("Z")


async def test_a_key_that_prefers_is_served_as_it_prefers(live: Live) -> None:
    keys = KeyService(Store(f"sqlite:///{live.data_dir / 'sekisho.db'}"), Clock())
    wish: dict[str, Any] = {"price_cap": {"input": "0"}}
    _, text = await asyncio.to_thread(lambda: keys.create("thrifty", KeyDraft(prefer=wish)))
    async with live.http(text) as mine:
        body = {"model": "acme/cached", "messages": [{"role": "user", "content": "?"}]}
        refused = await mine.post("/v1/chat/completions", json=body)
    assert refused.status_code == 403
    assert "price" in refused.json()["error"]["message"]


# --- answers ---------------------------------------------------------------------------------------

SCRIPTS = ["echo", "japanese", "thinking", "refusal", "filtered", "cut-short", "cached", "empty"]
ASKED: list[tuple[str, dict[str, Any]]] = [
    *((script, {}) for script in SCRIPTS),
    ("parallel-tools", {"tools": [CLOCK]}),
    ("json", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}),
    ("hello", {"stop": ["."], "temperature": 0.5, "user": "u"}),
]


@pytest.mark.parametrize("provider_name", ["oai", "ant"])
@pytest.mark.parametrize(("script", "more"), ASKED, ids=[script for script, _ in ASKED])
async def test_an_answer_fits_whole_and_streamed(
    client: httpx2.AsyncClient, provider_name: str, script: str, more: dict[str, Any]
) -> None:
    model = f"{provider_name}/{script}"
    answer = await chat(client, model, **more)
    assert answer.status_code == 200, answer.text
    fits(answer.json(), "ChatResult")
    assert "cost" not in answer.json()["usage"]  # without a price: not for free
    streamed = await chat(client, model, stream=True, **more)
    assert streamed.status_code == 200
    found = chunks(streamed.text)
    for chunk in found:
        fits(chunk, "ChatStreamChunk")
    assert ["cost" in chunk["usage"] for chunk in found if chunk.get("usage")] == [False]
    assert found[-1]["usage"]


@pytest.mark.parametrize("model", ["acme/cached", "acme/claude-cached"])
async def test_the_cost_is_in_the_answer_and_in_the_streams_last_chunk(
    client: httpx2.AsyncClient, model: str
) -> None:
    whole = (await chat(client, model)).json()
    fits(whole, "ChatResult")
    found = chunks((await chat(client, model, stream=True)).text)
    for chunk in found:
        fits(chunk, "ChatStreamChunk")
    assert 0.002 < whole["usage"]["cost"] == found[-1]["usage"]["cost"] < 0.003
    assert whole["usage"]["prompt_tokens_details"]["cached_tokens"] == 1000


# --- generations -----------------------------------------------------------------------------------


async def generation(client: httpx2.AsyncClient, answer: httpx2.Response) -> dict[str, Any]:
    found = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
    report: dict[str, Any] = found.json()
    fits(report, "GenerationResponse")
    knows(report, "GenerationResponse")
    data: dict[str, Any] = report["data"]
    return data


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(
    ("model", "answered_by"),
    [("acme/echo", "priced"), ("acme/claude-cached", "priced-ant"), ("rescued", "ant")],
)
async def test_a_generation_reports_what_the_call_came_to(
    client: httpx2.AsyncClient, model: str, answered_by: str, stream: bool
) -> None:
    answer = await chat(client, model, stream=stream)
    data = await generation(client, answer)
    shown = chunks(answer.text)[-1] if stream else answer.json()
    assert data["id"] == answer.headers["x-generation-id"]
    assert (data["streamed"], data["cancelled"]) == (stream, False)
    assert data["provider_name"] == answered_by
    assert data["finish_reason"] == "stop"
    assert data["tokens_prompt"] == shown["usage"]["prompt_tokens"]
    assert data["tokens_completion"] == shown["usage"]["completion_tokens"]
    assert data["total_cost"] == data["usage"] == shown["usage"].get("cost", 0)


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("model", ["doomed", "no/such", "oai/status-400", "ant/cut-after-4"])
async def test_a_call_that_failed_has_a_report_too(
    client: httpx2.AsyncClient, model: str, stream: bool
) -> None:
    answer = await chat(client, model, stream=stream)
    data = await generation(client, answer)
    assert data["total_cost"] == 0
    assert data["finish_reason"] is None


async def test_a_call_that_the_client_left_has_a_report_too(client: httpx2.AsyncClient, live: Live) -> None:
    body = {
        "model": "oai/long?chunk_gap=0.02",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
    }
    async with (
        live.http() as leaving,
        leaving.stream("POST", "/api/v1/chat/completions", json=body) as answer,
    ):
        await anext(answer.aiter_bytes())
    for _ in range(500):
        found = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
        if found.status_code == 200:
            break
        await asyncio.sleep(0.02)
    assert (await generation(client, answer))["cancelled"] is True
