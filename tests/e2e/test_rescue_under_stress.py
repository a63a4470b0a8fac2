"""Rescues at awkward moments: the gateway stops, the client is slow or gone, a dead provider wakes up."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.e2e.live import DOCUMENT, PROVIDER_KEY, Live, running
from tests.e2e.serving import ADMIN_KEY, serving
from tests.e2e.test_rescue import booked

from sekisho.testkit.provider import Script, ScriptedProvider

TEXT = " ".join(f"第{number}の関所 gate{number}" for number in range(60))
LARGE = " ".join(f"gate{number}" for number in range(150_000))
"""More than the buffers between a provider and a client hold."""
SCRIPTS = {
    "whole": Script(text=TEXT),
    "cut": Script(text=TEXT, cut_after_events=20, chunk_gap=0.01),
    "paused": Script(text=TEXT, chunk_gap=1.0),
    "mute": Script(before_headers="stall"),
    "large": Script(text=LARGE, chunk_size=4096),
    "large-cut": Script(text=LARGE, chunk_size=4096, reset_after_events=150),
}
ROUTES = {
    "cuts": ("cut", "whole"),
    "alive-again": ("paused", "whole"),
    "nobody-speaks": ("cut", "mute"),
    "long": ("large-cut", "large"),
}


def document() -> str:
    lines = [DOCUMENT.rstrip("\n")]
    for name, (first, second) in ROUTES.items():
        targets = f"{{{{model: {first}, provider: oai}}}}, {{{{model: {second}, provider: ant}}}}"
        lines.append(f"  {name}: {{{{targets: [{targets}], timeouts: {{{{idle: 400ms}}}}}}}}")
    return "\n".join(lines) + "\n"


@pytest.fixture
async def live(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Live]:
    provider.responder.scripts.update(SCRIPTS)
    async with running(tmp_path, provider, document()) as started:
        yield started


def request(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "x"}], "stream": True}


def text_of(lines: list[str]) -> str:
    """Of a whole stream of a chat client."""
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line[6:]) for line in lines[:-1] if line.startswith("data: ")]
    assert [event for event in events if "error" in event] == []
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


async def lines_of(answer: httpx2.Response) -> list[str]:
    return [line async for line in answer.aiter_lines() if line]


async def test_a_gateway_that_is_stopping_rescues_what_it_has_begun(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    provider.responder.scripts.update(SCRIPTS)
    config = tmp_path / "sekisho.yaml"
    config.write_text(document().format(url=provider.base_url), encoding="utf-8")
    secrets = {"SEKISHO_ADMIN_KEY": ADMIN_KEY, "SCRIPTED_KEY": PROVIDER_KEY}
    async with serving(tmp_path, "--config", str(config), **secrets) as gateway, gateway.http() as client:
        async with client.stream("POST", "/v1/chat/completions", json=request("cuts")) as answer:
            pieces = answer.aiter_lines()
            lines = [await anext(pieces)]
            gateway.process.send_signal(signal.SIGTERM)
            lines += [line async for line in pieces if line]
        assert await gateway.stop() == 0
        assert len(gateway.events("stream_rescued")) == 1
    assert text_of(lines) == TEXT


async def test_a_provider_that_comes_alive_again_is_heard_no_more(live: Live) -> None:
    async with (
        live.http() as client,
        client.stream("POST", "/v1/chat/completions", json=request("alive-again")) as answer,
    ):
        assert text_of(await lines_of(answer)) == TEXT
    assert live.provider.ledger.counts["aborted"] == 1


async def test_a_client_that_leaves_while_others_are_asked_leaves_nothing_behind(live: Live) -> None:
    async with (
        live.http() as client,
        client.stream("POST", "/v1/chat/completions", json=request("nobody-speaks")) as answer,
    ):
        async with asyncio.timeout(10):
            while len(live.provider.requests) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await answer.aclose()
    async with asyncio.timeout(10):
        while not (records := await booked(live)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        while live.provider.ledger.counts["aborted"] < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    record = records["nobody-speaks"]
    assert (record.outcome, record.provider) == ("cancelled", "oai")
    assert record.usage is not None
    assert record.usage.output > 0


async def test_a_client_that_reads_slowly_gets_all_of_a_rescued_answer(live: Live) -> None:
    async with (
        live.http() as client,
        client.stream("POST", "/v1/chat/completions", json=request("long")) as answer,
    ):
        await asyncio.sleep(1.0)
        lines = await lines_of(answer)
    assert text_of(lines) == LARGE
    assert [attempt.provider for attempt in (await booked(live))["long"].attempts] == ["oai", "ant"]


async def test_a_rescued_answer_in_one_json_array_is_one_json_array(live: Live) -> None:
    async with live.http() as client:
        answer = await client.post(
            "/v1beta/models/cuts:streamGenerateContent",
            json={"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
        )
    events = answer.json()
    parts = [part for event in events for part in event["candidates"][0].get("content", {}).get("parts", [])]
    assert "".join(part["text"] for part in parts) == TEXT
    assert [event["candidates"][0].get("finishReason") for event in events][-1] == "STOP"
