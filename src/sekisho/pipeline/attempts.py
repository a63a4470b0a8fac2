"""Tries the targets of a call's plan in order until one answers.

Only an UpstreamError leads to a retry or to the next target. For a stream, a target has answered when its
first event is there, so that a failure up to then is invisible to the client.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec

from sekisho.core.clock import Clock
from sekisho.core.error import (
    BodyTooLarge,
    InternalError,
    Throttled,
    Unsupported,
    UpstreamError,
)
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.port import Counters
from sekisho.core.preference import NONE, Preferences, narrowed
from sekisho.core.route import Route, Target
from sekisho.metering.counters.lost import LostCounters
from sekisho.metering.tokens import Tokens
from sekisho.pipeline import prefer, provider_member
from sekisho.pipeline.admission import Admission
from sekisho.pipeline.answer import Answer, Stream
from sekisho.pipeline.ask import ask_of
from sekisho.pipeline.call import Call
from sekisho.pipeline.explain import plan_record
from sekisho.pipeline.failures import Failures, nothing_allowed, throttled
from sekisho.pipeline.key_turns import KeyTurns
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.race import Race
from sekisho.pipeline.rescue import Rescue, may_rescue
from sekisho.pipeline.turns import Turns
from sekisho.routing.backoff import FIRST, delay
from sekisho.routing.board import Board
from sekisho.routing.budget import RetryBudget
from sekisho.routing.hedge import Hedges, Lateness
from sekisho.routing.plan import Plan, plan, plan_parts
from sekisho.upstream.client import Client

AttemptError = UpstreamError | Unsupported | BodyTooLarge
ATTEMPT_FAILED = (UpstreamError, Unsupported, BodyTooLarge)


@dataclass(slots=True)
class Attempts:
    """The attempt loop, with the world it needs."""

    client: Client
    clock: Clock
    random: random.Random
    board: Board
    tokens: Tokens = field(default_factory=Tokens)
    budget: RetryBudget = field(default_factory=RetryBudget)
    hedges: Hedges = field(default_factory=Hedges)
    turns: Turns = field(default_factory=Turns)
    counters: Counters = field(default_factory=LostCounters)
    admission: Admission = field(init=False)
    keys: KeyTurns = field(init=False)

    def __post_init__(self) -> None:
        self.admission = Admission(self.counters, self.tokens)
        self.keys = KeyTurns(self.clock.monotonic)

    async def answer(self, exchange: Exchange, plane: Plane, route: Route) -> Answer:
        """The first target's answer that comes. Raises UpstreamError (of the last attempt, naming provider
        and attempt count), Unsupported or BodyTooLarge where no target can express the request, and
        BadRequest, Unsupported or BudgetUsedUp where what is asked of the targets allows none; LimitReached,
        BudgetReached or CountersLost where a limit of the caller's does not.

        A count of tokens does not fail because a provider does: then it is counted here."""
        targets = self.targets(exchange, plane, route)
        limited = exchange.principal.limits and exchange.entry.operation is not Operation.COUNT_TOKENS
        if limited and not self.admission.admit_now(exchange, route, targets):
            route, targets = await self.admission.admit(
                exchange, plane.snapshot, (route, targets), partial(self.targets, exchange, plane)
            )
        self.budget.deposit()
        exchange.prompt_cache = route.prompt_cache
        call, failed = Call(exchange, plane, route, self), None
        if len(targets) == 1 and route.hedge is None and not self.board.asked_wait(targets[0].endpoint.id):
            try:
                return await call.attempt(targets[0])  # as most calls end: there is nothing to search for
            except ATTEMPT_FAILED as error:
                failed = error
        search = _Search(self, call)
        if route.hedge is not None and exchange.entry.operation is Operation.CHAT:
            search.lateness = self.hedges.of(route.name)
            search.lateness.deposit()
        try:
            if failed is None:
                answer = await search.run(targets)
            else:
                answer = await search.go_on(targets[0], failed)
            if answer is not None:
                if search.call.rescuable and isinstance(answer, Stream):
                    answer.rescuer = Rescue(search.call, search.left, self._go_on)
                return answer
            failure = search.failures.error(exchange)
            counts = exchange.entry.operation is Operation.COUNT_TOKENS
            if counts and not isinstance(failure, Unsupported | BodyTooLarge):
                return search.call.count()
            raise failure or InternalError(f"the route of {exchange.model} has no targets")
        finally:
            # Their tracebacks lead back to this frame: together they would wait for the collector.
            failure = failed = None
            search.failures.clear()

    async def _go_on(self, call: Call, targets: Sequence[Target]) -> tuple[Answer | None, Sequence[Target]]:
        """See `pipeline.rescue.GoOn`. Nobody, where the caller's limits have no room for that."""
        if not await self.admission.extend(call.exchange, call.route, targets):
            return None, ()
        search = _Search(self, call)
        try:
            answer = await search.run(targets)
            return answer, search.left if call.rescuable else ()
        finally:
            search.failures.clear()

    def targets(self, exchange: Exchange, plane: Plane, route: Route) -> Sequence[Target]:
        """Those of the call's plan, at least one. Raises BadRequest, Forbidden, Unsupported or BudgetUsedUp
        where none is allowed."""
        asked = exchange.wishes
        if prefer.HEADER in exchange.named:
            asked = narrowed(asked, prefer.asked(exchange.named, plane.snapshot.providers))
        wanted = narrowed(exchange.principal.prefer, route.prefer)
        if asked is not NONE:
            wanted = narrowed(wanted, asked)
        if wanted is NONE and len(route.targets) == 1 and not self.board.spent.used_up:
            return route.targets  # there is nothing to choose, and nothing to tell of it
        if route.parts:
            planned = self._plan_of_parts(exchange, route, asked)
        else:
            planned = plan(route, ask_of(exchange, route, wanted, self.tokens), self.board, self.random)
        exchange.plan = plan_record(planned)
        if planned.rejected and not planned.targets:
            where = None
            if asked is not NONE:
                where = prefer.HEADER_NAME if exchange.wishes is NONE else provider_member.blamed(planned)
            raise nothing_allowed(planned, route, exchange.principal, asked=where, now=self.clock.now())
        return planned.targets

    def _plan_of_parts(self, exchange: Exchange, route: Route, asked: Preferences) -> Plan:
        """Of a call that names several models."""
        wanted = narrowed(exchange.principal.prefer, asked)
        asks = [
            (
                part,
                ask_of(
                    exchange,
                    part,
                    narrowed(narrowed(exchange.principal.prefer, part.prefer), asked),
                    self.tokens,
                ),
            )
            for part in route.parts
        ]
        planned = plan_parts(asks, self.board, self.random)
        if not route.mixed or len(planned.targets) < 2:
            return planned
        together = replace(route, targets=planned.targets)
        mixed = plan(together, ask_of(exchange, together, wanted, self.tokens), self.board, self.random)
        return msgspec.structs.replace(mixed, rejected=(*planned.rejected, *mixed.rejected))


class _Search:
    """For one call: who is tried, how often, and after which wait."""

    __slots__ = ("_owner", "_resting", "_tries", "call", "failures", "lateness", "left")

    def __init__(self, owner: Attempts, call: Call):
        self._owner = owner
        self._resting: list[Target] = []
        """Those that asked to be left alone for a while."""
        self._tries: dict[str, int] = {}
        self.call = call
        self.failures = Failures(call.route)
        self.left: Sequence[Target] = ()
        """Those that were not tried."""
        self.lateness: Lateness | None = None
        """Given where a second target may be asked beside one that is late. Once for a call."""

    async def go_on(self, target: Target, failed: AttemptError) -> Answer | None:
        """As `run`, where the only target has failed once."""
        answer = await self._try(target, alone=True, failed=failed)
        return answer if answer is not None or self._over() else await self._wait_for_the_resting()

    async def run(self, targets: Sequence[Target]) -> Answer | None:
        """The first answer; None: see `failures`."""
        order = list(targets)
        for at, target in enumerate(order):
            if not self.failures.leaves(target):
                continue
            if target.endpoint.id in self._tries:  # it failed beside another one: all the others go first
                if at < len(targets):
                    order.append(target)
                    continue
                if not self._may_try_again(target):
                    continue
            if self._owner.board.asked_wait(target.endpoint.id) > 0:
                self._resting.append(target)
                continue
            left = [*order[at + 1 :], *self._resting]
            if left or self.left:
                self._leave(left)
            answer = await self._try(target, alone=at == len(order) - 1)
            if answer is not None or self._over():
                return answer
        return await self._wait_for_the_resting()

    async def _wait_for_the_resting(self) -> Answer | None:
        """Nobody else is left: the first of them that may be asked again is, if the deadline allows it."""
        owner, call = self._owner, self.call
        if call.exchange.entry.operation is Operation.COUNT_TOKENS:
            return None  # an estimate now is worth more than a count later
        while resting := [target for target in self._resting if self.failures.leaves(target)]:
            target = min(resting, key=lambda target: owner.board.asked_wait(target.endpoint.id))
            wait = owner.board.asked_wait(target.endpoint.id)
            if wait >= call.time_left() or (target.endpoint.id in self._tries and not self._may_retry()):
                self.failures.add(throttled(target, wait), target)
                return None
            self._resting.remove(target)
            self._leave(list(self._resting))
            if wait > 0:
                await asyncio.sleep(min(wait + owner.random.uniform(0.0, FIRST), call.time_left()))
            answer = await self._try(target, alone=False)
            if answer is not None or self._over():
                return answer
        return None

    def _leave(self, targets: Sequence[Target]) -> None:
        """Whom the next attempt leaves for the rescue of its answer."""
        self.left = targets
        self.call.rescuable = may_rescue(self.call, targets)

    async def _try(self, target: Target, *, alone: bool, failed: AttemptError | None = None) -> Answer | None:
        """The target's answer, after retries; None: it has none. `alone`: nobody else is left. `failed`: how
        its first try ended, if that is over."""
        endpoint, tries = target.endpoint.id, self._tries
        self.call.alone = alone
        again = failed is None and self.call.exchange.attempts and self._owner.board.is_broken(endpoint)
        if again and not self._may_retry():
            return None
        while True:
            tries[endpoint] = tries.get(endpoint, 0) + 1
            try:
                if failed is not None:
                    said, failed = failed, None
                    raise said
                if self.lateness is None:
                    return await self.call.attempt(target)
                return await self._hedged(target, self.lateness)
            except (Unsupported, BodyTooLarge) as error:
                self.failures.add(error, target)
                return None
            except UpstreamError as error:
                self.failures.add(error, target)
                pause = self._pause(error, target, alone=alone)
                if pause is None:
                    return None
            await asyncio.sleep(pause)

    async def _hedged(self, target: Target, lateness: Lateness) -> Answer:
        """See `Call.attempt`. If the target is late, another one's answer may be faster."""
        exchange, now = self.call.exchange, self._owner.board.now
        began = now()
        due = lateness.due(self.call.route.hedge, began, stream=exchange.stream)
        if due is None or exchange.hedged is not None:
            answer = await self.call.attempt(target)
        else:
            race = Race(self.call, self.failures, lambda: self._second(target, lateness))
            answer = await race.run(target, due)
            self.call = race.call
            self.left = self.left if race.left is None else race.left
        ended = now()
        lateness.answered(ended - began, ended, stream=exchange.stream)
        return answer

    def _second(self, first: Target, lateness: Lateness) -> tuple[Target, Sequence[Target]] | None:
        """See `pipeline.race.Choose`: the next target that nothing speaks against. That is its first try."""
        board = self._owner.board
        for second in self.left:
            endpoint = second.endpoint.id
            if endpoint not in self._tries and board.is_fit(endpoint) and self.failures.leaves(second):
                if not lateness.withdraw():
                    return None
                self._tries[endpoint] = 1
                return second, [*(target for target in self.left if target is not second), first]
        return None

    def _pause(self, error: UpstreamError, target: Target, *, alone: bool) -> float | None:
        """Seconds until the same target is tried again, before any other; None: it is not."""
        call, endpoint = self.call, target.endpoint.id
        tries = self._tries[endpoint]
        if error.retry != "same" or tries >= call.route.retry.attempts:
            return None
        if call.exchange.entry.operation is Operation.COUNT_TOKENS or self._owner.board.is_broken(endpoint):
            return None
        if isinstance(error, Throttled) and error.retry_after is not None:
            self._resting.append(target)
            return None
        if not alone and error.status in (429, 503):  # while others are left, a full one is not waited for
            return None
        pause = delay(tries, error, self._owner.random, call.time_left())
        return pause if pause is not None and self._may_retry() else None

    def _may_try_again(self, target: Target) -> bool:
        return self._tries[target.endpoint.id] < self.call.route.retry.attempts and self._may_retry()

    def _may_retry(self) -> bool:
        return self._owner.budget.withdraw(self._owner.board.now())

    def _over(self) -> bool:
        return self.failures.final or self.call.time_left() <= 0
