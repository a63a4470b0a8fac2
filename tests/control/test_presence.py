"""Who else serves on the database: seen while it lives, forgotten once it does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from sekisho.control.services import presence
from sekisho.control.services.presence import Presence
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import processes
from sekisho.control.store.thread import StoreThread

Make = Callable[..., Presence]


@pytest.fixture
async def make(store: Store, tmp_path: Path) -> AsyncIterator[Make]:
    thread = StoreThread("test")

    def presence_of(host: str, *, shares: bool = False) -> Presence:
        journal = tmp_path / host / "journal"
        journal.mkdir(parents=True, exist_ok=True)
        return Presence(store, thread, tmp_path / host, journal, shares=shares)

    yield presence_of
    await thread.close()


@asynccontextmanager
async def beating(one: Presence) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_process_sees_those_that_live_and_count_apart(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "BEAT", 0.01)
    first, second, shared, other = make("a"), make("b"), make("c", shares=True), make("d", shares=True)
    assert await first.enter() == []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(beating(first))
        assert len(await second.enter()) == 1
        await second.leave()
        assert len(await shared.enter()) == 1, "one that shares with nobody spoils what the others share"
        await stack.enter_async_context(beating(shared))
        await first.leave()
        assert await other.enter() == [], "these two share"
        await stack.enter_async_context(beating(other))
        assert len(await second.enter()) == 2
    for each in (second, shared, other):
        await each.leave()
    with store.read() as connection:
        assert connection.execute(processes.select()).all() == []


async def test_a_silent_process_of_another_host_is_forgotten(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "GONE", 0.2)
    monkeypatch.setattr(presence, "LOOK", 0.01)
    silent = make("a")
    await silent.enter()
    one = make("b")
    assert await one.enter() == []
    await silent._thread.run(silent._beat)
    assert len(await make("c").enter()) == 0, "neither gives a sign"
    await silent.leave()
    await one.leave()


async def test_of_one_data_directory_a_lock_tells_at_once(make: Make) -> None:
    first, second = make("a"), make("a")
    await first.enter()
    assert len(await second.enter()) == 1, "it need not give a sign"
    await first.leave()
    await second.leave()
