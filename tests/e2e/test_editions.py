"""A gateway books by the edition of the catalogue that its data folder keeps."""

import asyncio
from pathlib import Path

import httpx2
import msgspec
import pytest
from tests.e2e.live import ADMIN_KEY, running

from sekisho.core.money import Price, Rates
from sekisho.providers.models import kept
from sekisho.providers.models.edition import Edition
from sekisho.testkit.provider import ScriptedProvider

DOCUMENT = 'providers: {{openai: {{base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}}}'
MODEL = "openai/gpt-4o-mini"


def edition(usd: int, date: str) -> Edition:
    """The one that ships, but for the price of one model."""
    shipped = kept.shipped()
    price = Price(base=Rates(input=usd * 10**9, output=9 * 10**9))
    offers = tuple(
        msgspec.structs.replace(offer, price=price) if offer.model == MODEL else offer
        for offer in shipped.providers["openai"]
    )
    return msgspec.structs.replace(shipped, date=date, providers={**shipped.providers, "openai": offers})


async def price_of(client: httpx2.AsyncClient) -> str:
    listed = (await client.get("/api/v1/models")).json()["data"]
    (entry,) = (each for each in listed if each["id"] == MODEL)
    return str(entry["pricing"]["prompt"])


async def test_a_running_gateway_takes_a_new_edition_and_goes_back_from_a_broken_one(
    provider: ScriptedProvider, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "data" / "catalog"
    async with running(tmp_path, provider, DOCUMENT) as live, live.http() as client:

        async def until(price: str) -> None:
            async with asyncio.timeout(20):
                while await price_of(client) != price:  # noqa: ASYNC110 - a file is seen without an event
                    await asyncio.sleep(0.05)

        before = await price_of(client)
        kept.keep(folder, edition(7, "2999-01-01"))
        await until("0.000007")
        kept.keep(folder, edition(8, "2999-01-02"))
        await until("0.000008")
        (folder / kept.CURRENT).write_text("{")
        await until("0.000007")
        assert "the catalogue is passed over" in caplog.text
        kept.restore(folder)
        kept.restore(folder)
        await until(before)


async def test_a_kept_edition_is_what_calls_are_priced_by(provider: ScriptedProvider, tmp_path: Path) -> None:
    kept.keep(tmp_path / "data" / "catalog", edition(7, "2999-01-01"))
    async with running(tmp_path, provider, DOCUMENT) as live:
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        async with httpx2.AsyncClient(base_url=live.url, headers=headers) as client:
            listed = (await client.get("/api/v1/models")).json()["data"]
            body = {"model": MODEL, "messages": [{"role": "user", "content": "関所"}]}
            usage = (await client.post("/api/v1/chat/completions", json=body)).json()["usage"]
    (entry,) = (each for each in listed if each["id"] == MODEL)
    assert (entry["pricing"]["prompt"], entry["pricing"]["completion"]) == ("0.000007", "0.000009")
    cost = (usage["prompt_tokens"] * 7 + usage["completion_tokens"] * 9) / 1_000_000
    assert abs(usage["cost"] - cost) < 1e-12
