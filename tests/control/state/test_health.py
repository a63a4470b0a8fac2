"""Processes that share what they know of health, each with a board, over a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests.pipeline.test_key_turns import keyed
from tests.pipeline.world import plane
from tests.routing.endpoints import Clock
from tests.services import Valkey

from sekisho.control.state.address import read_address
from sekisho.control.state.connection import StateConnection
from sekisho.control.state.health import KEY, SharedHealth
from sekisho.core.error import ProviderAuthFailed
from sekisho.pipeline.key_turns import KeyTurns
from sekisho.routing.board import Board
from sekisho.routing.health import DEFAULT
from sekisho.telemetry.background import Background

PATIENCE = 30.0
A = "one/acme/m/m"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for comes from a server
            await asyncio.sleep(0.01)


@dataclass
class Process:
    connection: StateConnection
    board: Board
    keys: KeyTurns
    clock: Clock

    def calls(self, outcome: Any, endpoint: str = A, **more: Any) -> None:
        self.board.began(endpoint)
        self.board.ended(endpoint, outcome, began=self.clock(), **more)

    def breaks(self, endpoint: str = A) -> None:
        for _ in range(3):
            self.calls("failed", endpoint)


@asynccontextmanager
async def process(url: str) -> AsyncIterator[Process]:
    """One that is connected, and hears what the others say."""
    clock, background = Clock(), Background()
    connection = StateConnection(read_address(url), PATIENCE)
    found = Process(connection, Board(clock), KeyTurns(clock), clock)
    shared = SharedHealth(connection, {"endpoint": found.board, "key": found.keys}, clock)
    await connection.start()
    background.start("state", connection.run)
    background.start("told", shared.tell_others)
    background.start("heard", shared.hear_others)
    try:
        await until(lambda: shared.hears or not connection.ready)
        yield found
    finally:
        await background.stop()
        await connection.close()


Start = Callable[..., Any]


@pytest.fixture
async def start(valkey_url: str) -> AsyncIterator[Start]:
    """Starts a process; all end with the test."""
    async with AsyncExitStack() as stack:
        yield lambda url=valkey_url: stack.enter_async_context(process(url))


async def test_what_one_process_finds_out_reaches_the_others_and_what_is_mended_too(start: Start) -> None:
    one, two, three = [await start() for _ in range(3)]
    one.breaks()
    await until(lambda: two.board.is_broken(A) and three.board.is_broken(A))
    for each in (one, two, three):
        each.clock.time += DEFAULT.rest
    two.calls("answered")
    await until(lambda: not one.board.of(A).health.broken and not three.board.of(A).health.broken)


async def test_a_wait_that_a_provider_asked_one_for_is_kept_by_all(start: Start) -> None:
    one, two = await start(), await start()
    one.calls("throttled", retry_after=40)
    await until(lambda: two.board.asked_wait(A) > 30)
    assert two.board.asked_wait(A) <= 40


async def test_a_key_that_one_process_was_refused_rests_in_all(start: Start) -> None:
    one, two = await start(), await start()
    endpoint = keyed("k1", "k2")
    prepared = plane().prepared(endpoint, "openai_chat")
    one.keys.refused(prepared, 0, ProviderAuthFailed("401", provider_status=401))
    await until(lambda: [two.keys.choose(prepared) for _ in range(2)] == [1, 1])
    one.keys.answered(prepared, 0)
    await until(lambda: 0 in [two.keys.choose(prepared) for _ in range(2)])


async def test_who_starts_later_knows_what_still_holds(start: Start) -> None:
    one, two = await start(), await start()
    one.breaks("a")
    one.calls("throttled", "b", retry_after=0.01)
    one.breaks("c")
    await until(lambda: not two.board.admits("c"))
    one.clock.time += DEFAULT.rest
    one.calls("answered", "c")
    await until(lambda: two.board.admits("c"))
    three = await start()
    assert three.board.is_broken("a")
    assert three.board.admits("b")
    assert three.board.admits("c")


async def test_while_the_state_is_away_each_goes_by_what_it_knows_and_tells_it_afterwards(
    start: Start, own_valkey: Valkey
) -> None:
    url = own_valkey.url()
    one, two = await start(url), await start(url)
    own_valkey.kill()
    one.connection.suspect()
    two.connection.suspect()
    await until(lambda: not one.connection.ready and not two.connection.ready)
    one.breaks()
    assert not one.board.admits(A)
    assert two.board.admits(A)
    own_valkey.start()
    await until(lambda: two.board.is_broken(A))


async def test_what_nobody_understands_is_passed_over(start: Start, valkey: Valkey, valkey_url: str) -> None:
    one, two = await start(), await start()
    database = int(valkey_url.rpartition("/")[2])
    with valkey.client() as other:
        for nonsense in ("", "{}", '{"by": "x", "kind": "moon", "name": "a", "news": {"rest": 9}}', "\xff"):
            other.publish(f"{KEY}:{database}", nonsense)
    one.breaks()
    await until(lambda: two.board.is_broken(A))
