"""Identical calls that are made at the same time share one answer, on routes that allow it.

The first one leads: it is made as any other. Those that come while it is under way follow: they wait, and
get the bytes of its answer, or a copy of its error. When the leader's client goes away before there is an
answer, one of the followers leads; a stream that has begun goes on for them (`pipeline.shared`).
"""

import asyncio
from copy import copy
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from sekisho.core.contract import Entry
from sekisho.core.error import CountersLost, LimitError, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.route import Route
from sekisho.pipeline.answer import Whole
from sekisho.pipeline.attempts import Attempts
from sekisho.pipeline.prefer import HEADER
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.shared import Reading, SharedStream
from sekisho.pipeline.turns import LARGE

Key = tuple[str, Plane, str, str, Entry, int, bytes]
"""(API key, configuration, route, client's dialect, what the path asks, gateways before this one, digest of
what the client sent). A call that comes back here through a loop must not wait for itself: it has more
gateways behind it."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the leader's call came to: an answer or an error."""

    leader: Exchange
    answer: Whole | SharedStream | None = None
    error: SekishoError | None = None


class Coalescing:
    """One for an event loop."""

    __slots__ = ("_underway",)

    def __init__(self) -> None:
        self._underway: dict[Key, asyncio.Future[_Outcome | None]] = {}
        """None: the leader has nothing for the others: it went away, or failed for a reason of its own."""

    async def answer(
        self, exchange: Exchange, plane: Plane, route: Route, attempts: Attempts
    ) -> Whole | Reading:
        """As `Attempts.answer`, or the answer of an identical call. Only of calls that `may_share`."""
        if len(exchange.body) > LARGE:
            await attempts.turns.take()
        key = _key(exchange, plane, route)
        while (leading := self._underway.get(key)) is not None:
            outcome = await asyncio.shield(leading)
            if outcome is not None and not (
                isinstance(outcome.answer, SharedStream) and not outcome.answer.joinable
            ):
                return _follow(exchange, outcome)
        leading = self._underway[key] = asyncio.get_running_loop().create_future()
        outcome = None
        try:
            answer = await attempts.answer(exchange, plane, route)
        except SekishoError as error:
            own = isinstance(error, LimitError | CountersLost)  # users and sessions have limits of their own
            if not own and exchange.began + route.timeouts.total > attempts.clock.monotonic():
                # others have time left
                outcome = _Outcome(exchange, error=copy(error))
            raise
        else:
            if isinstance(answer, Whole):
                outcome = _Outcome(exchange, answer)
                return answer
            shared = SharedStream(answer, exchange, partial(self._underway.pop, key))
            outcome = _Outcome(exchange, shared)
            return shared.read(exchange)
        finally:
            if outcome is None or not isinstance(outcome.answer, SharedStream):
                del self._underway[key]
            leading.set_result(outcome)


def may_share(exchange: Exchange) -> bool:
    """A reply that shows money would tell every client the cost that one of them is billed for."""
    chats = exchange.entry.operation is Operation.CHAT
    return chats and not exchange.show_money


def _follow(exchange: Exchange, outcome: _Outcome) -> Whole | Reading:
    leader = outcome.leader
    exchange.coalesced = leader.id
    exchange.plan, exchange.prompt_cache = leader.plan, leader.prompt_cache
    exchange.degraded, exchange.auto = leader.degraded, leader.auto
    exchange.endpoint, exchange.facts, exchange.dropped = leader.endpoint, leader.facts, leader.dropped
    if outcome.answer is None:
        assert outcome.error is not None
        raise copy(outcome.error)  # one raised by many would gather all their tracebacks
    if isinstance(outcome.answer, SharedStream):
        return outcome.answer.read(exchange)
    return outcome.answer


def _key(exchange: Exchange, plane: Plane, route: Route) -> Key:
    dialect = exchange.dialect
    digest = blake2b(exchange.body, digest_size=16)
    for name, value in exchange.headers:
        if name == HEADER or name in dialect.forward_headers:
            digest.update(b"\0%b: %b" % (name, value))
    return (
        exchange.principal.key_id,
        plane,
        route.name,
        dialect.name,
        exchange.entry,
        exchange.hops,
        digest.digest(),
    )
