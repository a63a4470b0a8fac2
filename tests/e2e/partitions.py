"""Two gateways, and a network between one of them and the rest that loses what it is given.

Run by `test_partitions.py`, in a network namespace of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e import storm
from tests.e2e.apart import Apart, apart
from tests.e2e.live import PROVIDER_KEY
from tests.e2e.serving import Place, Serving, serving
from tests.e2e.storm import Keys, ask, both, more, refusing, until_served, used_and_held
from tests.services import EVERYWHERE, LOOPBACK, Postgres, lone_postgres, lone_valkey

from sekisho.control.store.engine import Store
from sekisho.control.store.tallies import LOCK
from sekisho.testkit.provider import ScriptedProvider

POSTGRES, VALKEY, PROVIDER, CLIENTS = "postgres", "valkey", "provider", "clients"
DOCUMENT = storm.DOCUMENT.format(url="${PROVIDER_URL}") + (
    "    timeouts: {connect: 1s, first_token: 2s, idle: 2s, total: 5s}\n"
)
AMOUNT = 100
"""Calls that a budget is for."""


@dataclass(frozen=True)
class Ground:
    machine: Apart
    postgres: Postgres
    provider: ScriptedProvider
    keys: Keys
    near: Serving
    """Beside everything."""
    far: Serving
    """On the other machine."""

    async def stop(self) -> storm.Books:
        """When each gateway has brought its journal home."""
        assert await asyncio.gather(self.near.stop(), self.far.stop()) == [0, 0]
        return await asyncio.to_thread(storm.books, self.postgres.url())


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        machine = stack.enter_context(apart(POSTGRES, VALKEY, PROVIDER, CLIENTS))
        postgres = stack.enter_context(lone_postgres(EVERYWHERE))
        valkey = stack.enter_context(lone_valkey(tmp_path, bind=EVERYWHERE))
        provider = ScriptedProvider(api_key=PROVIDER_KEY)
        provider.host = EVERYWHERE
        await stack.enter_async_context(provider)
        keys = await asyncio.to_thread(Keys, postgres.url())
        stack.callback(keys.close)
        document = tmp_path / "sekisho.yaml"
        document.write_text(DOCUMENT, encoding="utf-8")

        async def gateway(name: str, place: Place, at: Callable[[str], str]) -> Serving:
            start = serving(
                tmp_path,
                *("--config", str(document)),
                data_dir=tmp_path / name,
                place=place,
                PROVIDER_URL=f"http://{at(PROVIDER)}:{provider.port}",
                SCRIPTED_KEY=PROVIDER_KEY,
                SEKISHO_DATABASE_URL=postgres.url().replace(LOOPBACK, at(POSTGRES)),
                SEKISHO_STATE_URL=valkey.url().replace(LOOPBACK, at(VALKEY)),
            )
            return await stack.enter_async_context(start)

        near, far = await asyncio.gather(
            gateway("near", Place(), lambda _: LOOPBACK),
            gateway("far", machine.place(CLIENTS), machine.reached),
        )
        yield Ground(machine, postgres, provider, keys, near, far)


async def answers(served: Serving, key: str, number: int) -> list[int]:
    """Statuses of calls at once."""
    return [each.status_code for each in await asyncio.gather(*(ask(served, key) for _ in range(number)))]


async def test_a_gateway_that_is_cut_off_hangs_nobody_and_comes_back_by_itself(ground: Ground) -> None:
    machine, keys, near, far = ground.machine, ground.keys, ground.near, ground.far
    async with both(keys, [near, far]) as loads:
        await more(*loads)

        machine.cut(VALKEY)
        await refusing(far, keys.closed)
        await more(*loads)
        assert (await ask(far, keys.passing)).status_code == 200
        await until_served(near, keys.closed)
        machine.mend(VALKEY)
        await until_served(far, keys.closed)

        machine.cut(POSTGRES)
        await more(*loads)
        await more(*loads)
        assert await answers(far, keys.passing, 10) == [200] * 10
        machine.mend(POSTGRES)
        await more(*loads)
        assert loads[0].statuses.keys() == {200, 503}
        assert loads[1].statuses.keys() == {200}

        machine.cut(POSTGRES, VALKEY, PROVIDER)
        await refusing(far, keys.closed)
        await more(*loads)
        machine.mend(POSTGRES, VALKEY, PROVIDER)
        await until_served(far, keys.closed)
        await until_served(near, keys.passing)
        await more(*loads)

    await asyncio.to_thread(keys.end)
    counted = [await used_and_held(near, key) for key in (keys.closed, keys.passing)]
    found, served = await ground.stop(), storm.served(ground.provider)
    assert counted == [(found.by_key[each], 0) for each in (keys.closed_id, keys.passing_id)]
    assert len(found.ids) == len(set(found.ids)) == len(set(found.upstream_ids))
    assert loads[0].whole | loads[1].whole <= set(found.ids)
    assert set(found.upstream_ids) <= set(served)
    # Of calls under way when their provider was cut off, it may have answered, and nobody knows.
    assert len(served) - len(found.ids) <= 2 * storm.AT_ONCE
    assert (found.rolled_calls, found.rolled_cost) == (len(found.ids), len(found.ids) * storm.CENT)


async def test_neither_side_of_a_partition_overspends_a_budget_or_loses_any_of_it(ground: Ground) -> None:
    machine, limits = ground.machine, (f"usd {AMOUNT / 100}/total", "concurrent 100")
    keys = [await asyncio.to_thread(ground.keys.made, *limits) for _ in range(2)]
    await spend(ground, keys[0][1], machine.cut, machine.mend)
    await spend(ground, keys[1][1], machine.deafen, machine.hear)
    found = await ground.stop()
    assert [found.by_key[key_id] for key_id, _ in keys] == [AMOUNT, AMOUNT]
    assert len(found.ids) == len(storm.served(ground.provider))


async def spend(ground: Ground, key: str, cut: Callable[[str], None], mend: Callable[[str], None]) -> None:
    """All that the key's budget has, on both sides, while one of them is cut off from the counters."""
    near, far = ground.near, ground.far
    async with storm.storm(key, [far]) as load:
        await load.more(AMOUNT // 4)
        cut(VALKEY)
        await refusing(far, key)
        await load.more(AMOUNT)
    assert set(await answers(far, key, 10)) == {503}
    elsewhere = await answers(near, key, 10)
    assert 200 in elsewhere  # 503 too: on a slow machine an answer of the counters may come too late
    mend(VALKEY)
    served = load.statuses[200] + elsewhere.count(200)
    async with asyncio.timeout(storm.PATIENCE):
        while len(refused := await answers(far, key, 10) + await answers(near, key, 10)):
            served += refused.count(200)
            if set(refused) == {402}:
                break
    assert served == AMOUNT
    assert await used_and_held(near, key) == (AMOUNT, 0)


async def test_what_a_gateway_held_in_the_database_when_it_was_cut_off_holds_up_no_other(
    ground: Ground,
) -> None:
    machine, near, far, passing = ground.machine, ground.near, ground.far, ground.keys.passing
    store = Store(ground.postgres.url())
    with store.write() as connection:
        store.lock(connection, LOCK)
        assert (await ask(far, passing)).status_code == 200
        await until_there(ground, "pg_stat_activity WHERE wait_event = 'advisory'", 1)
        machine.cut(POSTGRES)
    store.close()  # from now on the far gateway has the lock, and does not know
    assert (await ask(near, passing)).status_code == 200
    await until_there(ground, "calls", 1)
    machine.mend(POSTGRES)
    await until_there(ground, "calls", 2)


async def until_there(ground: Ground, rows: str, number: int) -> None:
    async with asyncio.timeout(2 * storm.PATIENCE):
        while int(ground.postgres.sql(f"SELECT count(*) FROM {rows}")) != number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
