"""What end-to-end tests know of the gateway they talk to."""

from dataclasses import dataclass, field
from pathlib import Path

import anthropic
import openai

from sekisho.app import Gateway
from sekisho.testkit.provider import ScriptedProvider

PROVIDER_KEY = "sk-provider-canary-7f3a"
ADMIN_KEY = "sk-sekisho-admin-for-tests"
DOCUMENT = """
providers:
  oai: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  ant: {{like: anthropic-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
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
