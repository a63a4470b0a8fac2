"""Tries the targets of a route in order until one answers.

Only an UpstreamError leads to a retry or to the next target. For a stream, a target has answered when its
first event is there, so that a failure up to then is invisible to the client.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sekisho.core.clock import Clock
from sekisho.core.contract import ReplyOptions
from sekisho.core.error import (
    BodyTooLarge,
    InternalError,
    LoopDetected,
    Malformed,
    SekishoError,
    Unsupported,
    UpstreamError,
)
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.provider import Endpoint
from sekisho.core.record import AttemptRecord
from sekisho.core.route import Route, Target
from sekisho.metering.prices import price_call
from sekisho.metering.tokens import Tokens
from sekisho.pipeline import provenance, splice, translate
from sekisho.pipeline.adapt import Adaptation
from sekisho.pipeline.answer import Answer, Passage, Stream, Whole
from sekisho.pipeline.prepare import Plane, Prepared
from sekisho.pipeline.steps.hops import HEADER
from sekisho.routing.backoff import delay
from sekisho.routing.plan import plan
from sekisho.upstream.client import Client
from sekisho.upstream.response import Response
from sekisho.wire import json

if TYPE_CHECKING:
    from sekisho.core.request import Request

REPLY_LIMIT = 256 * 1024 * 1024
"""Bytes of a whole answer. More than any model writes; a guard against a broken provider."""
ERROR_LIMIT = 1024 * 1024
MOST_VALUES = 200_000
"""JSON values of a request that is translated. Reading and writing takes 2 to 4 us for a small part or
message, so that this many hold up other calls for a few tenths of a second at worst. A prompt of a million
tokens has as many only if it is a table of numbers. What is spliced is not looked into, and not limited."""
KEPT_REQUEST = 32 * 1024
"""Bytes. A smaller request is kept while its stream lasts: counting costs 10 us a kilobyte, and mostly the
provider counts."""


@dataclass(slots=True)
class Attempts:
    """The attempt loop, with the world it needs."""

    client: Client
    clock: Clock
    random: random.Random
    tokens: Tokens = field(default_factory=Tokens)

    async def answer(self, exchange: Exchange, plane: Plane, route: Route) -> Answer:
        """The first target's answer that comes. Raises UpstreamError (of the last attempt, naming provider
        and attempt count), or Unsupported or BodyTooLarge where no target can express the request.

        A count of tokens does not fail because a provider does: then it is counted here."""
        call = _Call(exchange, plane, route, self)
        failure: UpstreamError | Unsupported | BodyTooLarge | None = None
        left = len(targets := plan(route))
        for target in targets:
            left -= 1
            tries = 0
            while True:
                tries += 1
                try:
                    return await call.attempt(target)
                except (Unsupported, BodyTooLarge) as error:
                    failure = failure or error
                    break
                except UpstreamError as error:
                    failure = error
                    pause = self._pause(call, error, tries, alone=left == 0)
                    if pause is None:
                        break
                await asyncio.sleep(pause)
            if isinstance(failure, UpstreamError) and (failure.retry == "never" or call.time_left() <= 0):
                break
        try:
            if isinstance(failure, UpstreamError) and exchange.entry.operation is Operation.COUNT_TOKENS:
                return _count(exchange, self.tokens)
            raise _final(failure, exchange)
        finally:
            failure = (
                None  # its traceback leads back to this frame: together they would wait for the collector
            )

    def _pause(self, call: "_Call", error: UpstreamError, tries: int, *, alone: bool) -> float | None:
        """Seconds until the same target is tried again; None: it is not."""
        if call.exchange.entry.operation is Operation.COUNT_TOKENS:
            return None  # an estimate now is worth more than a count later
        # While another target is left, a full provider is not worth waiting for.
        patient = alone or error.status not in (429, 503)
        if error.retry != "same" or tries >= call.route.retry.attempts or not patient:
            return None
        return delay(tries, error, self.random, call.time_left())


def _count(exchange: Exchange, tokens: Tokens) -> Whole:
    return Whole(exchange.dialect.token_counting.write(tokens.count(exchange.members, exchange.endpoint)))


def _final(failure: UpstreamError | Unsupported | BodyTooLarge | None, exchange: Exchange) -> SekishoError:
    if failure is None:
        return InternalError(f"the route of {exchange.model} has no targets")
    if isinstance(failure, UpstreamError):
        failure.attempts = len(exchange.attempts)
    return failure


class _Call:
    """One call's attempts: what they share."""

    def __init__(self, exchange: Exchange, plane: Plane, route: Route, owner: Attempts):
        self.exchange = exchange
        self.route = route
        self._plane = plane
        self._client = owner.client
        self._clock = owner.clock
        self._tokens = owner.tokens
        self._request: Request | None = None
        self._timeouts = plane.timeouts(route, stream=exchange.stream)
        self._deadline = exchange.began + route.timeouts.total

    def time_left(self) -> float:
        """Seconds until the call's total limit."""
        return self._deadline - self._clock.monotonic()

    async def attempt(self, target: Target) -> Answer:
        """One try of one target. Raises UpstreamError, naming the provider, or Unsupported."""
        exchange, endpoint = self.exchange, target.endpoint
        began = self._clock.monotonic()
        response: Response | None = None
        opened = False
        try:
            prepared = self._plane.prepared(endpoint, exchange.dialect.name)
            path = prepared.path(exchange.entry.operation, stream=exchange.stream)
            if path is None:
                exchange.endpoint = endpoint
                return _count(exchange, self._tokens)
            passage = self._passage(prepared, target)
            exchange.endpoint, exchange.dropped = endpoint, passage.dropped
            body = passage.body
            if exchange.entry.operation is Operation.COUNT_TOKENS:
                body = prepared.dialect.token_counting.wrap(body)
            hop = b"%b: %d\r\n" % (HEADER, exchange.hops + 1)
            head = prepared.head(path, body) + passage.header_lines + hop
            response = await self._client.send(prepared.origin, head, body, self._timeouts, self._deadline)
            if response.status >= 300:
                await _refused(response, prepared)
            options = self._options(endpoint, show_usage=passage.show_usage)
            if exchange.stream:
                answer: Answer = await self._open(Stream(response, passage.relay(options)))
            else:
                answer = self._whole(await response.read(REPLY_LIMIT), prepared, passage, options)
            opened = True
        except UpstreamError as error:
            exchange.endpoint, error.provider = endpoint, endpoint.provider.name
            self._note(endpoint, began, error)
            raise
        finally:
            if response is not None and not (opened and exchange.stream):
                response.close()  # an answer that is not relayed must stop being generated, and paid for
        self._note(endpoint, began, None)
        return answer

    def _passage(self, prepared: Prepared, target: Target) -> Passage:
        exchange = self.exchange
        adaptation = Adaptation(prepared, self.route, target)
        if prepared.dialect is not exchange.dialect:
            return translate.Translation(self._read(), prepared, exchange.dialect, adaptation)
        opened = None
        if provenance.holds_seals(exchange.body) and not prepared.quirks.opens_seals:
            opened = splice.open_seals(self._read(), prepared)
        return splice.Splice(exchange, prepared, adaptation, opened)

    def _read(self) -> "Request":
        if self._request is None:
            self._request = _read_request(self.exchange, self.route)
        return self._request

    def _whole(self, body: bytes, prepared: Prepared, passage: Passage, options: ReplyOptions) -> Whole:
        exchange = self.exchange
        if exchange.entry.operation is Operation.CHAT:
            exchange.facts, body = passage.whole(body, options)
        elif prepared.dialect is not exchange.dialect:
            body = exchange.dialect.token_counting.write(prepared.dialect.token_counting.read(body))
        return Whole(body)

    async def _open(self, stream: Stream) -> Stream:
        await stream.open(self._clock.monotonic)
        self.exchange.facts = stream.relay.facts
        _forget_request(self.exchange, self._tokens)
        return stream

    def _options(self, endpoint: Endpoint, *, show_usage: bool) -> ReplyOptions:
        exchange = self.exchange
        options = ReplyOptions(
            show_usage=show_usage,
            created=int(exchange.started),
            id=exchange.id,
            asked=exchange.model,
            framing=exchange.entry.framing,
        )
        if not exchange.show_money:
            return options
        price = endpoint.price
        return msgspec.structs.replace(
            options,
            show_usage=True,
            cost=lambda usage, service_tier: price_call(usage, price, service_tier),
        )

    def _note(self, endpoint: Endpoint, began: float, error: UpstreamError | None) -> None:
        self.exchange.attempts.append(
            AttemptRecord(
                provider=endpoint.provider.name,
                upstream_model=endpoint.upstream_model,
                milliseconds=round((self._clock.monotonic() - began) * 1000),
                code=None if error is None else error.code,
                status=None if error is None else error.provider_status,
            )
        )


def _read_request(exchange: Exchange, route: Route) -> "Request":
    body = exchange.body
    if json.holds_more_than(body, MOST_VALUES):
        raise BodyTooLarge(
            f"the request holds more than {MOST_VALUES} JSON values, the most that is translated from one "
            "API into another. Send fewer, larger parts, or name a model whose provider speaks this API"
        )
    if route.prompt_cache == "off":
        members = dict(exchange.members)
        exchange.dialect.cache_marks.strip(members)
        body = json.encode(members)
    request = exchange.dialect.read_request(body)
    if exchange.entry.model is None:
        return request
    return msgspec.structs.replace(request, model=exchange.model, stream=exchange.stream)


def _forget_request(exchange: Exchange, tokens: Tokens) -> None:
    """A stream may last for minutes, and needs of its request only what it would cost without a count."""
    if exchange.facts.usage is None:
        if len(exchange.body) < KEPT_REQUEST:
            return
        exchange.prompt_tokens = tokens.estimate(exchange.members, exchange.endpoint)
    exchange.body, exchange.members = b"", {}


async def _refused(response: Response, prepared: Prepared) -> None:
    """Raises the UpstreamError that an answer without success means."""
    status = response.status
    if status < 400:
        raise Malformed(f"it answered with status {status}", provider_status=status)
    if status == LoopDetected.status:
        raise LoopDetected("the provider is a gateway that leads back to itself", provider_status=status)
    try:
        detail = await response.read(ERROR_LIMIT)
    except Malformed:
        detail = b""  # cut off or too long: the status says enough
    raise prepared.dialect.read_error(response.status, response.headers, detail)
