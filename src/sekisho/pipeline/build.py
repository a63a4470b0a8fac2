"""The pipeline of a process: what every call goes through, put together once."""

from dataclasses import dataclass, field

from sekisho.core.clock import Clock
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.port import Keys
from sekisho.core.route import Route
from sekisho.pipeline import auto, market
from sekisho.pipeline.answer import Answer, Whole
from sekisho.pipeline.attempts import Attempts
from sekisho.pipeline.coalesce import Coalescing, may_share
from sekisho.pipeline.compress import compress
from sekisho.pipeline.heal import heal
from sekisho.pipeline.market import COMPRESSION, HEALING
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.retrieve import comparable
from sekisho.pipeline.shared import Reading
from sekisho.pipeline.steps.access import check_access, find_route
from sekisho.pipeline.steps.authenticate import authenticate, recognised
from sekisho.pipeline.steps.hops import HEADER, count_hops
from sekisho.pipeline.steps.identify import identify
from sekisho.pipeline.steps.parse import parse
from sekisho.pipeline.turns import LARGE


@dataclass(slots=True)
class Pipeline:
    """`plane` is replaced, by one assignment, when the configuration changes; a call reads it once."""

    plane: Plane
    keys: Keys
    attempts: Attempts
    clock: Clock
    coalescing: Coalescing = field(default_factory=Coalescing)

    async def answer(self, exchange: Exchange) -> Answer | Reading:
        """The answer to one call. Raises SekishoError; fills the exchange as far as the call got."""
        plane, operation = self.plane, exchange.entry.operation
        snapshot = plane.snapshot
        if HEADER in exchange.named:
            exchange.hops = count_hops(exchange.named)
        query_key = exchange.dialect.query_key
        exchange.principal = recognised(exchange, self.keys, self.clock, query_key=query_key) or (
            await authenticate(exchange, self.keys, self.clock, query_key=query_key)
        )
        if len(exchange.body) > LARGE:
            await self.attempts.turns.take()
        parse(exchange)
        identify(exchange)
        if exchange.show_money:
            route = market.route_of(exchange, plane)
        else:
            route = find_route(snapshot, exchange.model)
            check_access(exchange.principal, route, operation)
            if route.auto is not None:
                if len(exchange.body) > LARGE:
                    await self.attempts.turns.take()
                route = auto.led(exchange, route.auto)
        if snapshot.scorer is not None:
            auto.note_score(exchange, snapshot.scorer)
        if operation is Operation.EMBEDDINGS:
            comparable(route)
        if route.coalesce and may_share(exchange):
            return await self.coalescing.answer(exchange, plane, route, self.attempts)
        if exchange.plugins:
            return await self._with_plugins(exchange, plane, route)
        return await self.attempts.answer(exchange, plane, route)

    async def _with_plugins(self, exchange: Exchange, plane: Plane, route: Route) -> Answer:
        if COMPRESSION in exchange.plugins:
            compress(exchange, self.attempts.targets(exchange, plane, route), self.attempts.tokens)
        answer = await self.attempts.answer(exchange, plane, route)
        if HEALING in exchange.plugins and isinstance(answer, Whole):
            heal(exchange, answer)
        return answer
