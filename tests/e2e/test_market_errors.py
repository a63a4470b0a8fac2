"""Errors below `/api/v1` have the shape of OpenRouter's API document, and cost nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import DOCUMENT, Live, scripted
from tests.e2e.test_contract import fits, knows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICED = "\n      acme/%s: {{upstream: %s, price: {{input: 1, output: 2}}}}"
SCRIPTS = ("status-503", "status-400", "reset", "html", "cut-after-1", "cut-after-4", "cut-after-6")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    first = "      acme/echo: {{upstream: echo, price: {{input: 1, output: 2}}}}"
    more = "".join(PRICED % (script, script) for script in SCRIPTS)
    document = DOCUMENT.replace(first, first + more)
    async with scripted(tmp_path_factory.mktemp("live"), document) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


BODY = {"messages": [{"role": "user", "content": "関所はどこですか"}], "max_tokens": 100}


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("chat/completions", {"model": "no/such"}, 404, "not_found"),
        ("chat/completions", {"model": "acme/echo", "plugins": [{"id": "web"}]}, 501, "invalid_request"),
        ("chat/completions", {"model": "acme/status-503"}, 503, "provider_overloaded"),
        ("chat/completions", {"model": "acme/status-400"}, 400, "invalid_request"),
        ("chat/completions", {"model": "acme/reset"}, 502, "provider_unavailable"),
        ("chat/completions", {"model": "acme/echo", "messages": 1}, 400, "invalid_request"),
        ("responses", {"model": "no/such", "input": "x"}, 404, "not_found"),
        ("nowhere", {}, 404, "not_found"),
    ],
)
async def test_an_error_is_the_documents(
    client: httpx2.AsyncClient, path: str, body: dict[str, Any], status: int, kind: str
) -> None:
    answer = await client.post(f"/api/v1/{path}", json=BODY | body)
    assert answer.status_code == status, answer.text
    told = answer.json()
    fits(told, "BadRequestResponse")
    assert told["error"]["code"] == status
    metadata = told["error"]["metadata"]
    fits(metadata["error_type"], "ApiErrorType")
    assert metadata["error_type"] == kind
    if "acme/status" in str(body):
        assert metadata["provider_name"] == "priced"
        assert ("raw" in metadata) == (status == 400)


async def test_a_key_that_is_none_is_told_in_the_same_shape(live: Live) -> None:
    async with live.http("sk-no") as stranger:
        for answer in (
            await stranger.post("/api/v1/chat/completions", json=BODY | {"model": "acme/echo"}),
            await stranger.get("/api/v1/key"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)


async def test_anthropics_clients_get_anthropics_errors(live: Live) -> None:
    async with anthropic.AsyncAnthropic(base_url=live.url + "/api", api_key=live.key, max_retries=0) as made:
        with pytest.raises(anthropic.NotFoundError) as caught:
            await made.messages.create(
                model="no/such", max_tokens=9, messages=[{"role": "user", "content": "x"}]
            )
    assert caught.value.body["type"] == "error"  # type: ignore[index]


@pytest.mark.parametrize("script", ["cut-after-4", "cut-after-6"])
async def test_a_stream_that_breaks_off_ends_in_a_chunk_that_says_so(
    client: httpx2.AsyncClient, script: str
) -> None:
    answer = await client.post(
        "/api/v1/chat/completions", json=BODY | {"model": f"acme/{script}", "stream": True}
    )
    *_, last = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    chunk = json.loads(last)
    fits(chunk, "ChatStreamChunk")
    knows(chunk, "ChatStreamChunk")
    assert chunk["choices"][0]["finish_reason"] == "error"
    assert chunk["error"]["metadata"]["provider_name"] == "priced"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("script", ["status-503", "status-400", "reset", "cut-after-1"])
async def test_a_call_that_brought_nothing_costs_nothing(
    client: httpx2.AsyncClient, script: str, stream: bool
) -> None:
    before = (await client.get("/api/v1/key")).json()["data"]["usage"]
    answer = await client.post(
        "/api/v1/chat/completions", json=BODY | {"model": f"acme/{script}", "stream": stream}
    )
    found = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
    data = found.json()["data"]
    assert (data["total_cost"], data["native_tokens_completion"]) == (0, 0)
    assert (await client.get("/api/v1/key")).json()["data"]["usage"] == before
