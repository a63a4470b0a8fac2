"""What a provider has announced to switch off: told in a header, in the lists of models and in the log."""

import datetime as dt
from pathlib import Path

import httpx2
from structlog.testing import capture_logs
from tests.e2e.live import ADMIN_KEY, running

from sekisho.providers import catalog
from sekisho.testkit.provider import ScriptedProvider

DOCUMENT = """
providers:
  openai: {{base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  other: {{like: openai-compatible, base_url: {url}/v1, models: {{openai/gpt-4o: {{}}, acme/echo: {{}}}}}}
"""


async def test_a_model_that_will_be_switched_off_says_so_everywhere(
    provider: ScriptedProvider, tmp_path: Path
) -> None:
    offers = {offer.model: offer for offer in catalog.load().offers("openai")}
    told = offers["openai/gpt-4o-mini"].retires
    assert told is not None
    assert dt.date.fromisoformat(told.date)
    with capture_logs() as logs:
        async with running(tmp_path, provider, DOCUMENT) as live:
            headers = {"authorization": f"Bearer {ADMIN_KEY}"}
            async with httpx2.AsyncClient(base_url=live.url, headers=headers) as client:

                async def ask(model: str) -> httpx2.Response:
                    body = {"model": model, "messages": [{"role": "user", "content": "関所"}]}
                    return await client.post("/v1/chat/completions", json=body)

                for _ in range(3):
                    answer = await ask("openai/gpt-4o-mini")
                    assert answer.headers["x-sekisho-retires"] == f"{told.date}; use={told.use}"
                assert "x-sekisho-retires" not in (await ask("acme/echo")).headers
                plain = (await client.get("/v1/models")).json()["data"]
                market = (await client.get("/api/v1/models")).json()["data"]
                market += (await client.get("/api/v1/embeddings/models")).json()["data"]
    shutdown = {entry["id"]: entry["shutdown_date"] for entry in plain}
    assert shutdown["openai/gpt-4o-mini"] == told.date
    assert shutdown["openai/gpt-4o"] is None  # the other provider has announced nothing
    assert {entry["id"]: entry["expiration_date"] for entry in market} == shutdown
    (event,) = [each for each in logs if each["event"] == "model_retires"]
    assert (event["model"], event["date"], event["use"]) == ("openai/gpt-4o-mini", told.date, told.use)
