"""A live gateway on loopback in front of the scripted provider."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.e2e.live import PROVIDER_KEY, Live, running

from sekisho.testkit.provider import ScriptedProvider


def pytest_asyncio_loop_factories(config: Any, item: Any) -> dict[str, Any]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider(api_key=PROVIDER_KEY) as scripted:
        yield scripted


@pytest.fixture
async def live(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Live]:
    async with running(tmp_path, provider) as started:
        yield started
