"""The connection to the shared state, against a real Valkey that goes and comes back."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis, RedisCluster
from tests.services import Valkey, free_port

from sekisho.control.state.address import StateError, read_address
from sekisho.control.state.connection import AWAY, StateConnection
from sekisho.telemetry.background import Background

PATIENCE = 30.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - a server elsewhere has no event to wait for
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(url: str, answers: float = PATIENCE) -> AsyncIterator[StateConnection]:
    """Started and looked after; `answers`: seconds that the server has for one."""
    connection, background = StateConnection(read_address(url), answers), Background()
    await connection.start()
    background.start("state", connection.run)
    try:
        yield connection
    finally:
        await background.stop()
        await connection.close()


async def set_and_get(connection: StateConnection) -> Any:
    script = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"
    return await connection.client.eval(script, 1, "sekisho:{test}:a", "value")  # type: ignore[misc]


async def test_it_is_ready_as_soon_as_it_started(valkey_url: str) -> None:
    async with connected(valkey_url) as connection:
        assert connection.ready
        assert isinstance(connection.client, Redis)
        assert await set_and_get(connection) == b"value"


async def test_an_outage_is_noticed_fails_what_is_sent_and_ends_by_itself(own_valkey: Valkey) -> None:
    async with connected(own_valkey.url()) as connection:
        epoch = connection.epoch
        own_valkey.kill()
        with pytest.raises(AWAY):
            await set_and_get(connection)
        connection.suspect()
        await until(lambda: not connection.ready)
        own_valkey.start()
        await until(lambda: connection.ready)
        assert connection.epoch == epoch + 1
        assert connection.failures > 0
        assert await set_and_get(connection) == b"value"


async def test_a_server_that_stands_still_keeps_nobody_waiting(own_valkey: Valkey) -> None:
    async with connected(own_valkey.url(), answers=0.25) as connection:
        with own_valkey.client() as other:
            other.execute_command("CLIENT", "PAUSE", "60000", "ALL")
        with pytest.raises(AWAY):
            await set_and_get(connection)
        await until(lambda: not connection.ready)
        own_valkey.kill()
        own_valkey.start()
        await until(lambda: connection.ready)


async def test_who_is_not_there_at_the_start_may_come_later(own_valkey: Valkey) -> None:
    own_valkey.stop()
    async with connected(own_valkey.url()) as connection:
        assert not connection.ready
        own_valkey.start()
        await until(lambda: connection.ready)


async def test_more_commands_at_once_than_connections_are_all_answered(valkey_url: str) -> None:
    async with connected(valkey_url) as connection:
        answers = await asyncio.gather(*(set_and_get(connection) for _ in range(200)))
        assert answers == [b"value"] * 200


async def test_a_password_that_is_refused_is_told_at_the_start_and_never_shown(own_valkey: Valkey) -> None:
    url = f"redis://:canary-4f1@127.0.0.1:{own_valkey.port}"
    with pytest.raises(StateError, match="invalid username-password") as refused:
        await StateConnection(read_address(url)).start()
    assert "canary" not in str(refused.value)


async def test_a_replica_is_not_ready_until_it_is_made_the_primary(own_valkey: Valkey) -> None:
    with own_valkey.client() as other:
        other.replicaof("127.0.0.1", "1")
        async with connected(own_valkey.url()) as connection:
            assert not connection.ready
            other.replicaof("NO", "ONE")
            await until(lambda: connection.ready)
            other.replicaof("127.0.0.1", "1")
            await until(lambda: not connection.ready)


@pytest.fixture
def cluster(tmp_path: Path) -> Any:
    """Of one node, which has all slots."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    server = Valkey(folder, cluster_enabled="yes", cluster_port=str(free_port()))
    server.start()
    with server.client() as client:
        client.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
        while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            time.sleep(0.02)
    yield server
    if server.running():
        server.stop()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # redis-py leaves nodes that failed to the collector
async def test_a_cluster_is_known_by_what_the_server_says_and_found_again(cluster: Valkey) -> None:
    async with connected(cluster.url()) as connection:
        assert isinstance(connection.client, RedisCluster)
        assert await set_and_get(connection) == b"value"
        cluster.kill()
        with pytest.raises(AWAY):
            await set_and_get(connection)
        connection.suspect()
        await until(lambda: not connection.ready)
        cluster.start()
        await until(lambda: connection.ready)
        assert isinstance(connection.client, RedisCluster)
    gc.collect()


async def test_a_database_that_is_not_there_is_told_at_the_start(cluster: Valkey) -> None:
    with pytest.raises(StateError, match="DB index is out of range"):
        await StateConnection(read_address(cluster.url(3))).start()
