"""Counters that processes share: found again after every loss, nothing missed and nothing counted twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from time import time

import pytest
from sqlalchemy import select
from tests.control.sharing import (
    BUDGET,
    BUSY,
    LIMITS,
    OPEN,
    REQUESTS,
    REQUESTS_OPEN,
    Process,
    have_limits,
    hung,
    until,
)
from tests.services import Valkey

from sekisho.control.services.counted import CountedBooks
from sekisho.control.services.ledger import Ledger
from sekisho.control.state import line as lines
from sekisho.control.state.address import read_address
from sekisho.control.state.counters import keeper as keeping
from sekisho.control.state.counters.keeper import Keeper
from sekisho.control.state.counters.orphans import Orphans
from sekisho.control.state.counters.shared import SharedCounters
from sekisho.control.state.line import Line
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.tables import uncounted
from sekisho.control.store.thread import StoreThread
from sekisho.core.admission import Refusal
from sekisho.core.clock import Clock
from sekisho.core.limit import Claim, Limit
from sekisho.core.record import CallRecord


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'sekisho.db'}")
    migrate(store)
    have_limits(store)
    yield store
    store.close()


@pytest.fixture
def start(
    books: Store, journal: Path, record: Callable[..., CallRecord], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AbstractAsyncContextManager[Process]]:
    monkeypatch.setattr(lines, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(keeping, "POLL", 0.05)
    monkeypatch.setattr(keeping, "GATHER", 0.3)
    monkeypatch.setattr(keeping, "FORGET", 3600.0)  # records here come by no journal

    @asynccontextmanager
    async def started(
        valkey: Valkey, port: int | None = None, namespace: str | None = None
    ) -> AsyncIterator[Process]:
        thread = StoreThread("counted")
        counted = CountedBooks(books, thread, Ledger(journal, books, thread, Clock()), Clock())
        reached: list[Keeper] = []
        address = replace(read_address(valkey.url()), port=port or valkey.port, namespace=namespace)
        line = Line(address, lambda line, run_id: reached[0].reached(line, run_id))
        counters = SharedCounters(line, time, lambda _: None)
        keeper = Keeper(counters, counted)
        reached.append(keeper)
        tasks = [asyncio.create_task(each) for each in (line.run(), keeper.run(), counters.settlements.run())]
        try:
            orphans = Orphans(counters, counted)
            yield Process(counters, keeper, books, record, orphans)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await thread.close()

    return started


async def test_counters_begin_with_what_the_books_say(own_valkey: Valkey, start: Callable) -> None:
    async with start(own_valkey) as process:
        for number in range(5):
            process.book(f"gen-{number}", 100)
        assert await process.left(BUDGET) == 500
        assert await process.left(REQUESTS) == 995
        assert await process.left(BUSY) == 1000
    async with start(own_valkey) as another:  # which finds them as they are
        assert await another.left(BUDGET) == 500
        assert another.keeper.fills == 0


async def test_a_namespace_knows_nothing_of_what_is_counted_in_another(
    own_valkey: Valkey, start: Callable
) -> None:
    async with start(own_valkey) as one, start(own_valkey, namespace="staging") as other:
        await one.keeper.ready()
        await other.keeper.ready()
        assert await one.admit("gen-1", BUDGET, amount=700)
        assert (await one.left(BUDGET), await other.left(BUDGET)) == (300, 1000)
        with own_valkey.client() as client:
            for key in client.keys("sekisho:staging:*"):
                client.delete(key)
        await until(lambda: other.keeper.fills == 2)
        assert (await one.left(BUDGET), one.keeper.fills) == (300, 1)


@pytest.mark.parametrize("loss", ["killed", "flushed", "restored"])
async def test_lost_counters_are_counted_anew_with_nothing_missed_and_nothing_twice(
    own_valkey: Valkey, start: Callable, loss: str
) -> None:
    async with start(own_valkey) as one, start(own_valkey) as other:
        processes = {"one": one, "other": other}
        for name, process in processes.items():
            await process.keeper.ready()
            snapshot(own_valkey, loss)
            for fate in ("booked", "unbooked", "ends-while-away", "under-way", "booked-late"):
                assert await process.admit(f"gen-{fate}-{name}", *LIMITS)
            process.ended(f"gen-booked-{name}", 5)
            process.ended(f"gen-unbooked-{name}", 6, booked=False)
            process.ended(f"gen-booked-late-{name}", 7, booked=False)
        for process in processes.values():
            await process.counters.settlements.drained()
        assert await one.left(BUDGET) == 1000 - 2 * (5 + 6 + 7 + 10 + 10)

        lost = [process.counters.epoch for process in processes.values()]
        await lose(own_valkey, loss, processes)
        for process in processes.values():
            await until(lambda: process.counters.epoch not in (None, *lost))  # noqa: B023 - awaited here
        for name, process in processes.items():
            process.book(f"gen-booked-late-{name}", 7)

        used = 2 * (5 + 6 + 7 + 8 + 10)
        assert await other.left(BUDGET) == 1000 - used
        assert await other.left(REQUESTS) == 1000 - 2 * 5
        assert await one.left(BUSY) == 1000 - 2
        if loss != "flushed":
            assert await one.left(OPEN) == 1000 - used - 10
            one.ended("gen-uncounted", 3, booked=False)
            assert await one.left(OPEN) == 1000 - used - 3
        for name, process in processes.items():
            process.ended(f"gen-under-way-{name}", 9)
            await process.counters.settlements.drained()
        assert await one.left(BUDGET) == 1000 - 2 * (5 + 6 + 7 + 8 + 9)
        assert await one.left(BUSY) == 1000
        assert one.counters.settlements.lost == other.counters.settlements.lost == 0


def snapshot(valkey: Valkey, loss: str) -> None:
    if loss == "restored":
        with valkey.client() as client:
            client.save()


async def lose(valkey: Valkey, loss: str, processes: Mapping[str, Process]) -> None:
    """What was counted; two calls end meanwhile."""
    if loss == "flushed":
        with valkey.client() as client:
            client.flushall()
    else:
        valkey.kill()
        assert not await processes["one"].admit("gen-refused", *LIMITS)
        assert await processes["one"].admit("gen-uncounted", OPEN)
    for name, process in processes.items():
        process.ended(f"gen-ends-while-away-{name}", 8)
    if loss != "flushed":
        valkey.start()


async def test_while_counters_hang_calls_are_refused_or_pass_and_nothing_is_held_for_ever(
    own_valkey: Valkey, start: Callable
) -> None:
    async with start(own_valkey) as process:
        await process.keeper.ready()
        with hung(own_valkey):
            answers = await asyncio.gather(*(process.admit(f"gen-{at}", *LIMITS) for at in range(20)))
            assert not any(answers)
            passed = await asyncio.gather(*(process.admit(f"gen-open-{at}", OPEN) for at in range(20)))
            assert all(passed)
            assert (process.counters.refused, process.counters.passed) == (20, 20)
        # What the server was asked before it hung it does now: those calls were refused, and hold nothing.
        await until(lambda: process.counters.epoch is not None)
        assert await process.left(BUDGET) == 1000
        assert await process.left(BUSY) == 1000
        for at in range(20):
            process.ended(f"gen-open-{at}", 1, booked=False)
        assert await process.left(OPEN) == 1000 - 20


async def test_connections_that_break_lose_no_settlement_and_repeat_none(
    own_valkey: Valkey, start: Callable
) -> None:
    """An answer that is lost says nothing of whether what was asked is done."""
    async with start(own_valkey) as sure, breaking(own_valkey.port, Random(7)) as (port, losses):
        await sure.keeper.ready()
        async with start(own_valkey, port) as process:
            await process.keeper.ready()
            losses.set()
            admitted = 0
            for number in range(200):
                if await process.admit(f"gen-{number}", BUDGET, BUSY, amount=1):
                    admitted += 1
                process.ended(f"gen-{number}", 1, booked=False)
                await asyncio.sleep(0.002)
                assert await process.admit(f"gen-open-{number}", OPEN, amount=1)
                process.ended(f"gen-open-{number}", 1, booked=False)
            await process.counters.settlements.drained()
        assert 0 < admitted < 200
        assert await sure.left(BUSY) == 1000
        assert await sure.left(BUDGET) == 1000 - admitted
        assert await sure.left(OPEN) == 1000 - 200


@asynccontextmanager
async def breaking(port: int, random: Random) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port that leads there; once the event is set, now and then an answer ends its connection instead."""
    losses = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", port)

        async def relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, breaks: bool) -> None:
            while data := await source.read(65536):
                if breaks and losses.is_set() and random.random() < 0.3:
                    break
                sink.write(data)
            for each in (writer, here):
                each.close()

        await asyncio.gather(relay(reader, here, breaks=False), relay(there, writer, breaks=True))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], losses
    server.close()


async def test_a_call_whose_process_died_is_settled_from_the_books(
    own_valkey: Valkey, start: Callable
) -> None:
    async with start(own_valkey) as dying:
        await dying.keeper.ready()
        for call_id in ("gen-died", "gen-never-ended"):
            claims = [Claim(each, each.id, 10) for each in (BUDGET, BUSY)]
            await dying.counters.admit(call_id, claims, 20.0)
        dying.book("gen-died", 4)
    async with start(own_valkey) as living:
        assert await living.left(BUDGET) == 1000 - 20
        await living.look()
        assert await living.left(BUDGET) == 1000 - 4 - 10
        assert await living.left(BUSY) == 1000 - 10
        assert living.orphans.settled == 1


async def test_a_call_that_passed_is_counted_once_whoever_is_killed(
    own_valkey: Valkey, start: Callable
) -> None:
    async with start(own_valkey) as process:
        await process.keeper.ready()
        with hung(own_valkey):
            for call_id in ("gen-passed", "gen-passed-and-died"):
                assert await process.admit(call_id, OPEN, REQUESTS_OPEN)
        process.book("gen-passed-and-died", 4, uncounted=True)
        process.book("gen-passed", 7, uncounted=True)
        await process.look()
        assert await process.left(OPEN) == 1000 - 11
        assert await process.left(REQUESTS_OPEN) == 1000 - 2
        process.ended("gen-passed", 7, booked=False)
        assert await process.admit("gen-other", OPEN)
        process.ended("gen-other", 1, booked=False)
        await process.look()
        assert await process.left(OPEN) == 1000 - 12


async def test_what_its_process_settled_is_not_settled_again_from_the_books(
    own_valkey: Valkey, start: Callable
) -> None:
    async with start(own_valkey) as process:
        await process.keeper.ready()
        with hung(own_valkey):
            assert await process.admit("gen-passed", OPEN)  # asked, and admitted once it goes on
            assert await process.admit("gen-not-asked", OPEN)
        process.ended("gen-passed", 4, booked=False)
        process.ended("gen-not-asked", 5, booked=False)
        assert await process.left(OPEN) == 1000 - 9
        process.book("gen-passed", 4, uncounted=True)
        process.book("gen-not-asked", 5, uncounted=True)
        await process.look()
        assert await process.left(OPEN) == 1000 - 9
        with process.store.read() as connection:
            assert connection.execute(select(uncounted)).all() == []


async def test_what_the_books_had_when_counters_were_built_is_not_settled_again(
    own_valkey: Valkey, start: Callable
) -> None:
    async with start(own_valkey) as process:
        await process.keeper.ready()
        process.book("gen-passed", 4, uncounted=True)
        with own_valkey.client() as client:
            client.flushall()
        await until(lambda: process.keeper.fills == 2)
        assert await process.left(OPEN) == 1000 - 4
        await process.look()
        assert await process.left(OPEN) == 1000 - 4


async def test_another_process_than_admitted_a_call_may_settle_it(
    own_valkey: Valkey, start: Callable
) -> None:
    tokens = Limit("lim_tokens", "key", "key_a", "tokens", 1000, "day")
    async with start(own_valkey) as one, start(own_valkey) as other:
        for process in (one, other):
            await process.keeper.ready()
        claims = [Claim(BUDGET, BUDGET.id, 500), Claim(tokens, tokens.id, 500)]
        assert not isinstance(await one.counters.admit("gen-background", claims, 600.0), Refusal)
        for _ in range(2):
            other.counters.settle("gen-background", {BUDGET.id: 3, tokens.id: 4})
            await other.counters.settlements.drained()
        assert await one.left(BUDGET) == 1000 - 3
        assert await one.left(tokens) == 1000 - 4


async def test_every_key_ends_by_itself(own_valkey: Valkey, start: Callable) -> None:
    async with start(own_valkey) as process:
        await process.keeper.ready()
        for number in range(3):
            assert await process.admit(f"gen-{number}", *LIMITS, amount=400 if number == 0 else 10)
        process.ended("gen-0", 600, booked=False)
        await process.counters.settlements.drained()
        with own_valkey.client() as client:
            keys = client.keys()
            assert len(keys) > 8
            assert [key for key in keys if client.pttl(key) <= 0] == []
            assert all(b"{limits}" in key for key in keys)
