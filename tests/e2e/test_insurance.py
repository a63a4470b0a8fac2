"""Calls that bring nothing cost their keys nothing, and the books show what they cost all the same."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import Live, scripted

from sekisho.control.services.spend import By, Question, spend
from sekisho.control.store.engine import Store
from sekisho.control.store.spending import Part, Stretch, read_parts
from sekisho.core.money import MILLION

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """
providers:
  ant:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    budget: {{amount: 1/day}}
    models:
      acme/cut: {{upstream: cut-after-1, price: {{input: 1000, output: 1000, request: 0.001}}}}
      acme/later: {{upstream: cut-after-5, price: {{input: 1000, output: 1000, request: 0.001}}}}
      acme/whole: {{upstream: echo, price: {{input: 1000, output: 1000, request: 0.001}}}}
"""
BYS: tuple[tuple[By, ...], ...] = ((), ("provider",), ("user",))
LIMITS = [
    {"measure": "usd", "amount": "100", "period": "day"},
    {"measure": "tokens", "amount": 100_000, "period": "day"},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT) as started:
        yield started


async def called(live: Live, client: httpx2.AsyncClient, model: str) -> dict[str, Any]:
    """The books' word on one stream."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "関所はどこですか"}]}
    answer = await client.post("/api/v1/chat/completions", json=body)
    assert answer.status_code == 200
    found = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
    data: dict[str, Any] = found.json()["data"]
    return data


async def test_a_stream_that_broke_off_with_nothing_costs_its_key_nothing(live: Live) -> None:
    async with live.http() as admin:
        made = (await admin.post("/admin/v1/keys", json={"name": "insured", "limits": LIMITS})).json()
    async with live.http(made["key"]) as client:
        lost = await called(live, client, "acme/cut")
        assert (lost["total_cost"], lost["tokens_prompt"]) == (0, 0)
        assert (await client.get("/api/v1/key")).json()["data"]["usage"] == 0
        begun = await called(live, client, "acme/later")
        assert begun["total_cost"] > 0, "what was produced is paid for"
        whole = await called(live, client, "acme/whole")
        key = (await client.get("/api/v1/key")).json()["data"]
        assert key["usage"] == pytest.approx(begun["total_cost"] + whole["total_cost"])

    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    hour = time.time() // 3600 * 3600
    for since, until in ((hour, hour + 7200), (hour - 1, hour + 7201)):  # of rollups, and of calls as well
        for by in BYS:
            found = spend(store, Question(since=since, until=until, by=by))
            assert found.total.waived == found.total.sums.waived * MILLION > 0
            assert found.total.sums.calls == 3
            assert sum(line.waived for line in found.lines) == found.total.waived
            assert found.total.charge == found.total.cost
    ours = {part.names: part.sums for part in _asked(store)}
    assert ours["cut-after-1",].cost > 0, "a provider's bill is compared with what it was asked for"


def _asked(store: Store) -> list[Part]:
    with store.read() as connection:
        everything = Stretch(0, time.time() + 1)
        return list(read_parts(connection, ("upstream_model",), everything, attempts=True))
