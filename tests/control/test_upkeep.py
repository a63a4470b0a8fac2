"""Records stay for as long as they are to be kept, wherever they lie, and go by whole days."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sekisho.control.services.upkeep import Upkeep
from sekisho.control.store import expiry
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.record import CallRecord

DAY = 86_400
TODAY = 20_770 * DAY
"""2026-11-13"""
Make = Callable[..., CallRecord]
Booked = Callable[[], list[str]]


@pytest.fixture
def upkeep(store: Store) -> Upkeep:
    return Upkeep(store, StoreThread("upkeep"), Clock(now=lambda: TODAY + 1000.0))


async def test_calls_are_deleted_by_whole_days_and_no_day_too_early(
    upkeep: Upkeep, store: Store, record: Make, booked: Booked
) -> None:
    days = {"gen-older": -900, "gen-old": -4, "gen-kept": -3, "gen-today": 0, "gen-of-a-wrong-clock": 9000}
    with store.write() as connection:
        book(connection, [record(name, started=float(TODAY + day * DAY)) for name, day in days.items()])
        last = record("gen-just", started=TODAY - 3 * DAY - 0.001)
        book(connection, [last, *(record(f"gen-{at}", started=float(at)) for at in range(3 * expiry.BATCH))])
    await upkeep.once()
    assert len(booked()) == 6 + 3 * expiry.BATCH, "for ever, if nothing is said"
    upkeep.keep = 3.0 * DAY
    await upkeep.once()
    assert sorted(booked()) == ["gen-kept", "gen-of-a-wrong-clock", "gen-today"]


async def test_on_postgresql_days_have_partitions_made_ahead_and_what_came_before_them_moves_there(
    postgres_url: str, record: Make
) -> None:
    store = Store(postgres_url)
    migrate(store)
    now = TODAY + 1000.0
    clock = Clock(now=lambda: now)
    upkeep = Upkeep(store, StoreThread("upkeep"), clock)
    early = [record("gen-1", started=float(TODAY)), record("gen-2", started=TODAY - 1.0)]
    with store.write() as connection:
        book(connection, early)
    await upkeep.once()
    with store.write() as connection:
        assert book(connection, [*early, record("gen-3", started=TODAY + 3.5 * DAY)]) == [
            record("gen-3", started=TODAY + 3.5 * DAY)
        ]
    assert where(store) == {"gen-1": "calls_20261113", "gen-2": "calls_rest", "gen-3": "calls_20261116"}
    now += 2 * DAY
    upkeep.keep = 1.0 * DAY
    await upkeep.once()
    assert where(store) == {"gen-3": "calls_20261116"}
    with store.read() as connection:
        tables = connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relkind = 'r' ORDER BY 1")
        days = [name for name in tables.scalars() if name.startswith("calls_2")]
    assert days == [f"calls_202611{day}" for day in range(14, 19)]
    store.close()


def where(store: Store) -> dict[str, str]:
    with store.read() as connection:
        rows = connection.exec_driver_sql("SELECT id, tableoid::regclass::text FROM calls")
        return {row[0]: row[1] for row in rows}


def test_replicas_may_make_the_same_partitions_at_once(postgres_url: str) -> None:
    stores = [Store(postgres_url) for _ in range(6)]
    migrate(stores[0])
    with ThreadPoolExecutor(6) as replicas:
        list(replicas.map(lambda store: expiry.make_partitions(store, TODAY), stores))
    for store in stores:
        store.close()
