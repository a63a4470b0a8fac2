"""Steady load while parts fail, and the books compared with the provider's afterwards."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from sqlalchemy import select
from tests.e2e.serving import Serving

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.tables import calls, rollups
from sekisho.core.clock import Clock
from sekisho.core.error import UpstreamError
from sekisho.core.route import Timeouts
from sekisho.testkit.provider import ScriptedProvider
from sekisho.upstream.client import Client
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import Origin

PATIENCE = 30.0
"""Seconds after which a call hangs, on the slowest machine."""
AT_ONCE = 12
STEP = 40
"""Calls of each key at every stage."""
PASSING = " when_lost=admit"
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

    async def call(self, client: Client, origin: Origin, key: str, number: int) -> None:
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
async def storm(key: str, gateways: Sequence[Serving], at_once: int = AT_ONCE) -> AsyncIterator[Load]:
    """Calls one after the other, so many at once, in turns to these gateways, until the end. One that hangs
    fails the test."""
    load, client, ends = Load(), Client(), asyncio.Event()

    async def caller(number: int) -> None:
        while not ends.is_set():
            await load.call(client, gateways[number % len(gateways)].origin, key, number)
            number += at_once + 1  # the next gateway, and the other kind of call

    async with asyncio.TaskGroup() as callers:
        for number in range(at_once):
            callers.create_task(caller(number))
        yield load
        ends.set()
    await client.close()


async def ask(served: Serving, key: str) -> httpx2.Response:
    body = {"model": "acme/flat", "messages": [{"role": "user", "content": "x"}]}
    async with served.http(key) as client:
        return await client.post("/v1/chat/completions", json=body)


async def until_served(served: Serving, key: str) -> None:
    """By itself, sooner or later."""
    async with asyncio.timeout(PATIENCE):
        while (await ask(served, key)).status_code != 200:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)


async def refusing(served: Serving, key: str) -> None:
    """Until it has noticed; what it then says."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await ask(served, key)).status_code != 503:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["code"] == "limits_unavailable"


class Keys:
    """One that is refused while counters are away, and one that passes."""

    def __init__(self, url: str):
        self._store = Store(url)
        migrate(self._store)
        self._service = KeyService(self._store, Clock())
        self.closed_id, self.closed = self.made("usd 1000000/total", "requests 1000000/day")
        self.passing_id, self.passing = self.made(f"usd 1000000/total{PASSING}", f"concurrent 1000{PASSING}")

    def made(self, *limits: str) -> tuple[str, str]:
        """The id of another key, and its text."""
        key, text = self._service.create("k", KeyDraft(limits=limits))
        return key.id, text

    def end(self) -> None:
        """Nothing is left for either: who asks is told what was used."""
        self._service.update(self.closed_id, KeyDraft(limits=("usd 0/total",)))
        self._service.update(self.passing_id, KeyDraft(limits=(f"usd 0/total{PASSING}",)))

    def close(self) -> None:
        self._store.close()


async def used_and_held(served: Serving, key: str) -> tuple[int, int]:
    """Cents, of a budget of which nothing is left."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await ask(served, key)).status_code != 402:  # noqa: ASYNC110 - it was changed just now
            await asyncio.sleep(0.05)
    said = answer.json()["error"]["message"]
    used, held = (re.search(rf"([\d.]+) USD {word}", said) for word in ("used", "held"))
    assert used is not None, said
    return round(100 * float(used[1])), round(100 * float(held[1])) if held else 0


@asynccontextmanager
async def both(keys: Keys, gateways: Sequence[Serving]) -> AsyncIterator[tuple[Load, Load]]:
    """With the key that is refused first."""
    async with (
        storm(keys.closed, gateways) as closed,
        storm(keys.passing, gateways) as passing,
    ):
        yield closed, passing


async def more(*loads: Load) -> None:
    """A stage."""
    await asyncio.gather(*(load.more(STEP) for load in loads))


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
