"""Clients of other makers, installed by `make clients`: without them nothing here is collected."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.e2e.live import Live, scripted

from sekisho.testkit.provider.script import Script, ToolUse

HERE = Path(__file__).parent
INSTALLED = HERE / "node_modules"
collect_ignore_glob = [] if INSTALLED.exists() and shutil.which("node") else ["test_*.py"]
DOCUMENT = """
providers:
  oai: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  ant: {{like: anthropic-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  rsp: {{like: openai-responses-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  gem: {{like: gemini-compatible, base_url: {url}/v1beta, api_key: "${{SCRIPTED_KEY}}"}}
  brk: {{like: bedrock-compatible, base_url: "{url}", api_key: "${{SCRIPTED_KEY}}"}}
  priced:
    {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}", models: {{
      acme/echo: {{upstream: echo, price: {{input: 1, output: 2}}}}}}}}
"""
PROVIDERS = ("oai", "ant", "rsp", "gem", "brk")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT) as started:
        yield started


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home and working folder for a program."""
    path = tmp_path / "home"
    path.mkdir()
    return path


def calling(name: str, arguments: str) -> Script:
    """Calls one tool, then says that it is done."""
    return Script(tool_calls=(ToolUse(name=name, arguments=arguments),), once=True, text="The gate is open.")
