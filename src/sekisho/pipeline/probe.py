"""One background probe: what is asked of a provider, and whether that says that it is well."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from sekisho.core.clock import Clock
from sekisho.core.contract import Dialect, Entry
from sekisho.core.error import BodyTooLarge, Unsupported, UpstreamError
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.port import Journal
from sekisho.core.provider import Endpoint, Provider
from sekisho.core.record import PROBE, CallRecord
from sekisho.core.route import Route, Target, Timeouts
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.attempts import Attempts
from sekisho.pipeline.call import Call
from sekisho.pipeline.key_turns import KeyTurns
from sekisho.pipeline.meter import record_call
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.steps.parse import parse
from sekisho.pipeline.turns import Turns
from sekisho.pipeline.watch import OUTCOMES
from sekisho.routing.board import Board
from sekisho.upstream.client import Client
from sekisho.wire import json

PATIENCE = 10.0
"""Seconds that a probe may take."""
LIST_LIMIT = 16 * 1024 * 1024
"""Bytes."""
LIMITS = Timeouts(connect=5.0, first_token=PATIENCE, idle=PATIENCE, total=PATIENCE)
NAMELESS = ""
"""A probe's route has a name that no model can have."""


@dataclass(frozen=True, slots=True)
class _World:
    """What an attempt needs, with a board of its own: a probe proves less than a client's call."""

    client: Client
    clock: Clock
    tokens: Tokens
    board: Board
    keys: KeyTurns
    turns: Turns


@dataclass(frozen=True, slots=True)
class Asker:
    """`dialect`: in whose words a token is asked for, before they are translated."""

    attempts: Attempts
    dialect: Dialect
    journal: Journal
    observe: Callable[[CallRecord], None]

    async def models(self, plane: Plane, provider: Provider) -> bool | None:
        """Whether the provider lists its models. None: that says nothing, as where it has no list, or not for
        this key."""
        endpoint = Endpoint(model="", provider=provider, upstream_model="", quirks=provider.quirks)
        attempts = self.attempts
        try:
            prepared = plane.prepared(endpoint, provider.dialect)
            path = prepared.dialect.models_path
            if path is None:
                return None
            head = prepared.follow_up_head("GET", path, b"") + prepared.default_lines
            deadline = attempts.clock.monotonic() + PATIENCE
            response = await attempts.client.send(prepared.origin, head, b"", LIMITS, deadline)
            try:
                if response.status < 300:
                    await response.read(LIST_LIMIT)
                    return True
                return False if response.status >= 500 else None
            finally:
                response.close()
        except UpstreamError as error:
            return False if OUTCOMES[type(error)] == "failed" else None

    async def token(self, plane: Plane, endpoint: Endpoint) -> bool | None:
        """Whether the model answers with a token. None: that says nothing. It is booked as a call of
        nobody's: what it comes to is paid."""
        exchange = self._exchange(endpoint)
        attempts = self.attempts
        route = Route(NAMELESS, (Target(endpoint),), timeouts=LIMITS)
        board = Board(attempts.clock.monotonic)
        turns, keys = attempts.turns, attempts.keys
        world = _World(attempts.client, attempts.clock, attempts.tokens, board, keys, turns)
        try:
            await Call(exchange, plane, route, world).attempt(route.targets[0])
        except (Unsupported, BodyTooLarge):
            return None  # nothing was asked
        except UpstreamError as error:
            self._book(exchange, error)
            outcome = OUTCOMES[type(error)]
            return None if outcome in (None, "throttled") else outcome == "answered"
        self._book(exchange, None)
        return True

    def _exchange(self, endpoint: Endpoint) -> Exchange:
        clock = self.attempts.clock
        body = {
            "model": endpoint.model or endpoint.upstream_model,
            "messages": [{"role": "user", "content": "ping"}],
            "max_tokens": 1,
        }
        exchange = Exchange(
            id=f"gen-{int(clock.now())}-{PROBE}-{secrets.token_hex(8)}",
            dialect=self.dialect,
            entry=Entry(Operation.CHAT),
            headers=[],
            named={},
            body=bytes(json.encode(body)),
            started=clock.now(),
            began=clock.monotonic(),
        )
        parse(exchange)
        return exchange

    def _book(self, exchange: Exchange, error: UpstreamError | None) -> None:
        record = record_call(
            exchange,
            self.attempts.tokens,
            status=200 if error is None else error.status,
            outcome="ok" if error is None else "error",
            error_code=None if error is None else error.code,
            now=self.attempts.clock.monotonic(),
        )
        record = msgspec.structs.replace(record, operation=PROBE)
        self.journal.append(record, _nobody_waits)
        self.observe(record)


def _nobody_waits() -> None:
    """For a record whose answer goes to nobody."""
