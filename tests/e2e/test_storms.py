"""Three gateways on one PostgreSQL and one Valkey, and everything that can fail fails under load: books equal
what the provider served, no budget is overspent, nothing hangs, and all recovers without a hand."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from tests.e2e import storm
from tests.e2e.hole import wire
from tests.e2e.live import PROVIDER_KEY
from tests.e2e.serving import Serving, serving
from tests.e2e.storm import Books, Load
from tests.services import Postgres, Valkey

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.core.clock import Clock
from sekisho.testkit.provider import ScriptedProvider

STEP = 40
"""Calls of each key at every stage."""
PASSING = " when_lost=admit"


class Ground:
    """Gateways behind one another, started and ended one by one."""

    def __init__(self, stack: AsyncExitStack, folder: Path, document: Path, database_url: str):
        self._stack = stack
        self._folder = folder
        self._arguments = ("--config", str(document))
        self._database_url = database_url
        self.gateways: dict[str, Serving] = {}
        self.ports: list[int] = []
        """Changed in place: callers go by it."""

    async def start(self, name: str, state_url: str) -> None:
        """With the files it had before."""
        start = serving(
            self._folder,
            *self._arguments,
            data_dir=self._folder / name,
            SCRIPTED_KEY=PROVIDER_KEY,
            SEKISHO_DATABASE_URL=self._database_url,
            SEKISHO_STATE_URL=state_url,
        )
        self.gateways[name] = await self._stack.enter_async_context(start)
        self.ports[:] = [port(each) for each in self.gateways.values()]

    def signal(self, name: str, number: signal.Signals) -> None:
        self.gateways[name].process.send_signal(number)

    async def stop(self) -> None:
        """Each brings its journal home."""
        codes = await asyncio.gather(*(each.stop() for each in self.gateways.values()))
        assert set(codes) == {0}


def port(served: Serving) -> int:
    return int(served.url.rpartition(":")[2])


async def ask(served: Serving, key: str) -> httpx2.Response:
    body = {"model": "acme/flat", "messages": [{"role": "user", "content": "x"}]}
    async with served.http(key) as client:
        return await client.post("/v1/chat/completions", json=body)


async def until_served(served: Serving, key: str) -> None:
    """By itself, sooner or later."""
    async with asyncio.timeout(storm.PATIENCE):
        while (await ask(served, key)).status_code != 200:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)


class Keys:
    """One that is refused while counters are away, and one that passes."""

    def __init__(self, url: str):
        self._store = Store(url)
        migrate(self._store)
        self._service = KeyService(self._store, Clock())
        self.closed_id, self.closed = self._made("usd 1000000/total", "requests 1000000/day")
        self.passing_id, self.passing = self._made(f"usd 1000000/total{PASSING}", f"concurrent 1000{PASSING}")

    def _made(self, *limits: str) -> tuple[str, str]:
        key, text = self._service.create("k", KeyDraft(limits=limits))
        return key.id, text

    def end(self) -> None:
        """Nothing is left for either: who asks is told what was used."""
        self._service.update(self.closed_id, KeyDraft(limits=("usd 0/total",)))
        self._service.update(self.passing_id, KeyDraft(limits=(f"usd 0/total{PASSING}",)))
        self._store.close()


async def used_and_held(served: Serving, key: str) -> tuple[int, int]:
    """Cents, of a budget of which nothing is left."""
    async with asyncio.timeout(storm.PATIENCE):
        while (answer := await ask(served, key)).status_code != 402:  # noqa: ASYNC110 - it was changed just now
            await asyncio.sleep(0.05)
    said = answer.json()["error"]["message"]
    used, held = (re.search(rf"([\d.]+) USD {word}", said) for word in ("used", "held"))
    assert used is not None, said
    return round(100 * float(used[1])), round(100 * float(held[1])) if held else 0


@asynccontextmanager
async def both(keys: Keys, ground: Ground) -> AsyncIterator[tuple[Load, Load]]:
    async with (
        storm.storm(keys.closed, ground.ports) as closed,
        storm.storm(keys.passing, ground.ports) as passing,
    ):
        yield closed, passing


async def more(*loads: Load) -> None:
    await asyncio.gather(*(load.more(STEP) for load in loads))


@pytest.mark.timeout(180)
async def test_whatever_fails_under_load_the_books_balance_and_no_budget_is_overspent(
    tmp_path: Path, own_postgres: Postgres, own_valkey: Valkey
) -> None:
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider, AsyncExitStack() as stack:
        url = own_postgres.url()
        keys = await asyncio.to_thread(Keys, url)
        closed, passing = keys.closed, keys.passing
        hole = await stack.enter_async_context(wire(own_valkey.port))
        ground = Ground(stack, tmp_path, storm.document(tmp_path, provider), url)
        state_url = own_valkey.url()
        await ground.start("one", state_url)
        await ground.start("two", state_url)
        await ground.start("cut-off", state_url.replace(f":{own_valkey.port}/", f":{hole.port}/"))
        one, cut_off = ground.gateways["one"], ground.gateways["cut-off"]
        async with both(keys, ground) as loads:
            await more(*loads)

            own_postgres.stop(crash=True)
            await more(*loads)
            own_postgres.start()
            await more(*loads)

            hole.cut()
            await refusing(cut_off, closed)
            await more(*loads)
            await until_served(one, closed)
            assert (await ask(cut_off, passing)).status_code == 200
            hole.mend()
            await until_served(cut_off, closed)

            ground.signal("cut-off", signal.SIGSTOP)
            await asyncio.sleep(2)
            ground.signal("cut-off", signal.SIGCONT)
            await more(*loads)

            own_valkey.kill()
            await refusing(one, closed)
            await more(*loads)
            assert (await ask(one, passing)).status_code == 200
            own_valkey.start()
            for each in ground.gateways.values():
                await until_served(each, closed)

            # 503 at any time: on a slow machine an answer of the counters may come too late.
            assert loads[0].statuses.keys() <= {200, 503}
            assert loads[1].statuses.keys() == {200}
            ground.signal("two", signal.SIGKILL)
            await more(*loads)
            await ground.start("two", state_url)
            await more(*loads)

        await asyncio.to_thread(keys.end)
        counted = [await used_and_held(one, key) for key in (closed, passing)]
        await ground.stop()
        found = await asyncio.to_thread(storm.books, url)
        check(found, loads, storm.served(provider))
        for (used, held), key_id, load in zip(counted, (keys.closed_id, keys.passing_id), loads, strict=True):
            # What the killed one's calls came to stays held until their leases end.
            assert used <= found.by_key[key_id] <= used + held
            assert held <= load.statuses[0]


def check(found: Books, loads: tuple[Load, Load], served: list[str]) -> None:
    """The books are what the provider counted, and what clients saw."""
    assert len(found.ids) == len(set(found.ids)) == len(set(found.upstream_ids))
    assert loads[0].whole | loads[1].whole <= set(found.ids)
    assert set(found.upstream_ids) <= set(served)
    # Calls of the killed one, whose clients saw no end either.
    assert len(served) - len(found.ids) <= sum(load.statuses[0] for load in loads)
    assert (found.rolled_calls, found.rolled_cost) == (len(found.ids), len(found.ids) * storm.CENT)


async def refusing(served: Serving, key: str) -> None:
    """Until it has noticed; what it then says."""
    async with asyncio.timeout(storm.PATIENCE):
        while (answer := await ask(served, key)).status_code != 503:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["code"] == "limits_unavailable"
