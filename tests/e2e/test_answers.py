"""Every path of OpenRouter's API document that is served answers as the document says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import DOCUMENT, Live, scripted
from tests.e2e.test_contract import SCHEMAS, follows

pytestmark = pytest.mark.asyncio(loop_scope="module")
USER = [{"role": "user", "content": "関所はどこですか"}]
CHAT = {"model": "acme/echo", "messages": USER, "max_tokens": 50}
RETRIEVAL = """
  coh:
    {{like: cohere, base_url: {url}/compatibility/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/rank: {{upstream: echo, price: {{input: 0, output: 0, request: 0.002}}}}}}}}
  vec:
    {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/embed: {{upstream: echo, price: {{input: 0.02, output: 0}}}}}}}}
"""
ASKED: dict[str, tuple[str, Any]] = {
    "GET /activity": ("/activity?group_by=workspace", None),
    "GET /datasets/rankings-daily": ("/datasets/rankings-daily?end_date={today}&period=month", None),
    "GET /credits": ("/credits", None),
    "GET /endpoints/zdr": ("/endpoints/zdr", None),
    "GET /generation": ("/generation?id={call}", None),
    "GET /key": ("/key", None),
    "GET /keys": ("/keys", None),
    "POST /keys": ("/keys", {"name": "new", "limit": 5, "limit_reset": "daily"}),
    "GET /keys/{hash}": ("/keys/{key}", None),
    "PATCH /keys/{hash}": ("/keys/{key}", {"limit": 2.5, "disabled": True}),
    "DELETE /keys/{hash}": ("/keys/{gone}", None),
    "GET /model/{author}/{slug}": ("/model/acme/echo", None),
    "GET /models": ("/models", None),
    "GET /models/count": ("/models/count", None),
    "GET /models/user": ("/models/user", None),
    "GET /models/{author}/{slug}/endpoints": ("/models/acme/echo/endpoints", None),
    "GET /providers": ("/providers", None),
    "GET /presets": ("/presets", None),
    "GET /presets/{slug}": ("/presets/gate", None),
    "GET /presets/{slug}/versions": ("/presets/gate/versions", None),
    "GET /presets/{slug}/versions/{version}": ("/presets/gate/versions/1", None),
    "POST /presets/{slug}/chat/completions": ("/presets/gate/chat/completions", CHAT),
    "POST /presets/{slug}/messages": ("/presets/gate/messages", CHAT),
    "POST /presets/{slug}/responses": (
        "/presets/gate/responses",
        {"model": "acme/echo", "instructions": "x"},
    ),
    "POST /embeddings": ("/embeddings", {"model": "acme/embed", "input": ["関所"]}),
    "POST /rerank": ("/rerank", {"model": "acme/rank", "query": "関所", "documents": ["箱根"]}),
    "GET /embeddings/models": ("/embeddings/models", None),
    "POST /chat/completions": ("/chat/completions", CHAT),
    "POST /messages": ("/messages", CHAT),
    "POST /responses": ("/responses", {"model": "acme/echo", "input": "関所はどこですか"}),
}
"""What is asked of each."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    document = DOCUMENT.replace("providers:\n", "providers:\n" + RETRIEVAL)
    async with scripted(tmp_path_factory.mktemp("live"), document) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(client: httpx2.AsyncClient) -> dict[str, str]:
    """Ids of what is asked for."""
    call = (await client.post("/api/v1/chat/completions", json=CHAT)).headers["x-generation-id"]
    keys = [(await client.post("/api/v1/keys", json={"name": name})).json() for name in ("key", "gone")]
    await client.post("/api/v1/presets/gate/chat/completions", json=CHAT)
    hashes = [each["data"]["hash"] for each in keys]
    return {"call": call, "key": hashes[0], "gone": hashes[1], "today": datetime.now(UTC).date().isoformat()}


@pytest.mark.parametrize("place", sorted(SCHEMAS["answers"]))
async def test_an_answer_is_as_the_document_says(
    client: httpx2.AsyncClient, there: dict[str, str], place: str
) -> None:
    path, body = ASKED[place]
    answer = await client.request(place.split()[0], "/api/v1" + path.format_map(there), json=body)
    assert answer.status_code in (200, 201), answer.text
    follows(answer.json(), SCHEMAS["answers"][place])
