"""Embeddings and reranking: passed on, counted, priced, failed over, limited; with the SDKs of others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from openrouter import OpenRouter
from tests.e2e.live import Live, scripted

from sekisho.testkit.provider.retrieval import vector

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """
providers:
  one:
    {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/embed: {{upstream: status-503, price: {{input: 0.02, output: 0}}}},
      acme/other: {{upstream: echo, price: {{input: 0.02, output: 0}}}},
      acme/rank: {{upstream: status-503}}}}}}
  two:
    {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/embed: {{upstream: echo, price: {{input: 0.1, output: 0}}}}}}}}
  coh:
    {{like: cohere, base_url: {url}/compatibility/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/rank: {{upstream: echo, price: {{input: 0, output: 0, request: 0.002}}}}}}}}
  voy:
    {{like: voyage, base_url: {url}/voyage/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/rank-tokens: {{upstream: echo, price: {{input: 0.05, output: 0}}}}}}}}
  a: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  b: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  claude: {{like: anthropic-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
models:
  mixed: {{targets: [acme/embed, acme/other]}}
  twins: {{targets: [{{model: echo, provider: a}}, {{model: echo, provider: b}}]}}
"""
TEXTS = ["関所はどこですか", "The gate is over there."]
PAPERS = ["関所は箱根にある", "nothing of the kind", {"text": "どこ"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


async def booked(client: httpx2.AsyncClient, answer: httpx2.Response) -> dict[str, Any]:
    found = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
    data: dict[str, Any] = found.json()["data"]
    return data


# --- embeddings -------------------------------------------------------------------------------------


async def test_openais_client_gets_the_same_vectors_in_numbers_and_in_base64(live: Live) -> None:
    client = live.openai()
    coded = await client.embeddings.create(model="acme/embed", input=TEXTS)  # asks for base64 by itself
    plain = await client.embeddings.create(model="acme/embed", input=TEXTS, encoding_format="float")
    assert [each.embedding for each in coded.data] == [vector(text) for text in TEXTS]
    assert plain.data == coded.data
    assert plain.usage.prompt_tokens > 0
    short = await client.embeddings.create(model="twins", input=[1, 2, 3], dimensions=4)
    assert [len(each.embedding) for each in short.data] == [4]
    many = await client.embeddings.create(model="twins", input=[[1, 2], [3]])
    assert len(many.data) == 2


async def test_openrouters_sdk_embeds_and_reranks(live: Live) -> None:
    async with OpenRouter(api_key=live.key, server_url=live.url + "/api/v1") as sdk:
        answer: Any = await sdk.embeddings.generate_async(
            model="acme/embed", input=TEXTS, provider={"sort": "price"}, encoding_format="float"
        )
        assert [each.embedding for each in answer.data] == [vector(text) for text in TEXTS]
        assert answer.usage.cost > 0
        ranked: Any = await sdk.rerank.rerank_async(
            model="acme/rank", query="どこ", documents=PAPERS, top_n=2
        )
        assert [each.index for each in ranked.results] == [2, 0]
        assert ranked.results[0].document.text == "どこ"
        assert ranked.usage.search_units == 1
        assert ranked.usage.cost == 0.002


async def test_embeddings_fail_over_within_their_model_and_are_booked(client: httpx2.AsyncClient) -> None:
    body = {"model": "acme/embed", "input": TEXTS, "provider": {"order": ["one", "two"]}}
    answer = await client.post("/api/v1/embeddings", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-sekisho-provider"] == "two"
    tokens = answer.json()["usage"]["prompt_tokens"]
    data = await booked(client, answer)
    assert data["tokens_prompt"] == tokens
    assert data["total_cost"] == pytest.approx(tokens * 0.1 / 1e6) == answer.json()["usage"]["cost"]


async def test_embeddings_of_several_models_are_not_mixed(client: httpx2.AsyncClient) -> None:
    for body in ({"model": "mixed"}, {"model": "acme/embed", "models": ["acme/other"]}):
        answer = await client.post("/api/v1/embeddings", json={**body, "input": "x"})
        assert answer.status_code == 400
        assert "compared" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ("", "input"),
        ([], "input"),
        (["a", ""], "input.1"),
        ([[1], []], "input.1"),
        (["a", 1], "input"),
        ([1.5], "input"),
        ({"a": 1}, "input"),
        (None, "input"),
        (["a"] * 2049, "input"),
    ],
)
async def test_inputs_that_nobody_could_embed_are_refused(
    client: httpx2.AsyncClient, given: Any, where: str
) -> None:
    answer = await client.post("/v1/embeddings", json={"model": "acme/embed", "input": given})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == where


async def test_models_that_embed_are_listed_apart(tmp_path: Path) -> None:
    async with scripted(tmp_path, "providers: {{openai: {{api_key: any}}}}") as live, live.http() as client:
        listed = (await client.get("/api/v1/embeddings/models")).json()["data"]
        assert "openai/text-embedding-3-small" in {model["id"] for model in listed}
        assert all(model["architecture"]["output_modalities"] == ["embeddings"] for model in listed)
        chats = (await client.get("/api/v1/models")).json()["data"]
        assert not {model["id"] for model in listed} & {model["id"] for model in chats}


async def test_a_provider_without_embeddings_is_named(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v1/embeddings", json={"model": "claude/echo", "input": "x"})
    assert answer.status_code == 422
    assert "claude serves no embeddings" in answer.json()["error"]["message"]


# --- reranking --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "cost"), [("acme/rank", 0.002), ("acme/rank-tokens", None), ("a/echo", None)]
)
async def test_every_kind_of_reranking_is_answered_alike(
    client: httpx2.AsyncClient, model: str, cost: float | None
) -> None:
    body = {"model": model, "query": "関所", "documents": PAPERS, "top_n": 2, "return_documents": True}
    plain = await client.post("/v1/rerank", json=body)
    assert plain.status_code == 200, plain.text
    assert plain.json()["results"][0] == {
        "index": 0,
        "relevance_score": 1.0,
        "document": {"text": PAPERS[0]},
    }
    assert len(plain.json()["results"]) == 2
    data = await booked(client, plain)
    if cost is not None:
        assert data["total_cost"] == cost
    else:
        assert data["tokens_prompt"] > 0


async def test_a_long_list_is_several_searches(client: httpx2.AsyncClient) -> None:
    body = {"model": "acme/rank", "query": "x", "documents": ["y"] * 250}
    answer = await client.post("/api/v1/rerank", json=body)
    assert answer.json()["usage"]["search_units"] == 3
    assert (await booked(client, answer))["total_cost"] == 0.006


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"query": ""}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": [1]}, "documents"),
        ({"documents": ["a", {}]}, "documents.1"),
        ({"top_n": 0}, "top_n"),
        ({"documents": ["a"] * 10_001}, "documents"),
    ],
)
async def test_a_reranking_of_nothing_is_refused(
    client: httpx2.AsyncClient, change: dict[str, Any], where: str
) -> None:
    body = {"model": "acme/rank", "query": "x", "documents": ["y"]} | change
    answer = await client.post("/v1/rerank", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == where


# --- limits -----------------------------------------------------------------------------------------


async def test_limits_and_allowed_operations_hold_for_retrieval(
    client: httpx2.AsyncClient, live: Live
) -> None:
    asked: dict[str, Any] = {"name": "only vectors", "operations": ["embeddings"]}
    asked["limits"] = [{"measure": "tokens", "amount": 200, "period": "day"}]
    made = (await client.post("/admin/v1/keys", json=asked)).json()
    async with live.http(made["key"]) as own:
        refused = await own.post("/v1/rerank", json={"model": "acme/rank", "query": "x", "documents": ["y"]})
        assert refused.status_code == 403
        statuses = [
            (await own.post("/v1/embeddings", json={"model": "twins", "input": "よ" * 60})).status_code
            for _ in range(4)
        ]
    assert statuses[0] == 200
    assert statuses[-1] == 429
