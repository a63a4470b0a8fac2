"""A gateway books by the edition of the catalogue that its data folder keeps."""

from pathlib import Path

import httpx2
import msgspec
from tests.e2e.live import ADMIN_KEY, running

from sekisho.core.money import Price, Rates
from sekisho.providers.models import kept
from sekisho.testkit.provider import ScriptedProvider

DOCUMENT = 'providers: {{openai: {{base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}}}'
MODEL = "openai/gpt-4o-mini"


async def test_a_kept_edition_is_what_calls_are_priced_by(provider: ScriptedProvider, tmp_path: Path) -> None:
    shipped = kept.shipped()
    price = Price(base=Rates(input=7_000_000_000, output=9_000_000_000))
    offers = tuple(
        msgspec.structs.replace(offer, price=price) if offer.model == MODEL else offer
        for offer in shipped.providers["openai"]
    )
    new = msgspec.structs.replace(
        shipped, date="2999-01-01", providers={**shipped.providers, "openai": offers}
    )
    kept.keep(tmp_path / "data" / "catalog", new)
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
