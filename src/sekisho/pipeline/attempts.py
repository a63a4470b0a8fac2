"""Tries the targets of a route in order until one answers.

Only an UpstreamError leads to a retry or to the next target. For a stream, a target has answered when its
first event is there, so that a failure up to then is invisible to the client.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.clock import Clock
from sekisho.core.contract import ReplyOptions, Written
from sekisho.core.error import InternalError, Malformed, Unsupported, UpstreamError
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.record import AttemptRecord
from sekisho.core.route import Route, Target
from sekisho.metering.prices import price_call
from sekisho.pipeline import splice, translate
from sekisho.pipeline.answer import Answer, Stream, Whole
from sekisho.pipeline.count import count_locally
from sekisho.pipeline.prepare import Plane, Prepared
from sekisho.routing.backoff import delay
from sekisho.routing.plan import plan
from sekisho.upstream.client import Client
from sekisho.upstream.response import Response

if TYPE_CHECKING:
    from sekisho.core.request import Request

REPLY_LIMIT = 256 * 1024 * 1024
"""Bytes of a whole answer. More than any model writes; a guard against a broken provider."""
ERROR_LIMIT = 1024 * 1024


@dataclass(slots=True)
class Attempts:
    """The attempt loop, with the world it needs."""

    client: Client
    clock: Clock
    random: random.Random

    async def answer(self, exchange: Exchange, plane: Plane, route: Route) -> Answer:
        """The first target's answer that comes. Raises UpstreamError (of the last attempt, naming provider
        and attempt count) or Unsupported where no target can express the request."""
        targets = plan(route)
        call = _Call(exchange, plane, route, self.client, self.clock)
        failure: UpstreamError | Unsupported | None = None
        for position, target in enumerate(targets):
            alone = position == len(targets) - 1
            try:
                return await self._try_target(call, target, alone=alone)
            except Unsupported as error:
                failure = failure or error
            except UpstreamError as error:
                failure = error
                if error.retry == "never" or call.time_left() <= 0:
                    break
        if failure is None:
            raise InternalError(f"the route {route.name} has no targets")
        if isinstance(failure, UpstreamError):
            failure.attempts = len(exchange.attempts)
        raise failure

    async def _try_target(self, call: "_Call", target: Target, *, alone: bool) -> Answer:
        tries = 0
        while True:
            tries += 1
            try:
                return await call.attempt(target)
            except UpstreamError as error:
                # While another target is left, a full provider is not worth waiting for.
                patient = alone or error.status not in (429, 503)
                if error.retry != "same" or tries >= call.route.retry.attempts or not patient:
                    raise
                pause = delay(tries, error, self.random, call.time_left())
                if pause is None:
                    raise
                await asyncio.sleep(pause)


class _Call:
    """One call's attempts: what they share."""

    def __init__(self, exchange: Exchange, plane: Plane, route: Route, client: Client, clock: Clock):
        self.exchange = exchange
        self.route = route
        self._plane = plane
        self._client = client
        self._clock = clock
        self._request: Request | None = None
        self._timeouts = plane.timeouts(route, stream=exchange.stream)
        self._deadline = exchange.began + route.timeouts.total

    def time_left(self) -> float:
        """Seconds until the call's total limit."""
        return self._deadline - self._clock.monotonic()

    async def attempt(self, target: Target) -> Answer:
        exchange = self.exchange
        endpoint = exchange.endpoint = target.endpoint
        prepared = self._plane.prepared(endpoint)
        if exchange.operation not in prepared.dialect.upstream_paths:
            return Whole(exchange.dialect.write_token_count(count_locally(exchange.members)))
        began = self._clock.monotonic()
        try:
            if prepared.dialect is exchange.dialect:
                answer = await self._splice(prepared)
            else:
                answer = await self._translate(prepared)
        except UpstreamError as error:
            error.provider = endpoint.provider.name
            self._note(began, error)
            raise
        self._note(began, None)
        return answer

    async def _splice(self, prepared: Prepared) -> Answer:
        exchange = self.exchange
        body, asked = splice.write_request(exchange, prepared)
        head = prepared.head(exchange.operation) + prepared.forwarded(exchange.headers)
        response = await self._send(prepared, head, body)
        options = self._options(prepared, show_usage=asked)
        if exchange.stream:
            return await self._open(Stream(response, splice.open_relay(prepared, options)))
        body = await _read(response, REPLY_LIMIT)
        if exchange.operation is not Operation.CHAT:
            return Whole(body)
        exchange.facts, body = prepared.dialect.unary_tap(body, options)
        return Whole(body)

    async def _translate(self, prepared: Prepared) -> Answer:
        exchange = self.exchange
        if self._request is None:
            self._request = exchange.dialect.read_request(exchange.body)
        written = translate.write_request(self._request, prepared)
        exchange.dropped = tuple(loss.field for loss in written.losses)
        head = prepared.head(exchange.operation) + _header_lines(written)
        response = await self._send(prepared, head, written.body)
        options = self._options(prepared, show_usage=self._request.include_usage)
        if exchange.stream:
            relay = translate.TranslateRelay(prepared, exchange.dialect, options)
            return await self._open(Stream(response, relay))
        body = await _read(response, REPLY_LIMIT)
        exchange.facts, body = translate.read_reply(body, prepared, exchange.dialect, options)
        return Whole(body)

    async def _send(self, prepared: Prepared, head: bytes, body: bytes) -> Response:
        response = await self._client.send(prepared.origin, head, body, self._timeouts, self._deadline)
        if 200 <= response.status < 300:
            return response
        if response.status < 400:
            response.close()
            raise Malformed(f"it answered with status {response.status}", provider_status=response.status)
        detail = await _read(response, ERROR_LIMIT)
        raise prepared.dialect.read_error(response.status, response.headers, detail)

    async def _open(self, stream: Stream) -> Stream:
        """Waits for the first event; a stream that never gets there is dropped, and so stops costing."""
        opened = False
        try:
            await stream.open(self._timeouts.first_token)
            opened = True
        finally:
            if not opened:
                stream.response.close()
        self.exchange.facts = stream.relay.facts
        return stream

    def _options(self, prepared: Prepared, *, show_usage: bool) -> ReplyOptions:
        created = int(self.exchange.started)
        if not self.exchange.show_money:
            return ReplyOptions(show_usage=show_usage, created=created)
        price = prepared.endpoint.price
        return ReplyOptions(
            show_usage=True,
            created=created,
            cost=lambda usage, service_tier: price_call(usage, price, service_tier),
        )

    def _note(self, began: float, error: UpstreamError | None) -> None:
        endpoint = self.exchange.endpoint
        assert endpoint is not None
        self.exchange.attempts.append(
            AttemptRecord(
                provider=endpoint.provider.name,
                upstream_model=endpoint.upstream_model,
                milliseconds=round((self._clock.monotonic() - began) * 1000),
                code=None if error is None else error.code,
                status=None if error is None else error.provider_status,
            )
        )


async def _read(response: Response, limit: int) -> bytes:
    try:
        return await response.read(limit)
    finally:
        response.close()


def _header_lines(written: Written) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in written.headers).encode("latin-1")
