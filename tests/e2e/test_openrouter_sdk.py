"""OpenRouter's own Python SDK, unchanged but for its address and its key."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from openrouter import OpenRouter, errors
from tests.e2e.live import Live, scripted
from tests.e2e.test_market import DOCUMENT

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # The contract demands a member of `GET /key` that the SDK warns of.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

USER: Any = [{"role": "user", "content": "関所はどこですか"}]
CLOCK: Any = {
    "type": "function",
    "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    document = (
        DOCUMENT
        + "  tools: {{like: openai-compatible, base_url: {url}/v1, api_key: ${{SCRIPTED_KEY}}}}\n"
        + "  spoken: {{like: openai-responses-compatible, base_url: {url}/v1, api_key: ${{SCRIPTED_KEY}}}}\n"
    )
    async with scripted(tmp_path_factory.mktemp("live"), document) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sdk(live: Live) -> AsyncIterator[OpenRouter]:
    async with OpenRouter(
        api_key=live.key, server_url=live.url + "/api/v1", x_open_router_title="checkpoint"
    ) as made:
        yield made


async def test_a_chat_and_its_generation(sdk: OpenRouter) -> None:
    answer: Any = await sdk.chat.send_async(
        model="acme/wrong",
        models=["acme/hello"],
        messages=USER,
        provider={"only": ["cheap"], "sort": "price", "max_price": {"prompt": "5"}},
        max_tokens=100,
        session_id="s-1",
    )
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content
    assert answer.usage.cost > 0


async def test_a_stream_ends_with_its_usage(sdk: OpenRouter) -> None:
    stream: Any = await sdk.chat.send_async(
        model="acme/echo:floor", messages=USER, stream=True, max_tokens=100
    )
    said, usage = "", None
    async with stream as events:
        async for event in events:
            for choice in event.choices:
                said += choice.delta.content or ""
            usage = event.usage or usage
    assert "関所" in said
    assert usage is not None
    assert usage.cost > 0


async def test_a_tool_is_called(sdk: OpenRouter) -> None:
    answer: Any = await sdk.chat.send_async(
        model="tools/parallel-tools", messages=USER, tools=[CLOCK], max_tokens=100
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls


@pytest.mark.parametrize("model", ["acme/echo", "other/echo", "spoken/echo"])
async def test_a_response_whole_and_streamed(sdk: OpenRouter, model: str) -> None:
    answer: Any = await sdk.beta.responses.send_async(model=model, input="関所はどこですか")
    assert answer.status == "completed"
    assert "関所" in answer.output[0].content[0].text
    stream: Any = await sdk.beta.responses.send_async(model=model, input="関所はどこですか", stream=True)
    async with stream as events:
        last = [event async for event in events][-1]
    assert last.response.usage.total_tokens == answer.usage.total_tokens


async def test_models_endpoints_and_providers(sdk: OpenRouter) -> None:
    listed: Any = await sdk.models.list_async(q="acme")
    assert {"acme/echo", "acme/free"} <= {model.id for model in listed.result.data}
    counted: Any = await sdk.models.count_async()
    assert counted.data.count >= 4
    report: Any = await sdk.endpoints.list_async(author="acme", slug="echo")
    tags = {endpoint.tag: endpoint for endpoint in report.data.endpoints}
    assert tags.keys() == {"dear", "cheap", "other"}
    assert tags["cheap"].quantization == "fp8"
    providers: Any = await sdk.providers.list_async()
    assert {"dear", "cheap", "other", "tools", "spoken"} == {provider.slug for provider in providers.data}


async def test_a_key_asks_about_itself_and_its_calls(sdk: OpenRouter, live: Live) -> None:
    key: Any = await sdk.api_keys.get_current_key_metadata_async()
    assert key.data.label
    spent: Any = await sdk.credits.get_credits_async()
    assert spent.data.total_usage >= 0
    async with live.http() as client:
        body = {"model": "acme/echo", "messages": USER}
        answer = await client.post("/api/v1/chat/completions", json=body)
    found: Any = await sdk.generations.get_generation_async(id=answer.headers["x-generation-id"])
    assert found.data.model == "acme/echo"


async def test_keys_are_made_read_changed_and_deleted(sdk: OpenRouter, live: Live) -> None:
    made: Any = await sdk.api_keys.create_async(
        name="crawler", limit=2.5, limit_reset="monthly", expires_at=datetime(2099, 1, 1, tzinfo=UTC)
    )
    assert (made.data.limit, made.data.limit_remaining, made.data.limit_reset) == (2.5, 2.5, "monthly")
    async with OpenRouter(api_key=made.key, server_url=live.url + "/api/v1") as own:
        answer: Any = await own.chat.send_async(model="acme/echo", messages=USER, max_tokens=100)
        found: Any = await sdk.api_keys.get_async(hash=made.data.hash)
        assert found.data.usage == pytest.approx(answer.usage.cost)
        with pytest.raises(errors.OpenRouterDefaultError, match="403"):
            await own.api_keys.list_async()
    changed: Any = await sdk.api_keys.update_async(hash=made.data.hash, name="seeker", disabled=True)
    assert (changed.data.name, changed.data.disabled, changed.data.limit) == ("seeker", True, 2.5)
    listed: Any = await sdk.api_keys.list_async(include_disabled=True)
    assert made.data.hash in [key.hash for key in listed.data]
    await sdk.api_keys.delete_async(hash=made.data.hash)
    with pytest.raises(errors.NotFoundResponseError):
        await sdk.api_keys.get_async(hash=made.data.hash)


async def test_presets_are_kept_read_and_applied(sdk: OpenRouter) -> None:
    system: Any = {"role": "system", "content": "You keep the gate."}
    kept: Any = await sdk.presets.create_presets_chat_completions_async(
        slug="gate", model="acme/echo", messages=[system, *USER], temperature=0.5
    )
    assert kept.data.designated_version.system_prompt == "You keep the gate."
    found: Any = await sdk.presets.get_async(slug="gate")
    assert found.data.designated_version.config == {"model": "acme/echo", "temperature": 0.5}
    version: Any = await sdk.presets.get_version_async(slug="gate", version="1")
    assert version.data.version == 1
    answer: Any = await sdk.chat.send_async(model="@preset/gate", messages=USER, max_tokens=100)
    assert answer.choices[0].message.content


async def test_errors_are_the_sdks_own(sdk: OpenRouter) -> None:
    with pytest.raises(errors.NotFoundResponseError) as missing:
        await sdk.chat.send_async(model="no/such", messages=USER)
    assert missing.value.data.error.code == 404
    with pytest.raises(errors.BadRequestResponseError) as refused:
        await sdk.chat.send_async(model="acme/echo", messages=USER, provider={"only": ["nobody"]})
    assert "provider.only.0" in refused.value.data.error.message
