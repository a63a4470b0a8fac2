"""What providers' budgets have left, counted by all processes together.

Each call that has ended is told with its id, so that telling it twice counts it once. A sum that is not there
(a new period, or a server that lost it) is begun anew from the books, with the ids of what they had lately;
then every process tells its calls of late once more.
"""

import asyncio
import contextlib
import math
import secrets
from collections import deque
from collections.abc import Collection, Mapping
from typing import Any, Protocol

import structlog

from sekisho.control.state.connection import AWAY, StateConnection
from sekisho.core.error import Unavailable
from sekisho.routing.spent import Paid, Period, Spent

LATE = 600.0
"""Seconds for which calls are kept, and told apart."""
PAUSE = 0.5
"""Seconds between two looks at what the others spent."""
KEPT = 3600
"""Seconds after which a sum is begun anew: what a process did not come to tell before it was killed is in the
books by then."""
MOST = 20_000
"""Calls that are kept, and of each period those that wait to be told: others are found in the books, within
`KEPT`."""
TELL = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return false end
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[1])
for at = 2, #ARGV, 2 do
  if redis.call('ZADD', KEYS[2], 'NX', now, ARGV[at]) == 1 then
    redis.call('HINCRBY', KEYS[1], 'total', ARGV[at + 1])
  end
end
redis.call('EXPIRE', KEYS[2], 2 * ARGV[1])
return {epoch, redis.call('HGET', KEYS[1], 'total')}
"""
FILL = """
if redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1]) == 0 then return end
redis.call('HSET', KEYS[1], 'total', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('DEL', KEYS[2])
local now = redis.call('TIME')[1]
for at = 4, #ARGV do redis.call('ZADD', KEYS[2], now, ARGV[at]) end
"""
log = structlog.get_logger()


class Books(Protocol):
    async def spent(self, provider: str, since: float, ended: float) -> tuple[int, list[str]]:
        """Nano-USD of calls that began at `since` or later, and the ids of all calls that ended at `ended`
        (both in seconds since the epoch) or later: from one state of the database. Raises Unavailable."""
        ...


class SharedBudgets:
    """Keep `run` running."""

    def __init__(self, connection: StateConnection, spent: Spent, books: Books):
        self._connection = connection
        self._spent = spent
        self._books = books
        self._late: deque[tuple[float, Paid]] = deque(maxlen=MOST)
        self._untold: dict[Period, dict[str, int]] = {}
        """Call -> nano-USD."""
        self._epochs: dict[Period, bytes] = {}
        spent.tell = self._note

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._connection.reached()
            await self._keep_all()
            await asyncio.sleep(PAUSE)

    async def stop(self) -> None:
        """Tell what is left to tell, within a second."""
        if self._untold and self._connection.ready:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._keep_all()

    async def _keep_all(self) -> None:
        periods = self._spent.periods()
        self._forget(periods)
        try:
            for period in periods:
                await self._keep(period)
        except AWAY:
            self._connection.suspect()
        except Unavailable as error:
            log.warning("budgets_wait", reason=error.message)

    def _note(self, paid: Paid) -> None:
        self._late.append((asyncio.get_running_loop().time(), paid))
        waiting = self._untold.setdefault(paid.period, {})
        if len(waiting) < MOST:
            waiting[paid.call_id] = paid.cost

    def _forget(self, periods: Collection[Period]) -> None:
        oldest = asyncio.get_running_loop().time() - LATE
        while self._late and self._late[0][0] < oldest:
            self._late.popleft()
        for gone in [period for period in (*self._untold, *self._epochs) if period not in periods]:
            self._untold.pop(gone, None)
            self._epochs.pop(gone, None)

    async def _keep(self, period: Period) -> None:
        untold = self._untold.pop(period, {})
        try:
            answer = await self._tell(period, untold)
            if answer is None:
                await self._fill(period)
                answer = await self._tell(period, untold)
            if answer is not None and self._epochs.get(period) != answer[0]:
                late = {paid.call_id: paid.cost for _, paid in self._late if paid.period == period}
                answer = await self._tell(period, late) or answer
                self._epochs[period] = answer[0]
        except (*AWAY, Unavailable):
            self._untold[period] = {**untold, **self._untold.get(period, {})}
            raise
        if answer is not None:
            self._spent.told(period, int(answer[1]) + sum(self._untold.get(period, {}).values()))

    async def _tell(self, period: Period, paid: Mapping[str, int]) -> tuple[bytes, bytes] | None:
        """The epoch, and what all processes spent. None: nothing is known of the period."""
        told = [str(part) for each in paid.items() for part in each]
        answer = await self._eval(TELL, period, str(math.ceil(LATE)), *told)
        return None if answer is None else (answer[0], answer[1])

    async def _fill(self, period: Period) -> None:
        """From the books. Of several processes that do so at once, the first one's stands."""
        ended = self._spent.now() - LATE
        total, ids = await self._books.spent(period.provider, period.start, ended)
        await self._eval(FILL, period, secrets.token_hex(8), str(total), str(KEPT), *ids)
        log.info("budget_counted", provider=period.provider, calls_of_late=len(ids))

    async def _eval(self, script: str, period: Period, *arguments: str) -> Any:
        name = f"{self._connection.address.root}{{spent}}:{period.text}"
        return await self._connection.client.eval(script, 2, name, f"{name}:late", *arguments)
