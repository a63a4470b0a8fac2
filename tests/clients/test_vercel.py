"""The Vercel AI SDK: every one of its packages that speaks one of our languages, against every provider's."""

import json
from pathlib import Path

import pytest
from tests.clients.conftest import HERE, PROVIDERS
from tests.clients.program import run
from tests.e2e.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")
ANSWER = {"finishReason": "stop", "counted": True}


@pytest.mark.parametrize(
    "sdk", ["chat", "responses", "compatible", "openrouter", "anthropic", "google", "bedrock"]
)
async def test_the_sdk_gets_what_it_asks_for(live: Live, home: Path, sdk: str) -> None:
    command = ["node", str(HERE / "vercel.mjs"), sdk, live.url, live.key, *PROVIDERS]
    found = json.loads(await run(command, home, {}))
    for provider in PROVIDERS:
        said = found[provider]
        assert said["chat"] == {"text": "関所はどこですか", **ANSWER}, (provider, said["chat"])
        assert said["stream"] == {"text": "次の関所まで", **ANSWER}, (provider, said["stream"])
        assert said["tools"]["called"] == ["Tokyo"], (provider, said["tools"])
        assert "17" in said["tools"]["text"]
        assert said["object"] == {"city": "Tokyo", "count": 1.5}, (provider, said["object"])
        assert said["image"] == {"text": "What is this?"}, (provider, said["image"])
        assert said["failure"]["status"] == 429, (provider, said["failure"])
