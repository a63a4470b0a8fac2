"""Who is told that a limit is nearly used up: once each, and also where the first try fails."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.live import PROVIDER_KEY, running
from tests.e2e.test_limits import DOCUMENT, chat, key_with

from sekisho.control.services import alerts
from sekisho.testkit.provider import ScriptedProvider


async def test_a_webhook_is_told_once_of_each_percent_though_it_fails_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alerts, "PAUSES", (0.01,) * 5)
    told: list[Any] = []
    tries = 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in head.splitlines() if line.lower().startswith("content-length"))
        body = await reader.readexactly(int(length.partition(":")[2]))
        tries += 1
        status = "503 Busy" if tries == 1 else "200 OK"
        if tries > 1:
            told.append((head.split()[1], json.loads(body)))
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".encode())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{port}/services/canary-path?x=1")
    document = DOCUMENT + 'alerts: {{webhooks: ["${{HOOK}}"]}}\n'
    async with (
        server,
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider, document) as live,
    ):
        key = await key_with(live, "usd 0.04/month alerts=50,100")
        async with live.http(key) as client:
            answers = [await chat(client) for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 4 + [402] * 2
        async with asyncio.timeout(10):
            while len(told) < 2:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0.01)
    assert sorted(body["percent"] for _, body in told) == [50, 100]
    path, body = told[0]
    assert path == "/services/canary-path?x=1"
    assert body["definition"] == "usd 0.04/month alerts=50,100"
    assert f"{body['percent']} % of `usd 0.04/month alerts=50,100` used: key key_" in body["text"]
    assert "canary-path" not in "".join(capsys.readouterr())
