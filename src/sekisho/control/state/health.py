"""Processes tell each other what they find out of endpoints and keys: at once, and whoever comes later too.

A call never waits for it: what it found out is noted, and a background task tells it. While the shared state
is away every process goes by what it knows itself; what it found out then is told later, if it is still so.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
import structlog

from sekisho.control.state.connection import AWAY, StateConnection
from sekisho.routing.news import News, aged, later

KEY = "{health}"
"""The end of a hash's name: kind and name -> when something was told, and what. The channel's name begins
with the whole name."""
MOST = 20_000
"""Endpoints and keys that are kept, or wait to be told."""
TOGETHER = 0.05
"""Seconds for which news are gathered after some were told."""
PATIENCE = 0.5
"""Seconds between two looks at whether the connection is still the same one."""
TELL = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for at = 3, #ARGV, 3 do
  if ARGV[at + 2] == '0' then
    redis.call('HDEL', KEYS[1], ARGV[at])
  elseif redis.call('HLEN', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], ARGV[at], string.format('%.3f ', now) .. ARGV[at + 1])
  end
  redis.call('PUBLISH', ARGV[1], ARGV[at + 1])
end
redis.call('EXPIRE', KEYS[1], 3600)
"""
KEPT = """
local time = redis.call('TIME')
return {string.format('%.3f', time[1] + time[2] / 1000000), redis.call('HGETALL', KEYS[1])}
"""
log = structlog.get_logger()


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message, and a value of the hash."""

    by: str
    """Which process says it."""
    kind: str
    name: str
    news: News


class Shares(Protocol):
    """Who finds something out, and wants to know what others found out."""

    tell: Callable[[str, News], None] | None

    def hear(self, name: str, told: News) -> None: ...


class SharedHealth:
    """Keep `tell_others` and `hear_others` running. `clock` gives monotonic seconds."""

    def __init__(self, connection: StateConnection, kinds: Mapping[str, Shares], clock: Callable[[], float]):
        """`kinds`: short names, without a space, of what is shared."""
        self._connection = connection
        self._kinds = kinds
        self._clock = clock
        self._key = connection.address.root + KEY
        self._channel = f"{self._key}:{connection.address.database}"
        self._me = secrets.token_hex(8)
        self._untold: dict[tuple[str, str], tuple[News, float]] = {}
        """Kind and name -> what is to be told, and since when."""
        self._some = asyncio.Event()
        self.hears = False
        """What the others say reaches this process, and what they said before did."""
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Told).decode
        for kind, shares in kinds.items():
            shares.tell = self._note_for(kind)

    async def tell_others(self) -> None:
        """For ever."""
        while True:
            await self._some.wait()
            await self._connection.reached()
            self._some.clear()
            untold, self._untold = self._untold, {}
            try:
                await self._publish(untold)
            except AWAY:
                self._untold = {**untold, **self._untold}
                self._some.set()
                self._connection.suspect()
                await asyncio.sleep(PATIENCE)
            await asyncio.sleep(TOGETHER)

    async def hear_others(self) -> None:
        """For ever."""
        while True:
            await self._connection.reached()
            try:
                await self._listen()
            except AWAY:
                self._connection.suspect()
                await asyncio.sleep(PATIENCE)

    def _note_for(self, kind: str) -> Callable[[str, News], None]:
        def note(name: str, told: News) -> None:
            earlier = self._untold.pop((kind, name), None)
            if len(self._untold) < MOST:
                news = told if earlier is None else later(earlier[0], told)
                self._untold[kind, name] = (news, self._clock())
                self._some.set()

        return note

    async def _publish(self, untold: Mapping[tuple[str, str], tuple[News, float]]) -> None:
        now = self._clock()
        arguments: list[str | bytes] = []
        for (kind, name), (found, since) in untold.items():
            news = aged(found, now - since)
            if news is not None:
                told = self._encode(Told(self._me, kind, name, news))
                arguments += [f"{kind} {name}", told, "1" if news.rest else "0"]
        if arguments:
            await self._eval(TELL, self._channel, str(MOST), *arguments)

    async def _listen(self) -> None:
        """Returns when the connection was lost meanwhile: what was said then is in the hash."""
        epoch = self._connection.epoch
        subscriber = self._connection.subscriber()
        try:
            await subscriber.subscribe(self._channel)
            now, kept = await self._eval(KEPT)
            for value in kept[1::2]:
                since, _, told = value.partition(b" ")
                self._hear(told, max(0.0, float(now) - float(since)))
            self.hears = True
            while self._connection.ready and self._connection.epoch == epoch:
                message = await subscriber.get_message(ignore_subscribe_messages=True, timeout=PATIENCE)
                if message is not None:
                    self._hear(message["data"], 0.0)
        finally:
            self.hears = False
            await subscriber.aclose()  # type: ignore[no-untyped-call]

    def _hear(self, message: bytes, seconds: float) -> None:
        """What was said so long ago."""
        try:
            told = self._decode(message)
        except msgspec.DecodeError:
            log.warning("state_not_understood", channel=self._channel)
            return
        shares, news = self._kinds.get(told.kind), aged(told.news, seconds)
        if shares is not None and news is not None and told.by != self._me:
            shares.hear(told.name, news)

    async def _eval(self, script: str, *arguments: str | bytes) -> Any:
        return await self._connection.client.eval(script, 1, self._key, *arguments)
