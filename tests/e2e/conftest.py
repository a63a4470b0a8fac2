"""A live gateway on loopback in front of the scripted provider."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.e2e.live import ADMIN_KEY, DOCUMENT, PROVIDER_KEY, Live

from sekisho.app import Gateway, Options
from sekisho.settings import Settings
from sekisho.testkit.provider import ScriptedProvider


def pytest_asyncio_loop_factories(config: Any, item: Any) -> dict[str, Any]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider(api_key=PROVIDER_KEY) as scripted:
        yield scripted


@pytest.fixture
async def live(
    tmp_path: Path, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Live]:
    monkeypatch.setenv("SCRIPTED_KEY", PROVIDER_KEY)
    document = tmp_path / "sekisho.yaml"
    document.write_text(DOCUMENT.format(url=provider.base_url), encoding="utf-8")
    data_dir = tmp_path / "data"
    settings = Settings(
        data_dir=data_dir, database_url=f"sqlite:///{data_dir / 'sekisho.db'}", admin_key=ADMIN_KEY
    )
    gateway = Gateway(settings, Options(host="127.0.0.1", port=0, config=document))
    port = await gateway.start()
    started = Live(f"http://127.0.0.1:{port}", gateway, provider, data_dir, document)
    yield started
    for client in started.clients:
        await client.close()
    await gateway.stop(drain_seconds=1)
