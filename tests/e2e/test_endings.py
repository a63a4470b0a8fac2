"""Whatever breaks, nothing is left behind: no task, no connection, no call without a record."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.live import ADMIN_KEY, DOCUMENT, Live, scripted

from sekisho.testkit.provider import Script

USER = [{"role": "user", "content": "関所はどこですか"}]
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
BROKEN = ("cut-after-3", "reset-after-3", "error-after-3", "malformed-after-2", "no-end", "error-after-0")
LOOP = """
  loop:
    like: openai-compatible
    base_url: {url}/v1
    api_key: {key}
    models: {{acme/loop: {{upstream: acme/loop}}}}
models:
"""


def call(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": USER, "max_tokens": 500, **more}


async def settled(live: Live, tasks: int) -> None:
    """Waits until no more than so many tasks are left, and no call to the provider is under way."""
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > tasks or any(  # noqa: ASYNC110
            connection.in_use for connection in live.gateway._client._pool._open
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_broken_streams_leave_nothing_behind(live: Live, path: str) -> None:
    async with live.http() as client:
        await client.post(path, json=call("oai/echo", stream=True))
        await asyncio.sleep(0.05)
        tasks = len(asyncio.all_tasks())
        models = [f"{provider}/{broken}?chunk_gap=0.02" for provider in ("oai", "ant") for broken in BROKEN]
        answers = await asyncio.gather(
            *(client.post(path, json=call(model, stream=True)) for model in models)
        )
        await settled(live, tasks)
    for model, answer in zip(models, answers, strict=True):
        assert "data: [DONE]" not in answer.text
        assert "event: message_stop" not in answer.text
        assert "error" in answer.text
        record = await live.gateway.books.generation(answer.headers["x-generation-id"])
        assert record is not None
        assert record.outcome == ("error" if "after-0" in model else "interrupted"), model


async def test_clients_that_leave_at_any_moment_leave_nothing_behind(live: Live) -> None:
    async with live.http() as client:
        await client.post(CHAT, json=call("oai/echo", stream=True))
        await asyncio.sleep(0.05)
        tasks = len(asyncio.all_tasks())

        async def leave(model: str, after: float, *, stream: bool) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(after):
                    await client.post(CHAT, json=call(model, stream=stream))

        await asyncio.gather(
            *(
                leave(f"{provider}/long?chunk_gap=0.02&delay_before_headers=0.05", 0.01 * step, stream=stream)
                for provider in ("oai", "ant")
                for step in range(12)
                for stream in (False, True)
            )
        )
        await settled(live, tasks)
    async with asyncio.timeout(10):
        while live.gateway._server.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_who_leaves_an_answer_in_one_piece_pays_what_it_came_to(live: Live) -> None:
    late, failing = (
        Script(text="Hakone.", delay_before_headers=0.5),
        Script(status=500, delay_before_headers=0.5),
    )
    async with live.http() as client:
        for number, script in enumerate((late, failing), start=1):
            live.provider.script(script)
            asking = asyncio.create_task(client.post(CHAT, json=call("priced/acme/echo")))
            async with asyncio.timeout(10):
                while len(live.provider.requests) < number:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            asking.cancel()
            await live.booked(number)
    made, failed = await live.booked(2)
    [served] = live.provider.served
    assert served.completed
    assert (made.outcome, made.status, made.usage) == ("cancelled", 499, served.usage)
    assert made.cost == served.usage.input * 1000 + served.usage.output * 2000
    assert (failed.outcome, failed.usage, failed.cost) == ("cancelled", None, None)
    assert len(live.provider.requests) == 2  # for nobody, nobody is asked again
    assert not live.gateway._server.connections


async def test_calls_that_a_shutdown_drops_are_on_the_books(tmp_path: Path) -> None:
    async def read(url: str, model: str, *, stream: bool = True) -> None:
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {ADMIN_KEY}"}) as client:
            with pytest.raises(httpx2.HTTPError):
                await client.post(url + CHAT, json=call(model, stream=stream), timeout=20)

    async with scripted(tmp_path) as live:
        models = [*(["oai/long?chunk_gap=0.2"] * 10), *(["ant/stall"] * 10)]
        readers = [asyncio.create_task(read(live.url, model)) for model in models]
        leaving = [asyncio.create_task(read(live.url, "oai/stall", stream=False)) for _ in range(5)]
        async with asyncio.timeout(10):
            while len(live.provider.requests) < len(models) + len(leaving):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for each in leaving:  # their calls go on, up to the shutdown
            each.cancel()
    await asyncio.gather(*readers)
    database = sqlite3.connect(tmp_path / "data" / "sekisho.db")
    found = database.execute("select outcome, count(*) from calls group by outcome").fetchall()
    database.close()
    assert found == [("cancelled", len(models) + len(leaving))]
    assert list((tmp_path / "data" / "journal").glob("*.log")) == []


async def test_a_gateway_that_is_its_own_provider_ends_the_loop(live: Live) -> None:
    looped = DOCUMENT.replace("models:\n  rescued", LOOP.lstrip("\n") + "  rescued")
    text = looped.replace("{url}/v1\n    api_key: {key}", f"{live.url}/v1\n    api_key: {ADMIN_KEY}")
    live.document.write_text(text.format(url=live.provider.base_url, key=ADMIN_KEY), encoding="utf-8")
    async with live.http() as client:
        async with asyncio.timeout(10):
            while "acme/loop" not in (await client.get("/v1/models")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for stream in (False, True):
            answer = await client.post(CHAT, json=call("acme/loop", stream=stream))
            assert answer.status_code == 508
            assert answer.json()["error"]["code"] == "loop_detected"
        metrics = (await client.get("/metrics")).text
    line = next(
        each for each in metrics.splitlines() if 'provider="none"' in each and "loop_detected" in each
    )
    assert line.endswith(" 2.0")
    line = next(
        each for each in metrics.splitlines() if 'provider="loop"' in each and "loop_detected" in each
    )
    assert line.endswith(" 10.0")
