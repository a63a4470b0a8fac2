"""What a provider may cost: kept exactly, over restarts and reloads, and told when it is used up."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2e.live import PROVIDER_KEY, Live, running
from tests.services import Valkey

from sekisho.testkit.provider import Script, ScriptedProvider

DOCUMENT = """
providers:
  poor:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    BUDGET
    models: {{acme/m: {{upstream: m, price: {{input: 0, output: 0, request: 0.01}}}}}}
  rich:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/m: {{upstream: m, price: {{input: 0, output: 0, request: 0.05}}}}}}
models:
  both: {{targets: [{{model: acme/m, provider: poor}}, {{model: acme/m, provider: rich}}]}}
  alone: {{targets: [{{model: acme/m, provider: poor}}]}}
"""
LIMITED = DOCUMENT.replace("BUDGET", "budget: 0.03/month")
UNLIMITED = DOCUMENT.replace("BUDGET", "")


async def ask(live: Live, model: str, **more: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "関所"}], **more}
    async with live.http() as client:
        return await client.post("/v1/chat/completions", json=body)


async def record_of(live: Live, answer: Any) -> Any:
    found = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert found is not None
    return found


async def test_a_used_up_budget_sends_calls_elsewhere_and_is_told_where_nobody_is_left(
    tmp_path: Path,
) -> None:
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider:
        async with running(tmp_path, provider, LIMITED) as live:
            for _ in range(2):
                assert (await record_of(live, await ask(live, "both"))).provider == "poor"
        async with running(tmp_path, provider, LIMITED) as live:  # what was spent outlives the process
            assert (await record_of(live, await ask(live, "alone"))).provider == "poor"
            answer = await ask(live, "both")
            record = await record_of(live, answer)
            assert record.provider == "rich"
            [rejection] = record.explanation.plan.rejected
            assert rejection.endpoint == "poor/acme/m=m"
            assert rejection.reason.startswith("has used up its budget until ")
            served = len(provider.ledger.served)
            refused = await ask(live, "alone")
            now = datetime.now(UTC)
            month = now.replace(day=1, month=now.month % 12 + 1, year=now.year + now.month // 12)
            assert refused.status_code == 429
            assert refused.json()["error"]["code"] == "budget_used_up"
            assert f"until {month:%Y-%m-%d}T00:00:00Z" in refused.json()["error"]["message"]
            assert 0 < int(refused.headers["retry-after"]) <= 31 * 86_400
            assert len(provider.ledger.served) == served


async def test_a_budget_that_a_reload_brings_knows_what_was_spent_before(tmp_path: Path) -> None:
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider, UNLIMITED) as live,
    ):
        provider.script(Script(text="x" * 300, cut_after_events=9), Script())
        carried_on = await ask(live, "both", stream=True)
        assert carried_on.text.endswith("[DONE]\n\n")
        for _ in range(2):
            await ask(live, "alone")
        large = LIMITED.replace("0.03/month", "1/month")
        live.document.write_text(large.format(url=provider.base_url), encoding="utf-8")
        async with asyncio.timeout(10), live.http() as client:
            told = ""
            while "sekisho_budget_left{" not in told:
                told = (await client.get("/metrics")).text
        assert 'sekisho_budget_left{provider="poor"} 0.97' in told


async def test_processes_with_a_shared_state_keep_one_budget_also_when_that_is_lost(
    tmp_path: Path, own_valkey: Valkey, postgres_url: str
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    shared = {"database_url": postgres_url, "state_url": own_valkey.url()}
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider:
        async with (
            running(tmp_path / "one", provider, LIMITED, **shared) as one,
            running(tmp_path / "two", provider, LIMITED, **shared) as two,
        ):
            assert (await ask(one, "alone")).status_code == 200
            await left(two, 0.02 / 0.03)
            own_valkey.stop()
            assert (await ask(two, "alone")).status_code == 200, "it goes by what it knows"
            own_valkey.start()
            await left(one, 0.01 / 0.03)
            assert (await ask(one, "alone")).status_code == 200
        async with running(tmp_path / "two", provider, LIMITED, **shared) as two:
            await left(two, 0.0)
            assert (await ask(two, "alone")).status_code == 429


async def left(live: Live, share: float) -> None:
    """Wait until so much is left of the budget there."""
    spent = live.gateway._board.spent
    async with asyncio.timeout(30):
        while abs(spent.share_left("poor") - share) > 1e-6:  # noqa: ASYNC110 - others' doing
            await asyncio.sleep(0.02)
