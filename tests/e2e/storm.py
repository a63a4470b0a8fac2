"""Steady load while parts fail, and the books compared with the provider's afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from sekisho.control.store.engine import Store
from sekisho.control.store.tables import calls, rollups
from sekisho.core.error import UpstreamError
from sekisho.core.route import Timeouts
from sekisho.testkit.provider import ScriptedProvider
from sekisho.upstream.client import Client
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import Origin

PATIENCE = 30.0
"""Seconds after which a call hangs, on the slowest machine."""
CENT = 10_000_000
"""Nano-USD: what each call costs."""
DOCUMENT = """
providers:
  flat:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/flat: {{upstream: "echo?delay_before_headers=0.01", price: {{input: 0, output: 0, request: 0.01}}}}
"""
BODIES = (
    b'{"model":"acme/flat","messages":[{"role":"user","content":"x"}]}',
    b'{"model":"acme/flat","stream":true,"messages":[{"role":"user","content":"x"}]}',
)


@dataclass
class Load:
    """What became of calls so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    """0: the connection broke, as those to a killed process do."""
    whole: set[str] = field(default_factory=set)
    """Ids of answers that came to their end."""
    slowest: float = 0.0
    """Seconds."""

    async def more(self, number: int) -> None:
        """Wait for so many more calls to end, whatever becomes of them."""
        until = sum(self.statuses.values()) + number
        async with asyncio.timeout(PATIENCE):
            while sum(self.statuses.values()) < until:  # noqa: ASYNC110 - only the calls know
                await asyncio.sleep(0.01)

    async def call(self, client: Client, port: int, key: str, number: int) -> None:
        origin = Origin("http", "127.0.0.1", port)
        head = build_head("POST", "/v1/chat/completions", origin, [("authorization", f"Bearer {key}")])
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.timeout(PATIENCE):
            try:
                response = await client.send(
                    origin, head, BODIES[number % 2], Timeouts(), begun + 2 * PATIENCE
                )
                await response.read(1_000_000)
            except UpstreamError:
                self.statuses[0] += 1
                await asyncio.sleep(0.05)
                return
        self.slowest = max(self.slowest, loop.time() - begun)
        self.statuses[response.status] += 1
        if response.status == 200:
            self.whole.add((response.header(b"x-generation-id") or b"").decode())


@asynccontextmanager
async def storm(key: str, ports: Sequence[int], at_once: int = 12) -> AsyncIterator[Load]:
    """Calls one after the other, so many at once, in turns to these ports, until the end. A call that hangs
    fails the test."""
    load, client, ends = Load(), Client(), asyncio.Event()

    async def caller(number: int) -> None:
        while not ends.is_set():
            await load.call(client, ports[number % len(ports)], key, number)
            number += at_once + 1  # the next gateway, and the other kind of call

    async with asyncio.TaskGroup() as callers:
        for number in range(at_once):
            callers.create_task(caller(number))
        yield load
        ends.set()
    await client.close()


@dataclass(frozen=True)
class Books:
    """Answered calls: ids here, what the provider calls them, and the rollups' sums."""

    ids: list[str]
    upstream_ids: list[str]
    by_key: Counter[str]
    """How many there are of each key, by its id."""
    rolled_calls: int
    rolled_cost: int


def books(url: str) -> Books:
    """After everything was loaded."""
    store = Store(url)
    with store.read() as connection:
        answered = connection.execute(
            select(calls.c.id, calls.c.upstream_id, calls.c.key_id).where(calls.c.outcome == "ok")
        ).all()
        sums = connection.execute(select(rollups.c.calls, rollups.c.failed, rollups.c.cost)).all()
    store.close()
    return Books(
        [row.id for row in answered],
        [row.upstream_id for row in answered],
        Counter(row.key_id for row in answered),
        sum(row.calls - row.failed for row in sums),
        sum(row.cost for row in sums),
    )


def served(provider: ScriptedProvider) -> list[str]:
    """What the provider calls the answers that it gave whole."""
    return [each.id for each in provider.ledger.served if each.completed]


def document(folder: Path, provider: ScriptedProvider) -> Path:
    """Of one provider, whose every call costs a cent."""
    path = folder / "sekisho.yaml"
    path.write_text(DOCUMENT.format(url=provider.base_url), encoding="utf-8")
    return path
