"""A provider that is killed while hundreds of its streams are under way: no client notices."""

import asyncio
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.e2e.live import Live, running
from tests.e2e.serving import free_port
from tests.e2e.test_kill import ready, started

from sekisho.core.record import CallRecord
from sekisho.testkit.chaos.scenario import FAST, STORY, WELL, Scenario
from sekisho.testkit.chaos.wall import Wall
from sekisho.testkit.provider import ScriptedProvider, Served
from sekisho.testkit.provider.ledger import read as read_ledger

STREAMS = 200
TOKENS = 180
"""That the whole story comes to."""
HEARD = 5
"""Pieces of text that everybody has when the provider is killed."""
GAP = 0.2
"""Seconds between two pieces: a whole answer takes twelve, so that nobody has one by then."""
PROVIDER = """\
  {name}:
    like: {row}-compatible
    base_url: {url}/v1
    api_key: none
    models:
      acme/m: {{{{upstream: "{upstream}", price: {{{{input: {input}, output: {output}}}}}}}}}
"""
MODELS = """\
models:
  from-oai: {{targets: [{{model: acme/m, provider: dying-oai}}, {{model: acme/m, provider: well-ant}}]}}
  from-ant: {{targets: [{{model: acme/m, provider: dying-ant}}, {{model: acme/m, provider: well-oai}}]}}
"""
PROMPT: Any = [{"role": "user", "content": "Tell me of the gates."}]


@dataclass
class Got:
    """One client's stream."""

    ids: set[str] = field(default_factory=set)
    pieces: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    finish: str | None = None
    prompt: int = 0
    output: int = 0

    @property
    def usage(self) -> tuple[int, int]:
        return self.prompt, self.output


async def chat(live: Live, model: str, got: Got) -> None:
    stream = await live.clients[0].chat.completions.create(  # type: ignore[union-attr]
        model=model, messages=PROMPT, max_tokens=2000, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        got.ids.add(f"{chunk.id} {chunk.model} {chunk.created}")
        for choice in chunk.choices:
            assert got.finish is None, "nothing comes behind the finish reason"
            got.pieces.append(choice.delta.content or "")
            got.finish = choice.finish_reason
        if chunk.usage is not None:
            got.prompt, got.output = chunk.usage.prompt_tokens, chunk.usage.completion_tokens


async def messages(live: Live, model: str, got: Got) -> None:
    stream = await live.clients[1].messages.create(  # type: ignore[union-attr]
        model=model, messages=PROMPT, max_tokens=2000, stream=True
    )
    async for event in stream:
        got.kinds.append(event.type)
        if event.type == "message_start":
            got.ids.add(f"{event.message.id} {event.message.model}")
            got.prompt = event.message.usage.input_tokens
        elif event.type == "content_block_delta":
            assert (event.index, event.delta.type) == (0, "text_delta")
            got.pieces.append(event.delta.text)  # type: ignore[union-attr]
        elif event.type == "message_delta":
            got.finish, got.output = event.delta.stop_reason, event.usage.output_tokens
            got.prompt = event.usage.input_tokens or got.prompt


CLIENTS: dict[str, tuple[Callable[[Live, str, Got], Awaitable[None]], str]] = {
    "chat": (chat, "stop"),
    "messages": (messages, "end_turn"),
}
"""What asks, and its word for an answer that came to its own end."""


@asynccontextmanager
async def dying(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A provider in a process of its own; its ledger is `folder/served`."""
    port = free_port()
    program = ("sekisho.testkit.provider", "--port", str(port), "--ledger", str(folder / "served"))
    process = await started(*program, environment={}, log=folder / "provider.log")
    try:
        await ready(f"http://127.0.0.1:{port}/v1/models")
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def everybody_has(streams: list[Got], tasks: list[asyncio.Task[None]], pieces: int) -> None:
    async with asyncio.timeout(60):
        while min(len(got.pieces) for got in streams) < pieces:
            assert not any(task.done() for task in tasks), [task for task in tasks if task.done()]
            await asyncio.sleep(0.01)


async def booked(live: Live) -> list[CallRecord]:
    await live.gateway.books.generation("gen-none")  # what is in the journal alone is loaded
    with closing(sqlite3.connect(live.data_dir / "sekisho.db")) as database:
        ids = [row[0] for row in database.execute("select id from calls")]
    found = [await live.gateway.books.generation(call_id) for call_id in ids]
    return [record for record in found if record is not None]


def document(dying: str, oai: str, ant: str) -> str:
    """For `running`."""
    first = {"upstream": f"echo?chunk_gap={GAP}&text={quote(STORY)}", "input": 1, "output": 2}
    second = {"upstream": "claude-haiku-4-5", "input": 3, "output": 5}
    providers = (
        PROVIDER.format(name="dying-oai", row="openai", url=dying, **first),
        PROVIDER.format(name="dying-ant", row="anthropic", url=dying, **first),
        PROVIDER.format(name="well-oai", row="openai", url=oai, **second),
        PROVIDER.format(name="well-ant", row="anthropic", url=ant, **second),
    )
    return "providers:\n" + "".join(providers) + MODELS


async def test_two_hundred_streams_whose_provider_is_killed_are_all_whole_and_the_books_say_who_served_what(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    wall = Wall(Scenario("well", "well", (WELL,)), FAST)
    oai, ant = await wall.open("oai"), await wall.open("ant")
    streams = [Got() for _ in range(STREAMS)]
    asked = [(kind, model) for kind in CLIENTS for model in ("from-oai", "from-ant")]
    try:
        async with (
            dying(tmp_path) as (process, url),
            running(tmp_path, provider, document(url, oai.base_url, ant.base_url)) as live,
        ):
            live.openai()
            live.anthropic()
            tasks = [
                asyncio.create_task(CLIENTS[kind][0](live, model, got))
                for got, (kind, model) in zip(streams, asked * (STREAMS // len(asked)), strict=True)
            ]
            await everybody_has(streams, tasks, HEARD)
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*tasks)
            records = await booked(live)
    finally:
        await wall.close()
    for got, (kind, _) in zip(streams, asked * (STREAMS // len(asked)), strict=True):
        assert ("".join(got.pieces), got.finish, len(got.ids)) == (STORY, CLIENTS[kind][1], 1)
        if kind == "messages":
            order = [each for each in got.kinds if each not in ("content_block_delta", "ping")]
            assert order == [
                "message_start",
                "content_block_start",
                "content_block_stop",
                "message_delta",
                "message_stop",
            ]
    assert read_ledger(tmp_path / "served") == [], "the killed one has completed nothing"
    balanced(records, {each.id: each for each in wall.collect()})
    assert Counter(got.usage for got in streams) == Counter(
        (record.usage.prompt, record.usage.output) for record in records if record.usage is not None
    )


def balanced(records: list[CallRecord], served: dict[str, Served]) -> None:
    """Every call is on the books once, with what each of its two providers did for it."""
    assert len(records) == len(served) == STREAMS
    for record in records:
        first, last = record.attempts
        assert (record.outcome, first.code, last.code) == ("ok", "upstream_truncated", None)
        assert (first.provider[:5], last.provider[:4], record.provider) == ("dying", "well", last.provider)
        truth = served.pop(record.upstream_id or "")
        assert truth.completed
        assert first.usage is not None
        assert last.usage is not None
        assert record.usage is not None
        assert (last.usage.prompt, last.usage.output) == (truth.usage.prompt, truth.usage.output)
        assert last.cost == 3000 * last.usage.input + 5000 * last.usage.output
        assert first.cost == 1000 * first.usage.input + 2000 * first.usage.output
        assert record.cost == first.cost + last.cost
        assert first.usage.output > 0
        assert record.usage.output == first.usage.output + last.usage.output
        assert abs(record.usage.output - TOKENS) < TOKENS // 10, "an estimate, but no wild guess"
