"""OpenRouter's request members over the wire: who answers, who is asked, and what it costs."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import Live, scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """
providers:
  dear:
    {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", region: us, models: {{
      acme/echo: {{upstream: echo, price: {{input: 3, output: 9}}, quantization: bf16}},
      acme/wrong: {{upstream: status-400, price: {{input: 3, output: 9}}}},
      acme/gone: {{upstream: status-503}}}}}}
  cheap:
    {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/echo: {{upstream: echo, price: {{input: 1, output: 2}}, quantization: fp8}},
      acme/wrong: {{upstream: status-400, price: {{input: 1, output: 2}}}},
      acme/free: {{upstream: hello, price: {{input: 0, output: 0}}}},
      acme/hello: {{upstream: hello, price: {{input: 1, output: 2}}}}}}}}
  other:
    {{like: anthropic-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/echo: {{upstream: echo}}}}}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


async def chat(client: httpx2.AsyncClient, model: str | None = "acme/echo", **more: Any) -> httpx2.Response:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "関所はどこですか"}]}
    if model is not None:
        body["model"] = model
    return await client.post("/api/v1/chat/completions", json=body | more)


@pytest.mark.parametrize(
    ("prefer", "answered_by"),
    [
        ({"sort": "price"}, "cheap"),
        ({"sort": {"by": "price"}, "ignore": ["cheap"]}, "dear"),
        ({"order": ["other", "cheap"]}, "other"),
        ({"order": ["openai-compatible"], "only": ["dear", "other"]}, "dear"),
        ({"only": ["openai-compatible/us"]}, "dear"),
        ({"quantizations": ["fp8"]}, "cheap"),
        ({"quantizations": ["unknown"]}, "other"),
        ({"max_price": {"prompt": 2, "completion": "2"}}, "cheap"),
    ],
)
async def test_a_request_says_who_is_to_answer(
    client: httpx2.AsyncClient, prefer: dict[str, Any], answered_by: str
) -> None:
    answer = await chat(client, provider=prefer)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-sekisho-provider"] == answered_by


@pytest.mark.parametrize("model", ["acme/echo:floor", "acme/echo:nitro", "acme/free:free"])
async def test_variants_are_served(client: httpx2.AsyncClient, model: str) -> None:
    answer = await chat(client, model)
    assert answer.status_code == 200, answer.text
    if "floor" in model:
        assert answer.headers["x-sekisho-provider"] == "cheap"


async def test_what_no_target_keeps_is_refused(client: httpx2.AsyncClient) -> None:
    for asked in ({"provider": {"max_price": {"prompt": 0.5}}}, {"model": "acme/echo:free"}):
        answer = await chat(client, **{"model": "acme/echo"} | asked)
        assert 400 <= answer.status_code < 500
        assert "its input costs more than the cap" in answer.text
        param = answer.json()["error"]["metadata"]["param"]
        assert param == ("provider.max_price" if "provider" in asked else "model")


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("broken", ["acme/wrong", "acme/gone"])
async def test_any_error_moves_on_to_the_next_model(
    client: httpx2.AsyncClient, broken: str, stream: bool
) -> None:
    answer = await chat(client, broken, models=["acme/hello"], stream=stream)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-sekisho-provider"] == "cheap"
    report = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
    data = report.json()["data"]
    assert (data["model"], data["provider_name"]) == ("acme/hello", "cheap")
    assert data["total_cost"] > 0
    asked = [each["endpoint_id"] for each in data["provider_responses"]]
    assert asked[-1] == "cheap/hello"
    assert asked[:-1].count("dear/status-400") + asked[:-1].count("cheap/status-400") <= 1
    alone = await chat(client, broken, stream=stream)
    assert alone.status_code >= 400


async def test_a_list_of_models_needs_no_model(client: httpx2.AsyncClient) -> None:
    answer = await chat(client, None, models=["acme/wrong", "acme/hello"])
    assert answer.json()["model"] == "hello"
    answer = await chat(client, None, models=[1])
    assert answer.status_code == 400


async def test_models_may_compete(client: httpx2.AsyncClient) -> None:
    prefer = {"sort": {"by": "price", "partition": "none"}, "only": ["dear", "cheap"]}
    answer = await chat(client, "acme/echo", models=["acme/free"], provider=prefer)
    assert answer.json()["model"] == "hello"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("responses", {"input": "x"}),
        ("messages", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 99}),
        ("completions", {"prompt": "x"}),
    ],
)
async def test_every_language_of_the_marketplace_says_it(
    client: httpx2.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    asked = {"model": "acme/wrong", "provider": {"only": ["cheap"]}, "session_id": "s"}
    answer = await client.post(f"/api/v1/{path}", json=body | asked | {"models": ["acme/hello"]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-sekisho-provider"] == "cheap"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "acme/echo", "messages": [{"role": "user", "content": "x"}]}),
        ("/v1/responses", {"model": "acme/echo", "input": "x"}),
        ("/v1/completions", {"model": "acme/echo", "prompt": "x"}),
        (
            "/v1/messages",
            {"model": "acme/echo", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
        ),
        ("/v1beta/models/acme%2Fecho:generateContent", {"contents": [{"parts": [{"text": "x"}]}]}),
        ("/model/acme%2Fecho/converse", {"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
    ],
)
async def test_the_header_says_in_every_dialect_who_is_to_answer(
    client: httpx2.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    for wanted in ("dear", "cheap"):
        answer = await client.post(path, json=body, headers={"x-sekisho-prefer": f'{{"only": ["{wanted}"]}}'})
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-sekisho-provider"] == wanted
