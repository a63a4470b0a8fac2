from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anthropic
import httpx2
import openai
import pytest
from google.genai import Client
from google.genai.client import AsyncClient
from google.genai.types import HttpOptions

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


@pytest.fixture
async def google_client(provider: ScriptedProvider) -> AsyncIterator[AsyncClient]:
    async with google_client_of(provider.base_url, "google-test") as client:
        yield client


@asynccontextmanager
async def google_client_of(base_url: str, key: str) -> AsyncIterator[AsyncClient]:
    """Google's SDK, pointed at a server on loopback. By itself it would take aiohttp, in a way that aiohttp
    warns of."""
    async with httpx2.AsyncClient(timeout=20) as http:
        yield Client(api_key=key, http_options=HttpOptions(base_url=base_url, httpx_async_client=http)).aio
