from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import boto3
import botocore.session
import httpx2
import openai
import pytest
from botocore.config import Config
from google.genai import Client
from google.genai.client import AsyncClient
from google.genai.types import HttpOptions

from sekisho.testkit.provider import ACCESS_KEY_ID, SECRET_ACCESS_KEY, ScriptedProvider


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


@pytest.fixture
def bedrock_client(provider: ScriptedProvider) -> Iterator[Any]:
    """Blocking: tests call it in threads."""
    client = bedrock_client_of(provider.base_url)
    yield client
    client.close()


def bedrock_client_of(base_url: str, secret: str = SECRET_ACCESS_KEY, **settings: Any) -> Any:
    """AWS's SDK, pointed at a server on loopback and signing its requests."""
    session = botocore.session.Session()
    session.set_credentials(ACCESS_KEY_ID, secret)
    once = Config(retries={"total_max_attempts": 1}, read_timeout=20, **settings)
    return boto3.Session(botocore_session=session, region_name="ap-northeast-1").client(
        "bedrock-runtime", endpoint_url=base_url, config=once
    )
