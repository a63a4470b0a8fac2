"""Limits over several processes that share a Valkey: one amount for all of them, also when one is killed."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx2
from tests.e2e.live import PROVIDER_KEY
from tests.e2e.serving import Serving, serving
from tests.services import Valkey

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.core.clock import Clock
from sekisho.testkit.provider import ScriptedProvider

DOCUMENT = """
providers:
  flat:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/flat: {{upstream: echo, price: &cent {{input: 0, output: 0, request: 0.01}}}}
      acme/slow: {{upstream: "slow?first_token_delay=1", price: *cent}}
"""
WORKERS = 3


async def key_with(data_dir: Path, *limits: str) -> str:
    """The text of a new key."""

    def make() -> str:
        store = Store(f"sqlite:///{data_dir / 'sekisho.db'}")
        try:
            migrate(store)
            return KeyService(store, Clock()).create("k", KeyDraft(limits=limits))[1]
        finally:
            store.close()

    return await asyncio.to_thread(make)


async def chat(client: httpx2.AsyncClient, model: str) -> httpx2.Response:
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}
    return await client.post("/v1/chat/completions", json=body)


async def statuses(served: Serving, key: str, number: int, model: str = "acme/flat") -> list[int]:
    """Of calls at once; 0: the connection broke."""
    async with served.http(key) as client:
        answers = await asyncio.gather(*(chat(client, model) for _ in range(number)), return_exceptions=True)
    return [answer.status_code if isinstance(answer, httpx2.Response) else 0 for answer in answers]


async def test_three_workers_admit_no_more_than_one_also_when_they_or_the_valkey_are_killed(
    tmp_path: Path, own_valkey: Valkey
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider:
        document = tmp_path / "sekisho.yaml"
        document.write_text(DOCUMENT.format(url=provider.base_url), encoding="utf-8")
        key = await key_with(data_dir, "usd 0.3/month", "concurrent 100")
        start = serving(
            tmp_path,
            *("--config", str(document)),
            workers=WORKERS,
            data_dir=data_dir,
            SCRIPTED_KEY=PROVIDER_KEY,
            SEKISHO_STATE_URL=own_valkey.url(),
        )
        async with start as served:
            first = await statuses(served, key, 60, "acme/flat")
            assert first.count(200) == 30
            assert set(first) <= {200, 402, 429}  # 429: calls under way may leave something
            assert provider.ledger.counts["completed"] == 30

            another = await key_with(data_dir, "usd 0.3/month", "concurrent 100")
            assert (await statuses(served, another, 5)).count(200) == 5
            slow = asyncio.create_task(statuses(served, another, 12, "acme/slow"))
            await asyncio.sleep(0.5)
            os.kill(served.events("listening")[0]["pid"], signal.SIGKILL)
            broken = (await slow).count(0)
            await served.logged("listening", WORKERS + 1)
            # What the dead worker's calls came to nobody knows: until their leases end it is held.
            assert (await statuses(served, another, 40)).count(200) == 30 - 5 - 12
            assert (await statuses(served, another, 5)).count(402) == 5

            own_valkey.kill()
            assert set(await statuses(served, another, 3)) == {503}
            own_valkey.start()
            async with asyncio.timeout(20):
                while 503 in (found := await statuses(served, another, 1)):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
            # Counted anew from the books, which know nothing of calls that were killed.
            after = found.count(200) + (await statuses(served, another, 40)).count(200)
            assert after == broken
            assert provider.ledger.counts["completed"] <= 30 + 30 + broken
