"""What only some SDKs show, or is worth asking of two providers alone. Everything else: test_clients.py."""

from typing import Any

import anthropic
import openai
import pytest
from tests.e2e.live import Live

USER: list[Any] = [{"role": "user", "content": "x"}]
both = pytest.mark.parametrize("provider_name", ["oai", "ant"])
streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
failing = pytest.mark.parametrize("script", ["overloaded", "html", "status-401", "reset"])


@both
@streamed
@failing
async def test_a_providers_failure_is_no_fault_of_the_caller(
    live: Live, provider_name: str, stream: bool, script: str
) -> None:
    call: Any = {"model": f"{provider_name}/{script}", "messages": USER, "max_tokens": 9, "stream": stream}
    with pytest.raises(openai.InternalServerError, match=rf"provider {provider_name}, \d attempt"):
        await live.openai().chat.completions.create(**call)
    with pytest.raises(anthropic.InternalServerError):
        await live.anthropic().messages.create(**call)


@both
@streamed
async def test_a_prompt_that_is_too_long_is_told_so(live: Live, provider_name: str, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await live.openai().chat.completions.create(
            model=f"{provider_name}/too-long", messages=USER, stream=stream, max_tokens=9
        )
    assert caught.value.code == "context_length_exceeded"


@both
@streamed
async def test_cached_tokens_are_told_apart(live: Live, provider_name: str, stream: bool) -> None:
    call: Any = {"model": f"{provider_name}/cached", "messages": USER, "max_tokens": 500}
    if stream:
        async with live.anthropic().messages.stream(**call) as events:
            answer = await events.get_final_message()
    else:
        answer = await live.anthropic().messages.create(**call)
    assert answer.usage.cache_read_input_tokens == 1000
    total = answer.usage.input_tokens + 1000 + (answer.usage.cache_creation_input_tokens or 0)
    assert total == live.provider.served[-1].usage.prompt


@both
async def test_usage_stays_hidden_from_a_client_that_did_not_ask(live: Live, provider_name: str) -> None:
    stream = await live.openai().chat.completions.create(
        model=f"{provider_name}/hello", messages=USER, stream=True, max_tokens=50
    )
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


async def test_models_are_listed(live: Live) -> None:
    openais = {model.id async for model in live.openai().models.list()}
    anthropics = {model.id async for model in live.anthropic().models.list()}
    assert {"acme/echo", "rescued"} <= openais & anthropics
