"""Gateways that share a Valkey: what one finds out the others act on, and no call needs it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.e2e.live import Live, running
from tests.e2e.serving import ADMIN_KEY, environment, program, serving
from tests.services import Valkey

from sekisho.core.record import CallRecord
from sekisho.testkit.provider import ScriptedProvider

OUT_OF_ORDER = 'sekisho_endpoints{provider="oai",state="open"} 1.0'
"""On the metrics page."""
DOCUMENT = """
providers:
  oai: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  ant: {{like: anthropic-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
models:
  rescued:
    targets: [{{model: status-503, provider: oai}}, {{model: echo, provider: ant}}]
  rescued-too:
    targets: [{{model: status-500, provider: oai}}, {{model: echo, provider: ant}}]
"""


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - what is waited for is another process's doing
            await asyncio.sleep(0.02)


async def shows(live: Live, line: str) -> bool:
    async with live.http() as client:
        return line in (await client.get("/metrics")).text.splitlines()


async def call(live: Live, model: str) -> CallRecord:
    body = {"model": model, "messages": [{"role": "user", "content": "関所"}]}
    async with live.http() as client:
        answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    record = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert record is not None
    return record


async def breaks(live: Live, model: str) -> None:
    """Calls until the first target is left alone."""

    async def goes_by() -> bool:
        return len((await call(live, model)).attempts) == 1

    await until(goes_by)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "one", tmp_path / "two"]
    for folder in found:
        folder.mkdir()
    return found


async def test_what_calls_through_one_gateway_find_out_of_order_calls_through_another_go_by(
    folders: list[Path], provider: ScriptedProvider, own_valkey: Valkey
) -> None:
    url = own_valkey.url()
    async with (
        running(folders[0], provider, DOCUMENT, state_url=url) as one,
        running(folders[1], provider, DOCUMENT, state_url=url) as two,
    ):
        await breaks(one, "rescued")
        await until(lambda: shows(two, OUT_OF_ORDER))
        assert [attempt.provider for attempt in (await call(two, "rescued")).attempts] == ["ant"]

        own_valkey.kill()
        await until(lambda: shows(two, "sekisho_state_ready 0.0"))
        assert (await call(one, "rescued-too")).provider == "ant"
        async with two.http() as client:
            assert (await client.get("/readyz")).status_code == 200
        await breaks(one, "rescued-too")

        own_valkey.start()
        await until(lambda: shows(two, "sekisho_state_ready 1.0"))
        await breaks(two, "rescued-too")


async def test_without_its_valkey_a_gateway_starts_and_serves(
    tmp_path: Path, provider: ScriptedProvider, own_valkey: Valkey
) -> None:
    own_valkey.kill()
    async with running(tmp_path, provider, DOCUMENT, state_url=own_valkey.url()) as live:
        assert (await call(live, "rescued")).provider == "ant"
        own_valkey.start()
        await until(lambda: shows(live, "sekisho_state_ready 1.0"))


async def test_workers_of_one_host_share_too(
    tmp_path: Path, provider: ScriptedProvider, valkey_url: str
) -> None:
    document = tmp_path / "sekisho.yaml"
    document.write_text(DOCUMENT.format(url=provider.base_url), encoding="utf-8")
    more = {"SEKISHO_STATE_URL": valkey_url, "SEKISHO_ADMIN_KEY": ADMIN_KEY, "SCRIPTED_KEY": "any"}
    async with serving(tmp_path, "--config", str(document), workers=2, **more) as server:
        await server.logged("state_reached", 2)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_state_url_that_will_never_do_is_told_in_a_line_without_its_password(
    tmp_path: Path, workers: int
) -> None:
    more = {"SEKISHO_STATE_URL": "redis://:canary-55d@127.0.0.1:6379/zero"}
    code, out, err = await program(
        *("serve", "--port", "4999", "--workers", str(workers)),
        environment=environment(tmp_path / "data", **more),
    )
    assert code == 1
    assert "SEKISHO_STATE_URL: the database after the last slash must be a number" in err
    assert "canary" not in out + err
