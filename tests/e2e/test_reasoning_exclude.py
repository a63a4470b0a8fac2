"""OpenRouter's `reasoning.exclude` at a live gateway: the model thinks, its client reads nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from openrouter import OpenRouter
from tests.e2e.live import DOCUMENT, Live, scripted

from sekisho.testkit.provider import Script

pytestmark = pytest.mark.asyncio(loop_scope="module")

THOUGHT = "a secret that nobody is to read"
SCRIPT = Script(thinking=THOUGHT, redacted="c2VjcmV0", text="Hakone.", chunk_size=4)
USER: Any = [{"role": "user", "content": "関所はどこですか"}]
EXCLUDE: dict[str, Any] = {"reasoning": {"effort": "low", "exclude": True}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    document = DOCUMENT.replace("providers:", "server: {{comments: 100ms}}\nproviders:", 1)
    async with scripted(tmp_path_factory.mktemp("live"), document) as started:
        started.provider.responder.scripts["thinker"] = SCRIPT
        started.provider.responder.scripts["brooder"] = Script(
            thinking=THOUGHT * 4, text="Hakone.", chunk_gap=0.05
        )
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


async def chat(client: httpx2.AsyncClient, provider: str, **more: Any) -> str:
    body = {"model": f"{provider}/thinker", "messages": USER, "max_tokens": 4096} | more
    answer = await client.post("/api/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("provider", ["oai", "ant", "gem", "rsp"])
async def test_what_a_model_thinks_is_counted_and_not_told(
    client: httpx2.AsyncClient, provider: str, stream: bool
) -> None:
    told = await chat(client, provider, stream=stream, reasoning={"effort": "low"})
    assert '"reasoning_content":' in told
    for asked in (EXCLUDE, {"include_reasoning": False, "reasoning_effort": "low"}):
        text = await chat(client, provider, stream=stream, **asked)
        assert "reasoning" not in text.replace("reasoning_tokens", "")
        assert not any(word in text for word in ("secret", "c2Vj"))
        assert '"reasoning_tokens":0' not in text


@pytest.mark.parametrize("provider", ["oai", "gem"])
async def test_openrouters_sdk_reads_answers_without_reasoning(
    client: httpx2.AsyncClient, live: Live, provider: str
) -> None:
    """It has no word for `exclude` itself, and leaves it out: a preset says it."""
    body = {"model": f"{provider}/thinker", "messages": USER, **EXCLUDE}
    made = await client.post("/api/v1/presets/silent/chat/completions", json=body)
    assert made.status_code == 200, made.text
    async with OpenRouter(api_key=live.key, server_url=live.url + "/api/v1") as sdk:
        asked: Any = {"model": f"{provider}/thinker@preset/silent", "messages": USER}
        answer: Any = await sdk.chat.send_async(**asked)
        message = answer.choices[0].message
        assert message.content == "Hakone."
        assert not message.reasoning
        assert not message.reasoning_details
        assert answer.usage.completion_tokens_details.reasoning_tokens > 0
        stream: Any = await sdk.chat.send_async(**asked, stream=True)
        said = ""
        async with stream as events:
            async for event in events:
                for choice in event.choices:
                    said += choice.delta.content or ""
                    assert not choice.delta.reasoning
                    assert not choice.delta.reasoning_details
        assert said == "Hakone."


async def test_a_client_is_sent_comments_while_a_model_thinks(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(30):
        text = await chat(client, "oai", model="oai/brooder", stream=True, **EXCLUDE)
    assert ": OPENROUTER PROCESSING" in text
    assert "secret" not in text
    assert "[DONE]" in text
