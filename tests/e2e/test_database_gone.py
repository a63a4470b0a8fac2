"""A PostgreSQL that dies, comes back, or falls silent, under a gateway with traffic."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2e.live import Live, running
from tests.services import Postgres

from sekisho.control import plane
from sekisho.control.services import keycache, usage
from sekisho.control.services.keys import KeyService
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.metering import segment
from sekisho.testkit.provider import ScriptedProvider

UNKNOWN = "sk-sekisho-nobody-made-this-one"


@pytest.fixture
async def live(tmp_path: Path, provider: ScriptedProvider, own_postgres: Postgres) -> AsyncIterator[Live]:
    async with running(tmp_path, provider, database_url=own_postgres.url()) as started:
        yield started


async def ask(live: Live, key: str | None = None) -> int:
    body = {"model": "acme/echo", "messages": [{"role": "user", "content": "関所"}]}
    async with live.http(key) as client:
        return (await client.post("/v1/chat/completions", json=body)).status_code


async def spent(live: Live) -> int:
    """The status of a question that only the books can answer."""
    async with live.http() as client:
        return (await client.get("/api/v1/key")).status_code


def booked(postgres: Postgres) -> int:
    return int(postgres.sql("SELECT count(*) FROM calls WHERE status = 200"))


async def until_booked(postgres: Postgres, count: int) -> None:
    async with asyncio.timeout(60):
        while booked(postgres) != count:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)


async def test_calls_go_on_without_their_database_and_all_are_booked_once_it_is_back(
    live: Live, own_postgres: Postgres
) -> None:
    store = Store(own_postgres.url())
    _, text = KeyService(store, Clock()).create("ci")
    store.close()
    assert [await ask(live, text) for _ in range(3)] == [200] * 3
    await until_booked(own_postgres, 3)
    own_postgres.stop(crash=True)
    assert [await ask(live, text) for _ in range(20)] == [200] * 20
    assert await ask(live, UNKNOWN) == 401
    assert await spent(live) == 503
    assert segment.find(live.data_dir / "journal") != []
    own_postgres.start()
    await until_booked(own_postgres, 23)
    assert await ask(live, text) == 200
    await until_booked(own_postgres, 24)
    assert await spent(live) == 200


async def test_a_server_that_falls_silent_holds_up_neither_calls_nor_the_end(
    tmp_path: Path, provider: ScriptedProvider, own_postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((keycache, "PATIENCE"), (usage, "PATIENCE"), (plane, "CLOSE_PATIENCE")):
        monkeypatch.setattr(module, name, 0.3)
    url = own_postgres.url() + "?connect_timeout=2"
    async with asyncio.timeout(60):
        async with running(tmp_path, provider, database_url=url) as live:
            assert await ask(live) == 200
            await until_booked(own_postgres, 1)
            own_postgres.pause()
            assert [await ask(live) for _ in range(5)] == [200] * 5
            assert await ask(live, UNKNOWN) == 401
            assert await spent(live) == 503
        own_postgres.resume()
        async with running(tmp_path, provider, database_url=url):
            await until_booked(own_postgres, 6)
