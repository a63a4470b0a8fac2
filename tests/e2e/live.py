"""What end-to-end tests know of the gateway they talk to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anthropic
import httpx2
import openai
import pytest

from sekisho.app import Gateway, Options
from sekisho.control.store import calls
from sekisho.control.store.engine import Store
from sekisho.core.record import CallRecord
from sekisho.settings import Drain, Settings
from sekisho.testkit.provider import ACCESS_KEY_ID, SECRET_ACCESS_KEY, ScriptedProvider

PROVIDER_KEY = "sk-provider-canary-7f3a"
ADMIN_KEY = "sk-sekisho-admin-for-tests"
DOCUMENT = """
providers:
  oai: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  ant: {{like: anthropic-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  rsp: {{like: openai-responses-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  gem: {{like: gemini-compatible, base_url: {url}/v1beta, api_key: "${{SCRIPTED_KEY}}"}}
  brk: {{like: bedrock-compatible, base_url: {url}, region: ap-northeast-1}}
  priced:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/echo: {{upstream: echo, price: {{input: 1, output: 2}}}}
      acme/cached:
        upstream: cached
        price: {{input: 3, output: 15, cache_read: 0.3, cache_write: 3.75, cache_write_1h: 6}}
  priced-ant:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/claude-cached:
        upstream: cached
        price: {{input: 3, output: 15, cache_read: 0.3, cache_write: 3.75, cache_write_1h: 6}}
models:
  rescued:
    targets: [{{model: status-503, provider: oai}}, {{model: echo, provider: ant}}]
  doomed:
    targets: [{{model: status-503, provider: oai}}, {{model: reset, provider: ant}}]
  carried-on:
    targets: [{{model: cut-after-5, provider: oai}}, {{model: echo, provider: ant}}]
  impatient:
    targets: [{{model: stall, provider: oai}}, {{model: echo, provider: oai}}]
    timeouts: {{first_token: 300ms}}
"""


@dataclass(frozen=True)
class Live:
    url: str
    gateway: Gateway
    provider: ScriptedProvider
    data_dir: Path
    document: Path
    key: str = ADMIN_KEY
    clients: list[openai.AsyncOpenAI | anthropic.AsyncAnthropic] = field(default_factory=list)
    """Made by the tests, closed by the fixture."""

    def openai(self, key: str | None = None, prefix: str = "/v1") -> openai.AsyncOpenAI:
        client = openai.AsyncOpenAI(base_url=self.url + prefix, api_key=key or self.key, max_retries=0)
        self.clients.append(client)
        return client

    def anthropic(self, key: str | None = None) -> anthropic.AsyncAnthropic:
        client = anthropic.AsyncAnthropic(base_url=self.url, api_key=key or self.key, max_retries=0)
        self.clients.append(client)
        return client

    def http(self, key: str | None = None) -> httpx2.AsyncClient:
        """A plain client that sends `key`; whoever asks for it closes it."""
        headers = {"authorization": f"Bearer {key or self.key}"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=20)

    async def booked(self, number: int) -> list[CallRecord]:
        """Everything on the books, oldest first, once that are so many calls."""
        store = Store(f"sqlite:///{self.data_dir / 'sekisho.db'}")

        def read() -> list[CallRecord]:
            with store.read() as connection:
                return sorted(calls.select(connection), key=lambda record: record.started)

        try:
            async with asyncio.timeout(20):
                while len(found := await asyncio.to_thread(read)) < number:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            store.close()
        return found


@asynccontextmanager
async def running(
    folder: Path,
    provider: ScriptedProvider,
    document: str = DOCUMENT,
    database_url: str | None = None,
    state_url: str | None = None,
) -> AsyncIterator[Live]:
    """A gateway in this process, its files in `folder`; `{url}` in the document is the provider's."""
    path, data_dir = folder / "sekisho.yaml", folder / "data"
    path.write_text(document.format(url=provider.base_url), encoding="utf-8")
    database_url = database_url or f"sqlite:///{data_dir / 'sekisho.db'}"
    settings = Settings(data_dir, database_url, admin_key=ADMIN_KEY, state_url=state_url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRIPTED_KEY", PROVIDER_KEY)
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        gateway = Gateway(settings, Options(host="127.0.0.1", port=0, config=path))
        port = await gateway.start()
        live = Live(f"http://127.0.0.1:{port}", gateway, provider, data_dir, path)
        try:
            yield live
        finally:
            for client in live.clients:
                await client.close()
            await gateway.stop(Drain(limit=1))


@asynccontextmanager
async def scripted(folder: Path, document: str = DOCUMENT) -> AsyncIterator[Live]:
    """The same in front of a scripted provider of its own."""
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(folder, provider, document) as live,
    ):
        yield live
