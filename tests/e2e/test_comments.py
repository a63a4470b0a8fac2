"""Comments that keep a connection alive below /api/v1: who gets them, and that nobody's answer suffers."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import pytest
import pytest_asyncio
from openrouter import OpenRouter
from tests.e2e.live import DOCUMENT, Live, scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMENT = ": OPENROUTER PROCESSING\n\n"
SLOW = "oai/hello?first_token_delay=0.2&chunk_gap=0.1"
"""Ten times as silent as the gateway is told to be."""
USER: Any = [{"role": "user", "content": "関所はどこですか"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    document = DOCUMENT + "server: {{comments: 20ms}}\n"
    async with scripted(tmp_path_factory.mktemp("live"), document) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


async def chat(
    client: httpx2.AsyncClient, model: str = SLOW, prefix: str = "/api/v1", **headers: str
) -> httpx2.Response:
    body = {"model": model, "messages": USER, "stream": True}
    return await client.post(f"{prefix}/chat/completions", json=body, headers=headers)


async def test_silence_is_filled_before_the_first_token_and_between_the_others(
    client: httpx2.AsyncClient,
) -> None:
    answer = await chat(client)
    assert answer.text.startswith(COMMENT)
    events = answer.text.replace(COMMENT, "")
    assert events.startswith("data: {")
    assert events.endswith("data: [DONE]\n\n")
    between = answer.text[answer.text.index("data: ") :]
    assert COMMENT in between
    assert all(each.startswith(("data: ", ": ")) for each in answer.text.split("\n\n") if each)


async def test_clients_do_not_notice(live: Live) -> None:
    stream = await live.openai(prefix="/api/v1").chat.completions.create(
        model=SLOW, messages=USER, stream=True
    )
    said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert said == "Hello! How can I help you today?"
    async with OpenRouter(api_key=live.key, server_url=live.url + "/api/v1") as sdk:
        answer: Any = await sdk.chat.send_async(model=SLOW, messages=USER, stream=True)
        async with answer as events:
            chunks = [event async for event in events]
        assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == said
    async with anthropic.AsyncAnthropic(base_url=live.url + "/api", api_key=live.key) as made:
        message = await made.messages.create(model=SLOW, max_tokens=99, messages=USER, stream=True)
        parts = [each.delta.text async for each in message if each.type == "content_block_delta"]  # type: ignore[union-attr]
        assert "".join(parts) == said


async def test_who_breaks_on_comments_gets_none_and_nor_does_who_asked_elsewhere(
    client: httpx2.AsyncClient,
) -> None:
    assert COMMENT not in (await chat(client, **{"user-agent": "OpenAI/Go 2.1.0"})).text
    assert COMMENT not in (await chat(client, prefix="/v1")).text
    quiet = await client.post("/api/v1/chat/completions", json={"model": SLOW, "messages": USER})
    assert quiet.json()["choices"][0]["message"]["content"].startswith("Hello!")


async def test_an_error_after_comments_stands_in_the_stream_and_in_the_books(
    client: httpx2.AsyncClient,
) -> None:
    answer = await chat(client, "oai/status-400?delay_before_headers=0.2")
    assert answer.status_code == 200
    assert answer.text.startswith(COMMENT)
    last = answer.text.strip().rpartition("data: ")[2]
    assert '"finish_reason":"error"' in last
    assert '"error_type":"invalid_request"' in last
    assert "[DONE]" not in answer.text
    found = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
    assert found.json()["data"]["total_cost"] == 0
