"""Killed without warning under load, again and again: the books equal what the provider says it served."""

import asyncio
import os
import random
import signal
import socket
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from sekisho.core.route import Timeouts
from sekisho.testkit.provider.ledger import read as read_ledger
from sekisho.upstream.client import Client
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import Origin

IN_FLIGHT = 200
REPEATS = 20
ADMIN_KEY = "sk-sekisho-admin-for-kill"
BODIES = {
    "/v1/chat/completions": (
        b'{"model":"priced/acme/echo","messages":[{"role":"user","content":"x"}]}',
        b'{"model":"priced/acme/long","stream":true,"messages":[{"role":"user","content":"y"}]}',
    ),
    "/v1/messages": (
        b'{"model":"priced/acme/echo","max_tokens":9,"messages":[{"role":"user","content":"z"}]}',
        b'{"model":"priced/acme/long","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"z"}]}',
    ),
}
DOCUMENT = """
providers:
  priced:
    like: openai-compatible
    base_url: {url}/v1
    api_key: any
    models:
      acme/echo: {{upstream: echo, price: {{input: 1, output: 2}}}}
      acme/long: {{upstream: "long?chunk_count=20&chunk_gap=0.003", price: {{input: 1, output: 2}}}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def started(*arguments: str, environment: dict[str, str], log: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", *arguments, env={**os.environ, **environment}, stdout=out, stderr=out
        )


async def ready(url: str) -> None:
    async with httpx2.AsyncClient() as client, asyncio.timeout(60):
        while True:
            try:
                if (await client.get(url)).status_code < 500:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.02)


async def call_until_killed(client: Client, port: int, seen: set[str], number: int) -> None:
    """Call after call, noting the ids of those whose last byte came."""
    origin = Origin("http", "127.0.0.1", port)
    path = list(BODIES)[number % 2]
    head = build_head("POST", path, origin, [("authorization", f"Bearer {ADMIN_KEY}")])
    body = BODIES[path][number // 2 % 2]
    loop = asyncio.get_running_loop()
    while True:
        response = await client.send(origin, head, body, Timeouts(), loop.time() + 60)
        await response.read(1_000_000)
        assert response.status == 200
        seen.add((response.header(b"x-generation-id") or b"").decode())


async def load_and_kill(process: asyncio.subprocess.Process, port: int, seen: set[str], after: float) -> None:
    client = Client()
    calls = [
        asyncio.create_task(call_until_killed(client, port, seen, number)) for number in range(IN_FLIGHT)
    ]
    await asyncio.sleep(after)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert not [result for result in results if isinstance(result, AssertionError)]
    await client.close()


@pytest.mark.timeout(300)
async def test_killed_twenty_times_under_load_the_books_still_balance(tmp_path: Path) -> None:
    rng = random.Random(5)
    provider_port, port = free_port(), free_port()
    served_file, database = tmp_path / "served", tmp_path / "data" / "sekisho.db"
    document = tmp_path / "sekisho.yaml"
    document.write_text(DOCUMENT.format(url=f"http://127.0.0.1:{provider_port}"), encoding="utf-8")
    environment = {"SEKISHO_DATA_DIR": str(tmp_path / "data"), "SEKISHO_ADMIN_KEY": ADMIN_KEY}
    provider = await started(
        *("sekisho.testkit.provider", "--port", str(provider_port), "--ledger", str(served_file)),
        environment={},
        log=tmp_path / "provider.log",
    )
    await ready(f"http://127.0.0.1:{provider_port}/v1/models")
    serve = ("sekisho", "serve", "--config", str(document), "--port", str(port))
    seen: set[str] = set()
    gateway = provider
    try:
        for _ in range(REPEATS):
            gateway = await started(*serve, environment=environment, log=tmp_path / "gateway.log")
            await ready(f"http://127.0.0.1:{port}/readyz")
            await load_and_kill(gateway, port, seen, 0.15 + rng.random() * 0.35)
        gateway = await started(*serve, environment=environment, log=tmp_path / "gateway.log")
        await ready(f"http://127.0.0.1:{port}/readyz")
        gateway.terminate()  # a clean stop brings every journal home
        assert await gateway.wait() == 0
    finally:
        for process in (gateway, provider):
            if process.returncode is None:
                process.kill()  # the test has failed, or is done with it
                await process.wait()
    query = "select id, upstream_id, usage_input, usage_output from calls where outcome = 'ok'"
    with sqlite3.connect(database) as books:
        rows = books.execute(query).fetchall()
    books.close()
    served = {entry.id: entry.usage for entry in read_ledger(served_file) if entry.completed}
    booked = {row[0] for row in rows}
    assert len(seen) > REPEATS * 20
    assert seen <= booked  # whoever saw its end is on the books
    assert [each for each, count in Counter(row[1] for row in rows).items() if count > 1] == []
    for _, upstream_id, prompt, output in rows:  # and nothing is there that the provider did not serve
        assert (served[upstream_id].input, served[upstream_id].output) == (prompt, output)
