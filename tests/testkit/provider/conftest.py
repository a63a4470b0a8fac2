from collections.abc import AsyncIterator

import anthropic
import openai
import pytest

from sekisho.testkit.provider import ScriptedProvider


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as running:
        yield running


@pytest.fixture
async def openai_client(provider: ScriptedProvider) -> AsyncIterator[openai.AsyncOpenAI]:
    client = openai.AsyncOpenAI(base_url=provider.openai_base_url, api_key="sk-test", max_retries=0)
    async with client:
        yield client


@pytest.fixture
async def anthropic_client(provider: ScriptedProvider) -> AsyncIterator[anthropic.AsyncAnthropic]:
    client = anthropic.AsyncAnthropic(base_url=provider.base_url, api_key="sk-ant-test", max_retries=0)
    async with client:
        yield client
