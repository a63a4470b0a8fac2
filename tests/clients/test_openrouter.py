"""OpenRouter's TypeScript SDK, unchanged but for its address and key, against every provider's language."""

import json
from pathlib import Path

import pytest
from tests.clients.conftest import HERE, PROVIDERS
from tests.clients.program import run
from tests.e2e.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_sdk_gets_what_it_asks_for(live: Live, home: Path) -> None:
    command = ["node", str(HERE / "openrouter.mjs"), live.url, live.key, *PROVIDERS]
    found = json.loads(await run(command, home, {}))
    for provider in PROVIDERS:
        said = found[provider]
        answer = {"text": "関所はどこですか", "finishReason": "stop", "counted": True}
        assert said["chat"] == answer, (provider, said["chat"])
        assert said["stream"] == {"text": "次の関所まで", "counted": True}, (provider, said["stream"])
        assert said["tools"]["finishReason"] == "tool_calls", (provider, said["tools"])
        assert "weather" in said["tools"]["called"]
        assert "17" in said["tools"]["text"]
        assert said["failure"] == {"name": "TooManyRequestsResponseError", "status": 429}, said["failure"]
    account = found["account"]
    assert account["models"] == {"ids": ["acme/echo"], "counted": True, "tags": ["priced"]}
    assert account["generation"] == {"model": "acme/echo", "finishReason": "stop"}
    assert account["keys"] == {"limit": 2.5, "left": 2.5, "names": ["seeker"], "gone": 404}, account["keys"]
    kept = {"prompt": "You keep the gate.", "config": {"model": "acme/echo", "temperature": 0.5}}
    assert account["presets"] == {**kept, "text": "開門"}, account["presets"]
