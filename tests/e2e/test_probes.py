"""Providers that are probed: who dies is avoided and who is well again is used, and no call pays for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from tests.e2e.live import PROVIDER_KEY, Live, running, scripted

from sekisho.control.services.standalone import open_books
from sekisho.control.store.tables import calls
from sekisho.core.record import CallRecord
from sekisho.settings import Settings
from sekisho.testkit.provider import Script, ScriptedProvider

DOCUMENT = """
providers:
  first:
    like: openai-compatible
    base_url: FIRST/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/m: {{upstream: m, price: {{input: 1, output: 2}}}}}}
    probe: PROBE
  second:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/m: {{upstream: m, price: {{input: 1, output: 2}}}}}}
models:
  both: {{targets: [{{model: acme/m, provider: first}}, {{model: acme/m, provider: second}}]}}
"""
LIST, TOKEN = "1s", "{{every: 1s, chat: true}}"


@asynccontextmanager
async def probed(folder: Path, probe: str) -> AsyncIterator[tuple[Live, ScriptedProvider]]:
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as first,
        ScriptedProvider(api_key=PROVIDER_KEY) as second,
        running(folder, second, DOCUMENT.replace("FIRST", first.base_url).replace("PROBE", probe)) as live,
    ):
        yield live, first


async def ask(live: Live) -> CallRecord:
    body = {"model": "both", "messages": [{"role": "user", "content": "関所"}]}
    async with live.http() as client:
        answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    record = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert record is not None
    return record


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1_000):
        if await check():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


def healthy(live: Live, state: str) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        async with live.http() as client:
            told = (await client.get("/metrics")).text
        return f'sekisho_endpoints{{provider="first",state="{state}"}} 1.0' in told

    return check


def tried(record: CallRecord) -> list[tuple[str, str | None]]:
    return [(attempt.provider, attempt.code) for attempt in record.attempts]


async def test_no_call_pays_for_finding_out_that_a_provider_died_or_is_well_again(tmp_path: Path) -> None:
    async with probed(tmp_path, LIST) as (live, first):
        assert tried(await ask(live)) == [("first", None)]
        port = first.port
        await first.stop()
        await until(healthy(live, "open"))
        for _ in range(5):
            assert tried(await ask(live)) == [("second", None)]
        await first.start(port)
        await until(healthy(live, "closed"))
        assert tried(await ask(live)) == [("first", None)]


async def test_a_list_that_works_does_not_send_calls_to_a_model_that_fails_but_a_token_does_when_it_is_well(
    tmp_path: Path,
) -> None:
    async with probed(tmp_path, LIST) as (live, first):
        first.script(*[Script(status=503)] * 3)
        for _ in range(3):
            assert tried(await ask(live)) == [("first", "upstream_overloaded"), ("second", None)]
        await asyncio.sleep(1.5)  # while the list answers at least once
        assert tried(await ask(live)) == [("second", None)]
        text = live.document.read_text().replace("probe: 1s", "probe: {every: 1s, chat: true}")
        live.document.write_text(text)
        await until(healthy(live, "closed"))
        assert tried(await ask(live)) == [("first", None)]


async def test_tokens_that_were_asked_for_are_on_the_books_as_the_provider_counts_them(
    tmp_path: Path,
) -> None:
    async with probed(tmp_path, TOKEN) as (live, first):
        first.script(*[Script(status=503)] * 5)  # three calls, two probes
        for _ in range(3):
            await ask(live)
        await until(healthy(live, "closed"))
        assert tried(await ask(live)) == [("first", None)]
        settings = Settings(live.data_dir, f"sqlite:///{live.data_dir / 'sekisho.db'}")
        served = list(first.served)
    with open_books(settings) as store, store.read() as connection:
        rows: list[Any] = list(
            connection.execute(select(calls).where(calls.c.provider == "first")).mappings()
        )
    assert sorted(row["upstream_id"] for row in rows if row["status"] == 200) == sorted(
        each.id for each in served
    )
    assert sum(row["usage_output"] or 0 for row in rows) == sum(each.usage.output for each in served)
    probes = [row for row in rows if row["operation"] == "probe"]
    assert [row["outcome"] for row in probes].count("error") == 2
    [answered] = [row for row in probes if row["outcome"] == "ok"]
    assert answered["key_id"] == ""
    assert answered["cost"] > 0


async def test_every_api_that_has_a_list_of_models_is_asked_for_it_in_its_own_way(tmp_path: Path) -> None:
    async with scripted(tmp_path) as live:
        asker, plane = live.gateway._prober().asker, live.gateway._pipeline.plane
        told = {name: await asker.models(plane, each) for name, each in plane.snapshot.providers.items()}
        assert told.pop("brk") is None
        assert set(told.values()) == {True}
        await live.provider.stop()
        told = {name: await asker.models(plane, each) for name, each in plane.snapshot.providers.items()}
        assert told.pop("brk") is None
        assert set(told.values()) == {False}
