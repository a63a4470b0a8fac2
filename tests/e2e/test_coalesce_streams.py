"""Identical streams at the same time, at a live gateway: one stream, which hangs on none of its clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.live import DOCUMENT, Live, running
from tests.e2e.test_coalesce import led, until

from sekisho.core.record import CallRecord
from sekisho.testkit.provider import Script, ScriptedProvider
from sekisho.wire import sse
from sekisho.wire.json import decode

EVENTS = 40
TEXT = "".join(f"checkpoint {number} lies behind the pass. " for number in range(EVENTS))
TICKING = Script(text=TEXT, chunk_size=40, chunk_gap=0.05)
SHARED = (
    DOCUMENT
    + """
  shared:
    targets: [{{model: acme/echo, provider: priced}}, {{model: spare, provider: oai}}]
    coalesce: true
  alone: {{targets: [{{model: acme/echo, provider: priced}}], coalesce: true, retry: {{attempts: 1}}}}
"""
)


class Client:
    """One that reads a stream; `got` is what it has read, `headers` those of its answer."""

    def __init__(self, live: Live, model: str = "shared"):
        self.got = b""
        self.headers: httpx2.Headers = httpx2.Headers()
        self.task = asyncio.create_task(self._read(live, model))

    async def _read(self, live: Live, model: str) -> bytes:
        body = {"model": model, "messages": [{"role": "user", "content": "Where?"}], "stream": True}
        body["stream_options"] = {"include_usage": True}
        async with live.http() as client, client.stream("POST", "/v1/chat/completions", json=body) as answer:
            self.headers = answer.headers
            async for data in answer.aiter_bytes():
                self.got += data
        return self.got

    async def leave(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def booked(self, live: Live) -> CallRecord:
        async with asyncio.timeout(20):
            while True:
                record = await live.gateway.books.generation(self.headers["x-generation-id"])
                if record is not None:
                    return record
                await asyncio.sleep(0.05)


@pytest.fixture
async def live(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Live]:
    provider.responder.scripts["echo"] = TICKING
    provider.responder.scripts["spare"] = Script(text="and so on to Edo.")
    async with running(tmp_path, provider, SHARED) as started:
        yield started
        assert not started.gateway._pipeline.coalescing._underway


def text_of(streamed: bytes) -> str:
    """Of a whole stream."""
    assert streamed.endswith(b"data: [DONE]\n\n")
    said = ""
    for frame in sse.FrameDecoder().feed(streamed):
        if frame.data not in (b"", b"[DONE]"):
            chunk: Any = decode(frame.data)
            said += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
    return said


async def test_all_get_the_whole_stream_whenever_they_come_and_one_pays(live: Live) -> None:
    clients = [Client(live) for _ in range(20)]
    await until(lambda: clients[0].got)
    await asyncio.sleep(0.5)
    late = Client(live)
    streamed = await asyncio.gather(*(client.task for client in (*clients, late)))
    assert {text_of(each) for each in streamed} == {TEXT}
    assert len(set(streamed)) == 1
    (served,) = live.provider.served
    booked = [await client.booked(live) for client in (*clients, late)]
    (leader,), followers = led(booked)
    assert len({record.id for record in booked}) == 21
    assert leader.usage is not None
    assert leader.usage.output == served.usage.output
    assert leader.cost
    assert all((record.cost, record.usage, record.outcome) == (0, leader.usage, "ok") for record in followers)


async def test_a_leader_that_leaves_in_the_middle_is_booked_for_what_the_others_read(live: Live) -> None:
    leader = Client(live)
    await until(lambda: leader.got)
    others = [Client(live) for _ in range(5)]
    await until(lambda: all(other.got for other in others))
    await leader.leave()
    assert {text_of(await other.task) for other in others} == {TEXT}
    (served,) = live.provider.served
    record = await leader.booked(live)
    assert (record.outcome, record.error_code) == ("cancelled", "client_closed")
    assert record.usage is not None
    assert (record.usage.output, record.usage.estimated) == (served.usage.output, False)
    assert record.cost
    assert [(await other.booked(live)).cost for other in others] == [0] * 5


async def test_a_stream_that_nobody_reads_any_more_is_not_made_any_more(live: Live) -> None:
    clients = [Client(live) for _ in range(3)]
    await until(lambda: all(client.got for client in clients))
    for client in clients:
        await client.leave()
    await until(lambda: live.provider.aborted)
    (leader,), _ = led([await client.booked(live) for client in clients])
    assert leader.outcome == "cancelled"
    assert leader.usage is not None
    assert leader.usage.estimated
    assert leader.cost
    again = Client(live)
    assert text_of(await again.task) == TEXT


async def test_a_shared_stream_is_rescued_once_for_all(live: Live) -> None:
    live.provider.responder.scripts["echo"] = Script(
        text=TEXT, chunk_size=40, chunk_gap=0.05, cut_after_events=20
    )
    clients = [Client(live) for _ in range(10)]
    await until(lambda: clients[0].got)
    await clients[0].leave()
    streamed = await asyncio.gather(*(client.task for client in clients[1:]))
    (text,) = {text_of(each) for each in streamed}
    assert text.endswith("and so on to Edo.")
    assert len(text) > len("and so on to Edo.")
    assert len(live.provider.requests) == 2
    booked = [await client.booked(live) for client in clients]
    (leader,), followers = led(booked)
    assert len(leader.attempts) == 2
    assert {record.cost for record in followers} == {0}


async def test_a_shared_stream_that_nobody_can_rescue_ends_in_an_error_for_all(live: Live) -> None:
    live.provider.responder.scripts["echo"] = Script(
        text=TEXT, chunk_size=40, chunk_gap=0.05, cut_after_events=20
    )
    clients = [Client(live, "alone") for _ in range(10)]
    streamed = await asyncio.gather(*(client.task for client in clients))
    assert all(b'"error"' in each and b"[DONE]" not in each for each in streamed)
    assert {(await client.booked(live)).outcome for client in clients} == {"interrupted"}
    assert len(live.provider.requests) == 1
