"""One call's attempts: what one try of one target is, and what the tries of a call share."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from sekisho.core.clock import Clock
from sekisho.core.contract import ReplyOptions
from sekisho.core.error import (
    BodyTooLarge,
    LoopDetected,
    Malformed,
    ProviderAuthFailed,
    ProviderQuota,
    Throttled,
    UpstreamError,
)
from sekisho.core.exchange import Exchange
from sekisho.core.operation import RETRIEVAL, Operation
from sekisho.core.provider import Endpoint
from sekisho.core.route import Route, Target
from sekisho.core.usage import Usage
from sekisho.metering.tokens import Tokens
from sekisho.pipeline import bill, meter, notes, provenance, retrieve, splice, translate
from sekisho.pipeline.adapt import Adaptation, is_due
from sekisho.pipeline.answer import Answer, Passage, Stream, Whole
from sekisho.pipeline.key_turns import KeyTurns
from sekisho.pipeline.prepare import Plane, Prepared
from sekisho.pipeline.steps.hops import HEADER
from sekisho.pipeline.turns import LARGE, Turns
from sekisho.pipeline.watch import Watch
from sekisho.routing.board import Board
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
FIRST_HOP = b"%b: 1\r\n" % HEADER
KEY_ERRORS = (Throttled, ProviderAuthFailed, ProviderQuota)
"""That may be about the key alone."""
NOTED = ("body", "members", "prompt_tokens", "endpoint", "dropped", "pace", "asked", "facts", "outrun")
"""Members of an exchange that an attempt fills in or empties."""
KEPT_REQUEST = 32 * 1024
"""Bytes. A smaller request is kept while its stream lasts: counting costs 10 us a kilobyte, and mostly the
provider counts."""


class World(Protocol):
    """What attempts need beside the call itself."""

    @property
    def client(self) -> Client: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def board(self) -> Board: ...
    @property
    def keys(self) -> KeyTurns: ...
    @property
    def turns(self) -> Turns: ...


class Call:
    """What the attempts of one call share."""

    def __init__(self, exchange: Exchange, plane: Plane, route: Route, world: World):
        self.exchange = exchange
        self.route = route
        self.plane = plane
        self.world = world
        self.alone = True
        """Nobody else is left to be tried after the next attempt."""
        self.rescuable = False
        """What is needed for another target to go on with a stream is kept."""
        self.rival: Call | None = None
        """The same call at another target at this moment."""
        self._clock = world.clock
        self._request: Request | None = None
        self._timeouts = route.timeouts if exchange.stream else route.whole
        self._deadline = exchange.began + route.timeouts.total
        self._keys_tried: dict[str, list[int]] = {}
        """Of endpoints that have several, those that were refused."""

    def beside(self) -> "Call":
        """The same call, for an attempt that others run beside: what is noted of it is its own until
        `take_over`."""
        own = msgspec.structs.replace(self.exchange, attempts=[], answering=None)
        call = Call(own, self.plane, self.route, self.world)
        call.alone, call.rescuable, call._request = self.alone, self.rescuable, self._request
        return call

    def take_over(self, exchange: Exchange) -> None:
        """What was noted here is what became of `exchange`, which is the call's from now on; but for the
        attempts, of which others have some as well."""
        for name in NOTED:
            setattr(exchange, name, getattr(self.exchange, name))
        self.exchange = exchange
        self.rival = None

    def given_up(self) -> Usage | None:
        """What the attempt under way is taken to have come to if it ends now; None: nothing went out."""
        return meter.given_up(self.exchange, self.world.tokens) if self.exchange.asked else None

    def time_left(self) -> float:
        """Seconds until the call's total limit."""
        return self._deadline - self._clock.monotonic()

    def count(self) -> Whole:
        """Our own count of the prompt's tokens."""
        exchange = self.exchange
        tokens = self.world.tokens.count(exchange.members, exchange.endpoint)
        return Whole(exchange.dialect.token_counting.write(tokens))

    def _without_path(self, endpoint: Endpoint) -> Whole:
        """For a provider whose API has no such operation. Raises Unsupported."""
        if self.exchange.entry.operation is Operation.COUNT_TOKENS:
            return self.count()
        raise retrieve.not_there(self.exchange.entry.operation, endpoint)

    async def attempt(self, target: Target) -> Answer:
        """One try of one target; of several keys, with each that may do. Raises UpstreamError, naming the
        provider, or Unsupported or BodyTooLarge where its dialect cannot express the request."""
        exchange, endpoint = self.exchange, target.endpoint
        watch = Watch(self.world.board, endpoint.id)
        response, over = None, False
        try:
            prepared = self.plane.prepared(endpoint, exchange.dialect.name)
            path = prepared.path(exchange.entry.operation, stream=exchange.stream)
            if path is None:
                exchange.endpoint = endpoint
                return self._without_path(endpoint)
            large = len(exchange.body) > LARGE
            passage = await self._large(prepared, target) if large else self.passage(prepared, target)
            exchange.endpoint, exchange.dropped, exchange.pace = endpoint, passage.dropped, None
            response = await self._send(prepared, path, passage)
            exchange.pace = response.pace
            if response.status >= 300:
                await _refused(response, prepared)
            if len(prepared.signers) > 1:
                self.world.keys.answered(prepared, self._keys_tried[endpoint.id][-1])
            options = self._options(show_usage=passage.show_usage)
            if exchange.stream:
                answer: Answer = await self._open(Stream(response, passage.relay(options), watch))
            else:
                answer = self._whole(await response.read(REPLY_LIMIT), prepared, passage, options)
                watch.end("answered")
            over = True
            notes.ended(exchange, endpoint, watch.began, self._clock.monotonic(), None)
        except UpstreamError as error:
            if not self._failed(endpoint, watch, error):
                raise
        else:
            return answer
        finally:
            if not over:
                _let_go(watch, response)
        return await self.attempt(target)

    def _failed(self, endpoint: Endpoint, watch: Watch, error: UpstreamError) -> bool:
        """Whether it was the key's fault alone, and another one is to be tried."""
        exchange = self.exchange
        exchange.endpoint, error.provider, exchange.asked = endpoint, endpoint.provider.name, False
        notes.ended(exchange, endpoint, watch.began, self._clock.monotonic(), error)
        if exchange.left:
            watch.failed(error)
            raise asyncio.CancelledError  # nobody is there any more for whom others would be tried
        if endpoint.provider.auth.further and self._another_key(endpoint, error):
            return True
        if retrieve.says_of_the_endpoint(exchange.entry.operation, error):
            watch.failed(error)
        return False

    async def _large(self, prepared: Prepared, target: Target) -> Passage:
        """See `passage`: to read a large request and to write it are two pieces of work."""
        turns = self.world.turns
        if prepared.dialect is not self.exchange.dialect and self._request is None:
            await turns.take()
            self.request()
        await turns.take()
        return self.passage(prepared, target)

    def _send(self, prepared: Prepared, path: str, passage: Passage) -> Coroutine[Any, Any, Response]:
        exchange, world, body, key = self.exchange, self.world, passage.body, 0
        if exchange.entry.operation is Operation.COUNT_TOKENS:
            body = prepared.dialect.token_counting.wrap(body)
        if len(prepared.signers) > 1:
            tried = self._keys_tried.setdefault(prepared.endpoint.id, [])
            key = world.keys.choose(prepared, tried)
            tried.append(key)
        hop = b"%b: %d\r\n" % (HEADER, exchange.hops + 1) if exchange.hops else FIRST_HOP
        head = prepared.head(path, body, key) + passage.header_lines + hop
        exchange.asked = False
        return world.client.send(prepared.origin, head, body, self._timeouts, self._limit(), self._has_asked)

    def _has_asked(self) -> None:
        self.exchange.asked = True

    def _limit(self) -> float:
        """When the attempt is over, on the monotonic clock.

        Streams have limits of their own. An answer in one piece gives no sign of life until it is there, so
        that while others are left it has half of the time: they need some as well.
        """
        if self.alone or self.exchange.stream:
            return self._deadline
        return self._deadline - self.time_left() / 2

    def _another_key(self, endpoint: Endpoint, error: UpstreamError) -> bool:
        """Whether the key was refused, which rests then, and another one of the endpoint may do."""
        tried = self._keys_tried.get(endpoint.id)
        if not tried or not isinstance(error, KEY_ERRORS):
            return False
        keys, prepared = self.world.keys, self.plane.prepared(endpoint, self.exchange.dialect.name)
        keys.refused(prepared, tried[-1], error)
        if keys.another(prepared, tried):
            return True
        if error.retry_after is not None:
            error.retry_after = min(error.retry_after, keys.soonest(prepared))
        return False

    def passage(self, prepared: Prepared, target: Target) -> Passage:
        exchange, route = self.exchange, self.route
        if exchange.entry.operation in RETRIEVAL:
            return retrieve.Retrieving(exchange, prepared, Adaptation(prepared, route, target))
        if prepared.dialect is not exchange.dialect:
            adaptation = Adaptation(prepared, route, target)
            return translate.Translation(self.request(), prepared, exchange.dialect, adaptation)
        if provenance.holds_seals(exchange.body) and not prepared.quirks.opens_seals:
            opened = splice.open_seals(self.request(), prepared)
            return splice.Splice(exchange, prepared, Adaptation(prepared, route, target), opened)
        due = is_due(prepared, route, target)
        return splice.Splice(exchange, prepared, Adaptation(prepared, route, target) if due else None)

    def request(self) -> "Request":
        if self._request is None:
            self._request = _read_request(self.exchange, self.route)
        return self._request

    def _whole(self, body: bytes, prepared: Prepared, passage: Passage, options: ReplyOptions) -> Whole:
        exchange = self.exchange
        if exchange.entry.operation is not Operation.COUNT_TOKENS:
            exchange.facts, body = passage.whole(body, options)
        elif prepared.dialect is not exchange.dialect:
            body = exchange.dialect.token_counting.write(prepared.dialect.token_counting.read(body))
        return Whole(body)

    async def _open(self, stream: Stream) -> Stream:
        if self.rescuable:
            stream.relay.keep()
        await stream.open(self._clock.monotonic)
        self.exchange.facts = stream.relay.facts
        self._request = None
        if not self.rescuable:
            _forget_request(self.exchange, self.world.tokens)
        return stream

    def _options(self, *, show_usage: bool) -> ReplyOptions:
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
        return msgspec.structs.replace(
            options, show_usage=True, show_reasoning=exchange.show_reasoning, cost=self._shown_cost
        )

    def _shown_cost(self, usage: Usage, service_tier: str | None) -> int | None:
        rival = self.rival  # who brings this first has won, and the other one is given up
        if rival is not None:
            lost = rival.given_up()
            self.exchange.outrun = () if lost is None else (bill.price(rival.exchange.endpoint, lost, None),)
        return bill.shown_cost(self.exchange, usage, service_tier)


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
        if exchange.prompt_tokens is None:
            exchange.prompt_tokens = tokens.estimate(exchange.members, exchange.endpoint)
    exchange.body, exchange.members = b"", {}


def _let_go(watch: Watch, response: Response | None) -> None:
    """After an attempt without an answer: what is not relayed must stop being generated, and paid for."""
    if response is not None:
        response.close()
    watch.end()


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
