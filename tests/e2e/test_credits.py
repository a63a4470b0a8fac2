"""Credits paid ahead, over live gateways: what is charged is held against them, on every process, and after a
restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.live import PROVIDER_KEY, Live, running

from sekisho.control.services.tariffs import TariffService
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.money import MILLION, Rates
from sekisho.core.tariff import Tariff
from sekisho.testkit.provider import ScriptedProvider

DOCUMENT = """
providers:
  flat:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/flat: {{upstream: echo, price: &cent {{input: 0, output: 0, request: 0.01}}}}
      acme/own: {{upstream: echo, price: *cent}}
      acme/broken: {{upstream: status-500, price: *cent}}
"""
MARKED_UP = Tariff(begins=1.0, markup=MILLION // 2, prices={"acme/own": Rates(input=0, output=10**12)})
"""A call costs 0.01 USD and is charged 0.015; one of a model with a price of the organisation's own 0.001 for
each token of its answer."""


@asynccontextmanager
async def gateways(folder: Path, state_url: str | None) -> AsyncIterator[list[Live]]:
    """Two on one database, where they share limits, or one."""
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider, AsyncExitStack() as stack:
        started = []
        for name in ("one", "two") if state_url else ("one",):
            (folder / name).mkdir(exist_ok=True)
            url = f"sqlite:///{folder / 'sekisho.db'}"
            gateway = running(folder / name, provider, DOCUMENT, database_url=url, state_url=state_url)
            started.append(await stack.enter_async_context(gateway))
        yield started


async def chat(client: httpx2.AsyncClient, model: str = "acme/flat", most: int = 5) -> httpx2.Response:
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "関 所"}]}
    return await client.post("/v1/chat/completions", json={**body, "max_tokens": most})


async def served(live: list[Live], key: str, number: int) -> int:
    """Of so many calls at once at all gateways."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(each.http(key)) for each in live]
        answers = await asyncio.gather(*(chat(clients[at % len(clients)]) for at in range(number)))
    assert {answer.status_code for answer in answers} <= {200, 402, 429}
    return sum(answer.status_code == 200 for answer in answers)


async def shown(live: list[Live], key: str, paid: float, used: float) -> None:
    """Wait until every gateway says so: each has its own journal, and hears of more credits in a moment."""
    for each in live:
        async with asyncio.timeout(20), each.http(key) as client:
            said = {"total_credits": paid, "total_usage": pytest.approx(used)}
            while (await client.get("/api/v1/credits")).json()["data"] != said:  # noqa: ASYNC110 - others load
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["memory", "valkey"])
async def test_credits_are_spent_by_what_is_charged_and_no_further_until_more_are_added(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    state_url = request.getfixturevalue("valkey_url") if kind == "valkey" else None
    async with gateways(tmp_path, state_url) as live, live[0].http() as admin:
        company = (await admin.post("/admin/v1/organisations", json={"name": "acme"})).json()["id"]
        team = (await admin.post("/admin/v1/teams", json={"name": "t", "organisation": company})).json()["id"]
        key = (await admin.post("/admin/v1/keys", json={"name": "k", "team": team})).json()["key"]
        store = Store(f"sqlite:///{tmp_path / 'sekisho.db'}")
        await asyncio.to_thread(TariffService(store, Clock()).set, company, MARKED_UP, "ops")
        store.close()
        assert await served(live, key, 4) == 4, "who never paid ahead is not held to it"
        paid = f"/admin/v1/teams/{team}/credits"
        assert (await admin.get(paid)).json() == {"balance": None, "data": []}
        assert (await admin.post(paid, json={"usd": "0.15", "note": "前払い"})).status_code == 201
        await shown(live, key, 0.15, 0)
        assert await served(live, key, 40) == 10
        async with live[-1].http(key) as client, asyncio.timeout(20):
            refused = await chat(client)
            while refused.status_code == 429:  # until the other gateway's calls are settled
                await asyncio.sleep(0.02)
                refused = await chat(client)
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (402, "insufficient_quota")
        assert "this team's credits of 0.15 USD have no room for this call: 0.15 USD used" in error["message"]
        assert "sekisho credits add" in error["message"]
        assert "retry-after" not in refused.headers
        await shown(live, key, 0.15, 0.15)
        # More credits hold on every process, and are spent to the last.
        assert (await admin.post(paid, json={"usd": "0.02"})).status_code == 201
        await shown(live, key, 0.17, 0.15)
        async with live[-1].http(key) as client:
            assert (await chat(client, "acme/broken")).status_code == 502, "nothing is charged for it"
            assert (await chat(client, "acme/own", 21)).status_code == 402, "it may come to 21 tokens"
            own = await chat(client, "acme/own", 20)
            assert own.status_code == 200
            tokens = own.json()["usage"]["completion_tokens"]
        await shown(live, key, 0.17, 0.15 + tokens / 1000)
        balance = (await admin.get(paid)).json()["balance"]
        assert balance["balance_usd"] == f"{0.02 - tokens / 1000:g}"
    async with gateways(tmp_path, state_url) as live:
        await shown(live, key, 0.17, 0.15 + tokens / 1000)
        assert await served(live, key, 10) == (20 - tokens) // 15, "what the books say counts after a restart"
