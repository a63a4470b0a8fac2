"""Context compression below /api/v1: asked for by plugin or transform, told in header and explanation."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """
providers:
  small:
    {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/echo: {{upstream: echo, context_length: 1000}}}}}}
"""
LONG: list[dict[str, str]] = [
    {"role": role, "content": "word " * 100} for _ in range(10) for role in ("user", "assistant")
]
ASKED = [*LONG, {"role": "user", "content": "and now?"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT) as live, live.http() as made:
        yield made


async def chat(client: httpx2.AsyncClient, **more: Any) -> httpx2.Response:
    body = {"model": "acme/echo", "messages": ASKED, "max_tokens": 100} | more
    return await client.post("/api/v1/chat/completions", json=body, headers={"x-sekisho-explain": "1"})


@pytest.mark.parametrize(
    "asked", [{"plugins": [{"id": "context-compression"}]}, {"transforms": ["middle-out"]}]
)
async def test_a_prompt_is_shortened_where_the_request_asks(
    client: httpx2.AsyncClient, asked: dict[str, Any]
) -> None:
    answer = await chat(client, **asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["prompt_tokens"] < 1000
    told = answer.headers["x-sekisho-compression"]
    assert told.endswith("of 21 messages left out, 0 texts cut")
    assert told in answer.headers["x-sekisho-explain"]


async def test_nothing_is_shortened_unasked(client: httpx2.AsyncClient) -> None:
    for more in ({}, {"transforms": []}, {"plugins": [{"id": "context-compression", "enabled": False}]}):
        answer = await chat(client, **more)
        assert answer.json()["usage"]["prompt_tokens"] > 1000
        assert "x-sekisho-compression" not in answer.headers


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"transforms": ["outside-in"]}, "transforms.0"),
        ({"plugins": [{"id": "context-compression", "engine": "other"}]}, "plugins.0.engine"),
        ({"plugins": [{"id": "web"}]}, "plugins.0"),
    ],
)
async def test_what_is_not_served_is_refused(
    client: httpx2.AsyncClient, more: dict[str, Any], where: str
) -> None:
    answer = await chat(client, **more)
    assert answer.status_code == 501
    assert answer.json()["error"]["metadata"]["param"] == where
