"""Limits of the caller: what a call may come to is claimed before anybody is asked, and settled with what it
came to when it has ended, however it ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from sekisho.core.admission import Refusal
from sekisho.core.exchange import Exchange
from sekisho.core.limit import Claim, Limit
from sekisho.core.operation import RETRIEVAL, Operation
from sekisho.core.port import Counters
from sekisho.core.principal import Principal
from sekisho.core.record import CallRecord
from sekisho.core.route import Route, Snapshot, Target
from sekisho.core.tariff import tariff_at
from sekisho.metering import most
from sekisho.metering.counted import came_to, counter_for
from sekisho.metering.most import Size
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.ask import answers, max_tokens
from sekisho.pipeline.refusals import error_of
from sekisho.pipeline.retrieve import searches
from sekisho.pipeline.steps.access import may_use

GRACE = 300.0
"""Seconds for which a hold outlasts the call's own limit: clients may be slow to read."""
Plan = Callable[[Route], Sequence[Target]]
Course = tuple[Route, Sequence[Target]]
"""Where a call goes."""


@dataclass(slots=True)
class Admission:
    counters: Counters
    tokens: Tokens

    async def admit(self, exchange: Exchange, snapshot: Snapshot, course: Course, plan: Plan) -> Course:
        """Hold what the call may come to on its course, or on a cheaper one where limit and route allow that.

        Returns the course that it is to take. Raises LimitReached, BudgetReached or CountersLost.
        """
        while (refusal := await self._hold(exchange, *course)) is not None:
            cheaper = _cheaper(refusal, exchange, snapshot, course[0])
            if cheaper is None:
                exchange.refusal = refusal
                raise error_of(refusal)
            exchange.degraded = cheaper.name
            course = (cheaper, plan(cheaper))
        return course

    def settle(self, exchange: Exchange, record: CallRecord | None) -> None:
        """Once the call has ended; a second time changes nothing. None: no record could be made of it, and
        nobody knows what it came to: it is taken to be all that was held.

        An answer that its provider goes on making stays held until its lease ends, or `settle_late` knows.
        """
        claims, exchange.claims = exchange.claims, ()
        if not claims or (record is not None and record.outcome == "ok" and exchange.facts.pending):
            return
        if record is None:
            actuals = {claim.counter: claim.amount for claim in claims}
        else:
            actuals = {claim.counter: came_to(claim.limit, record) for claim in claims}
        self.counters.settle(exchange.id, actuals)

    def settle_late(self, call_id: str, principal: Principal, record: CallRecord) -> None:
        """What an answer came to that was made after its call had ended. `record`: the settlement."""
        if principal.limits:
            actuals = {
                counter_for(limit, record.user, record.session): came_to(limit, record)
                for limit in principal.limits
            }
            self.counters.settle(call_id, actuals)

    async def _hold(self, exchange: Exchange, route: Route, targets: Sequence[Target]) -> Refusal | None:
        """None: all is held, or there is nothing to hold."""
        claims = self.claims(exchange, route, targets)
        if not claims:
            return None
        exchange.claims = claims  # before anything is asked: who is cancelled meanwhile settles
        answer = await self.counters.admit(exchange.id, claims, route.timeouts.total + GRACE)
        if isinstance(answer, Refusal):
            exchange.claims = ()
            return answer
        exchange.standings = answer
        return None

    def claims(self, exchange: Exchange, route: Route, targets: Sequence[Target]) -> tuple[Claim, ...]:
        """What the call takes of each limit that it falls under; of one for a model or a provider if any of
        the targets might answer as such."""
        reckoning: _Reckoning | None = None
        claims = []
        for limit in exchange.principal.limits:
            if limit.tag is not None and limit.tag not in exchange.tags:
                continue
            places: Sequence[int] = range(len(targets))
            if limit.model is not None or limit.provider is not None:
                found = [at for at, target in enumerate(targets) if _is_about(limit, target)]
                if not found:
                    continue
                places = found
            if limit.measure in ("requests", "concurrent"):
                amount = 1
            else:
                if reckoning is None:
                    reckoning = _Reckoning(exchange, route, targets, self.tokens)
                amount = reckoning.amount(limit, places)
            claims.append(Claim(limit, counter_for(limit, exchange.user, exchange.session), amount))
        return tuple(claims)


class _Reckoning:
    """What a call may come to at each of its targets, worked out once for all limits."""

    __slots__ = ("_began", "_costs", "_size", "_targets", "_times", "_tokens")

    def __init__(self, exchange: Exchange, route: Route, targets: Sequence[Target], tokens: Tokens):
        members, body = exchange.members, exchange.body
        size = Size(
            output=max_tokens(members),
            answers=0 if exchange.entry.operation in RETRIEVAL else answers(members),
            hour=b'"1h"' in body,
            audio=b"audio" in body or b"Audio" in body,
            tier="service_tier" in members or "serviceTier" in members,
            searches=searches(members) if exchange.entry.operation is Operation.RERANK else 1,
        )
        prompts: dict[int, int] = {}
        self._size, self._targets, self._began = size, targets, exchange.started
        self._costs: list[int] = []
        self._tokens: list[tuple[int, int]] = []
        """Of prompt and output."""
        for target in targets:
            endpoint = target.endpoint
            family = id(tokens.family(endpoint))
            if family not in prompts:
                prompts[family] = most.prompt_at_most(tokens.estimate(members, endpoint))
            prompt, output = prompts[family], most.output_at_most(endpoint, size)
            self._costs.append(most.cost_at_most(endpoint.price, prompt, output, size))
            self._tokens.append((prompt, output))
        self._times = 2 if route.hedge is not None and len(targets) > 1 else 1
        """Targets that may be paid for the same answer."""

    def amount(self, limit: Limit, places: Sequence[int]) -> int:
        """Of the dearest of these targets; where two may run for an answer, of the two dearest."""
        of_each = [self._of(limit, at) for at in places]
        if len(places) == 1:
            return of_each[0]
        return sum(sorted(of_each, reverse=True)[: self._times])

    def _of(self, limit: Limit, at: int) -> int:
        if limit.measure == "tokens":
            return sum(self._tokens[at])
        if limit.tariffs is None:
            return self._costs[at]
        tariff = tariff_at(limit.tariffs, self._began)
        model = self._targets[at].endpoint.model
        return most.charge_at_most(tariff, model, self._costs[at], self._tokens[at], self._size)


def _is_about(limit: Limit, target: Target) -> bool:
    endpoint = target.endpoint
    return limit.model in (None, endpoint.model) and limit.provider in (None, endpoint.provider.name)


def _cheaper(refusal: Refusal, exchange: Exchange, snapshot: Snapshot, route: Route) -> Route | None:
    """Where the call may go instead; None: nowhere."""
    if exchange.entry.operation is Operation.EMBEDDINGS:
        return None  # another model's would be of no use
    if refusal.limit.when_reached != "degrade" or refusal.reason == "lost" or route.degrade is None:
        return None
    cheaper = snapshot.find(route.degrade)
    if cheaper is None or not may_use(exchange.principal, cheaper):
        return None
    structlog.get_logger().info("call_degraded", limit=refusal.limit.id, model=cheaper.name)
    return cheaper
