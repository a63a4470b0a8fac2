"""The connection to the Valkey or Redis that processes share, looked after in the background.

Nothing waits for it: whoever wants something of it sees at once whether it is there, and what is sent has a
quarter of a second to be answered. An outage ends by itself.
"""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import (
    BlockingConnectionPool,
    Redis,
    RedisCluster,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
)
from redis.exceptions import ConnectionError as NotReached
from redis.exceptions import TimeoutError as NotAnswered

from sekisho.control.state.address import Address, StateError

TIMEOUT = 0.25
"""So that nobody waits longer than that for somebody who is not there."""
CONNECTIONS = 16
"""At most, of one process; more commands wait for one, as long as for an answer."""
BEAT = 1.0
"""Seconds between two looks at whether it is there."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between attempts to reach it; doubles from first to longest."""
OLDEST = (7, 0)
Client = Redis | RedisCluster
AWAY = (NotReached, NotAnswered, ReadOnlyError, ClusterError, RedisClusterException, OSError)
"""What a command may raise that nothing is wrong with."""
REFUSED = (AuthenticationError, AuthorizationError, ResponseError)
"""What the server says of a command that it will never do; some of `AWAY` are of these kinds."""
log = structlog.get_logger()


class StateConnection:
    """`start`, keep `run` running, `close`.

    The client is of a cluster (RedisCluster) where the server says it is part of one, else of a single server
    (Redis). Keys that one script touches share a hash tag, so that either will do.
    """

    def __init__(self, address: Address, timeout: float = TIMEOUT):
        """`timeout`: seconds for a connection, and for an answer."""
        self.address = address
        self.failures = 0
        """How often it could not be reached."""
        self.epoch = 0
        """How often it was reached."""
        self._timeout = timeout
        self._pool = _pool(address, timeout)
        self._server: Redis = Redis(connection_pool=self._pool)
        self._cluster: RedisCluster | None = None
        self._up = asyncio.Event()
        self._suspect = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether it could be reached when it was last asked. No I/O."""
        return self._up.is_set()

    @property
    def client(self) -> Client:
        """To send commands with, each tried once. Where one raises of `AWAY`, say `suspect`."""
        return self._cluster or self._server

    def subscriber(self) -> PubSub:
        """A connection to listen with. Any node of a cluster hears what is published on any other."""
        return self._server.pubsub()

    def suspect(self) -> None:
        """A command got no answer: find out at once whether it is still there. Does not wait."""
        self._suspect.set()

    async def reached(self) -> None:
        """Wait until it is ready."""
        await self._up.wait()

    async def start(self) -> None:
        """Try once. Raises StateError where it is there but will never do: it refuses the password, or is too
        old. Where it is not there, calls need not wait for it."""
        try:
            await self._reach()
        except StateError:
            await self.close()
            raise
        except (*AWAY, *REFUSED) as error:
            if isinstance(error, REFUSED) and not isinstance(error, ReadOnlyError | ClusterError):
                await self.close()
                raise StateError(f"SEKISHO_STATE_URL: {self.address.shown}: {_reason(error)}") from None
            self._gone(error)

    async def run(self) -> None:
        """Keep it reached, for ever."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._look()
                pause = FIRST_PAUSE
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT):
                        await self._suspect.wait()
                self._suspect.clear()
            except (*AWAY, *REFUSED, StateError) as error:
                self._gone(error)
                await self._disconnect()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def close(self) -> None:
        """Stop `run` before."""
        self._up.clear()
        await self._disconnect()
        await self._pool.aclose()

    async def _look(self) -> None:
        """One beat may be missed: this process may have been busy itself."""
        try:
            await self._reach()
        except AWAY:
            if not self.ready:
                raise
            await self._reach()

    async def _reach(self) -> None:
        facts = await self._server.info()
        version = str(facts.get("redis_version", "0"))
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise StateError(
                f"SEKISHO_STATE_URL: {self.address.shown} is version {version}; 7.0 is the oldest"
            )
        if facts.get("role") == "slave":
            raise NotReached("it is a replica, which takes no writes")
        if self.ready:
            return
        if facts.get("cluster_enabled"):
            self._cluster = _cluster(self.address, self._timeout)
            await self._cluster.initialize()
        self.epoch += 1
        self._up.set()
        log.info("state_reached", address=self.address.shown, cluster=self._cluster is not None)

    async def _disconnect(self) -> None:
        """So that nothing waits for an answer any more, and names are looked up anew."""
        await self._pool.disconnect()
        if self._cluster is not None:
            await self._cluster.aclose()
            self._cluster = None

    def _gone(self, error: Exception) -> None:
        if self.ready or not self.failures:
            log.warning("state_away", address=self.address.shown, reason=_reason(error))
        self.failures += 1
        self._up.clear()


def _pool(address: Address, timeout: float) -> BlockingConnectionPool:
    options = _options(address, timeout)
    if address.path is not None:
        options |= {"connection_class": UnixDomainSocketConnection, "path": address.path}
    else:
        options |= {"host": address.host, "port": address.port}
    if address.tls:
        options |= {"connection_class": SSLConnection, "ssl_ca_certs": address.authorities}
    return BlockingConnectionPool(
        max_connections=CONNECTIONS, timeout=timeout, db=address.database, **options
    )


def _cluster(address: Address, timeout: float) -> RedisCluster:
    if address.database or address.path is not None:
        raise StateError("SEKISHO_STATE_URL: a cluster is reached by TCP, and has database 0 alone")
    options = _options(address, timeout)
    if address.tls:
        options |= {"ssl": True, "ssl_ca_certs": address.authorities}
    return RedisCluster(host=address.host, port=address.port, **options)


def _options(address: Address, timeout: float) -> dict[str, Any]:
    return {
        "username": address.username,
        "password": address.password,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
    }


def _reason(error: BaseException) -> str:
    return str(error).strip(" .") or type(error).__name__
