"""Three gateways on one PostgreSQL and one Valkey, and everything that can fail fails under load: books equal
what the provider served, no budget is overspent, nothing hangs, and all recovers without a hand."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.e2e import storm
from tests.e2e.hole import wire
from tests.e2e.live import PROVIDER_KEY
from tests.e2e.serving import Serving, serving
from tests.e2e.storm import Books, Keys, Load, ask, both, more, refusing, until_served, used_and_held
from tests.services import Postgres, Valkey

from sekisho.testkit.provider import ScriptedProvider


class Ground:
    """Gateways behind one another, started and ended one by one."""

    def __init__(self, stack: AsyncExitStack, folder: Path, document: Path, database_url: str):
        self._stack = stack
        self._folder = folder
        self._arguments = ("--config", str(document))
        self._database_url = database_url
        self.gateways: dict[str, Serving] = {}
        self.running: list[Serving] = []
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
        self.running[:] = self.gateways.values()

    def signal(self, name: str, number: signal.Signals) -> None:
        self.gateways[name].process.send_signal(number)

    async def stop(self) -> None:
        """Each brings its journal home."""
        codes = await asyncio.gather(*(each.stop() for each in self.gateways.values()))
        assert set(codes) == {0}


@pytest.mark.timeout(180)
async def test_whatever_fails_under_load_the_books_balance_and_no_budget_is_overspent(
    tmp_path: Path, own_postgres: Postgres, own_valkey: Valkey
) -> None:
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider, AsyncExitStack() as stack:
        url = own_postgres.url()
        keys = await asyncio.to_thread(Keys, url)
        stack.callback(keys.close)
        closed, passing = keys.closed, keys.passing
        hole = await stack.enter_async_context(wire(own_valkey.port))
        ground = Ground(stack, tmp_path, storm.document(tmp_path, provider), url)
        state_url = own_valkey.url()
        await ground.start("one", state_url)
        await ground.start("two", state_url)
        await ground.start("cut-off", state_url.replace(f":{own_valkey.port}/", f":{hole.port}/"))
        one, cut_off = ground.gateways["one"], ground.gateways["cut-off"]
        async with both(keys, ground.running) as loads:
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
