"""Limits of the caller: what a call may come to is claimed before anybody is asked, and settled with what it
came to when it has ended, however it ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from sekisho.core.admission import Refusal
from sekisho.core.exchange import Exchange
from sekisho.core.limit import SETTLED, Alike, Claim, Limit
from sekisho.core.operation import Operation
from sekisho.core.port import Counters
from sekisho.core.principal import Principal
from sekisho.core.provider import Endpoint
from sekisho.core.record import CallRecord
from sekisho.core.route import Route, Snapshot, Target
from sekisho.metering import most
from sekisho.metering.attachments import is_text_alone
from sekisho.metering.counted import all_came_to, came_to, counter_for, tokens_of
from sekisho.metering.most import STEP, Size
from sekisho.metering.prompt import TOOL_MEMBERS
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.reckoning import PLAIN, Reckoning, claims_of, is_plain, size_of
from sekisho.pipeline.refusals import error_of
from sekisho.pipeline.steps.access import may_use

GRACE = 300.0
"""Seconds for which a hold outlasts the call's own limit: clients may be slow to read."""
LONGEST = 8192
"""Bytes of a request whose length may stand in for a count of its prompt."""
MOST_KINDS = 2_000
"""Of calls, whose claims are kept for others like them."""
_TOOLS = frozenset(TOOL_MEMBERS)
EXTENDED = ("usd", "tokens")
"""What a call takes more of where another target goes on with its answer. It stays one call."""
Plan = Callable[[Route], Sequence[Target]]
Course = tuple[Route, Sequence[Target]]
"""Where a call goes."""
Kind = tuple[int, int, int, Size | None]
"""What the claims of a call follow from, objects by their ids. None: its request says nothing of its size."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Claims of calls of one kind, with the objects that it goes by: no others have their ids meanwhile."""

    limits: tuple[Limit, ...]
    target: Target
    claims: Alike


@dataclass(slots=True)
class Admission:
    counters: Counters
    tokens: Tokens
    kept: dict[Kind, Kept] = field(default_factory=dict)
    grace: float = GRACE

    def admit_now(self, exchange: Exchange, route: Route, targets: Sequence[Target]) -> bool:
        """As `admit`, for most calls: short ones that limits have room for, where counters need not be waited
        for. False: `admit` is to be asked."""
        claims = exchange.claims = self._by_length(exchange, route, targets)
        if not claims:
            return False
        answer = self.counters.admit_now(exchange.id, claims, route.timeouts.total + self.grace)
        if answer is None or isinstance(answer, Refusal):
            return False
        exchange.admitted = answer
        return True

    async def admit(self, exchange: Exchange, snapshot: Snapshot, course: Course, plan: Plan) -> Course:
        """Hold what the call may come to on its course, or on a cheaper one where limit and route allow that.

        Returns the course that it is to take. Raises LimitReached, BudgetReached or CountersLost.
        """
        while True:
            route, targets = course
            short = exchange.claims or self._by_length(exchange, route, targets)
            claims = short or self.claims(exchange, route, targets)
            if not claims:
                return course
            lease = route.timeouts.total + self.grace
            exchange.claims = claims  # before anything is asked: who is cancelled meanwhile settles
            answer = await self.counters.admit(exchange.id, claims, lease)
            if short and isinstance(answer, Refusal) and _is_for_its_size(answer):
                exchange.claims = claims = self.claims(exchange, route, targets)
                answer = await self.counters.admit(exchange.id, claims, lease)
            if not isinstance(answer, Refusal):
                exchange.admitted = answer
                return course
            exchange.claims = ()
            cheaper = _cheaper(answer, exchange, snapshot, route)
            if cheaper is None:
                exchange.refusal = answer
                raise error_of(answer)
            exchange.degraded = cheaper.name
            course = (cheaper, plan(cheaper))

    def settle(self, exchange: Exchange, record: CallRecord | None) -> None:
        """Once the call has ended; a second time changes nothing. None: no record could be made of it, and
        nobody knows what it came to: it is taken to be all that was held.

        An answer that its provider goes on making stays held until its lease ends, or `settle_late` knows.
        """
        claims, exchange.claims = exchange.claims, ()
        if not claims or (record is not None and record.outcome == "ok" and exchange.facts.pending):
            return
        if record is None:
            self.counters.settle(exchange.id, {claim.counter: claim.amount for claim in claims})
        elif isinstance(claims, Alike) and claims.plain:
            self.counters.settle_alike(exchange.id, claims, record.cost or 0, tokens_of(record))
        else:
            self.counters.settle(exchange.id, all_came_to(claims, record))
        for extension in exchange.extensions:  # afterwards: what was held for them is used by now
            self.counters.release(extension)

    async def extend(self, exchange: Exchange, route: Route, targets: Sequence[Target]) -> bool:
        """Hold what one of these targets may come to beside those that were asked, until the call is
        settled. False: a limit has no room for that."""
        if not exchange.claims:
            return True
        claims = [claim for claim in self.claims(exchange, route, targets) if claim.limit.measure in EXTENDED]
        if not claims:
            return True
        hold_id = f"{exchange.id}+{len(exchange.extensions) + 1}"
        answer = await self.counters.admit(hold_id, claims, route.timeouts.total + self.grace)
        if isinstance(answer, Refusal):
            return False
        exchange.extensions = (*exchange.extensions, hold_id)
        return True

    def settle_late(self, call_id: str, principal: Principal, record: CallRecord) -> None:
        """What an answer came to that was made after its call had ended. `record`: the settlement."""
        if principal.limits:
            actuals = {
                counter_for(limit, record.user, record.session): came_to(limit, record)
                for limit in principal.limits
            }
            self.counters.settle(call_id, actuals)

    def claims(self, exchange: Exchange, route: Route, targets: Sequence[Target]) -> tuple[Claim, ...]:
        """What the call takes of each limit that it falls under; of one for a model or a provider if any of
        the targets might answer as such."""
        estimates: dict[int, int] = {}

        def prompt(endpoint: Endpoint) -> int:
            family = id(self.tokens.family(endpoint))
            if family not in estimates:
                estimates[family] = most.prompt_at_most(self.tokens.estimate(exchange.members, endpoint))
            return estimates[family]

        return claims_of(exchange, targets, Reckoning(route, targets, size_of(exchange), prompt))

    def _by_length(self, exchange: Exchange, route: Route, targets: Sequence[Target]) -> tuple[Claim, ...]:
        """The claims of a call whose prompt is short beside its longest answer: the length of the request
        holds little more than a count of it would. Empty: it must be counted."""
        body = exchange.body
        if len(body) > LONGEST or exchange.entry.operation is not Operation.CHAT or not is_text_alone(body):
            return ()
        said = None
        if not is_plain(exchange.members):
            if not _TOOLS.isdisjoint(exchange.members):
                return ()
            said = size_of(exchange)
        limits, target = exchange.principal.limits, targets[0]
        kind = (id(limits), id(target), len(body) // STEP, said)
        kept = self.kept.get(kind)
        if kept is not None and len(targets) == 1:
            return kept.claims
        size = said or PLAIN
        prompt = most.prompt_by_length(len(body))
        if any(prompt * most.SHORT > most.output_at_most(each.endpoint, size) for each in targets):
            return ()
        claims = claims_of(exchange, targets, Reckoning(route, targets, size, lambda _: prompt))
        if len(targets) == 1 and not any(map(_tells_calls_apart, limits)):
            if len(self.kept) >= MOST_KINDS:
                self.kept.clear()
            claims = Alike(claims)
            self.kept[kind] = Kept(limits, target, claims)
        return claims


def _tells_calls_apart(limit: Limit) -> bool:
    """By more than where they go, and how large they are."""
    return limit.each is not None or limit.tag is not None or limit.tariffs is not None


def _is_for_its_size(refusal: Refusal) -> bool:
    """A smaller call might have been admitted."""
    return refusal.reason == "reached" and refusal.limit.measure in SETTLED


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
