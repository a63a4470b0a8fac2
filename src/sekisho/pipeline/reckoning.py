"""What a call may come to, and so what it claims of the limits that it falls under."""

from collections.abc import Callable, Sequence

from sekisho.core.exchange import Exchange
from sekisho.core.limit import SETTLED, Claim, Limit
from sekisho.core.operation import RETRIEVAL, Operation
from sekisho.core.provider import Endpoint
from sekisho.core.route import Route, Target
from sekisho.core.tariff import tariff_at
from sekisho.metering import most
from sekisho.metering.counted import counter_for
from sekisho.metering.most import Size
from sekisho.pipeline.ask import answers, max_tokens
from sekisho.pipeline.retrieve import searches

PLAIN = Size()
_PLAIN = frozenset(
    {
        "model", "messages", "stream", "stream_options", "temperature", "top_p", "top_k", "stop",
        "stop_sequences", "system", "instructions", "input", "contents", "user", "metadata", "seed", "store",
        "presence_penalty", "frequency_penalty",
    }
)  # fmt: skip
HOUR = b'"1h"'


is_plain = _PLAIN.issuperset
"""Of a request's members: whether it says nothing of what it may come to if it is text alone."""


def size_of(exchange: Exchange) -> Size:
    """As its request says."""
    members, body, operation = exchange.members, exchange.body, exchange.entry.operation
    return Size(
        output=max_tokens(members),
        answers=0 if operation in RETRIEVAL else answers(members),
        searches=searches(members) if operation is Operation.RERANK else 1,
        hour=HOUR in body,
        audio=b"audio" in body or b"Audio" in body,
        tier="service_tier" in members or "serviceTier" in members,
    )


class Reckoning:
    """What a call may come to at each of its targets, worked out once for all limits."""

    __slots__ = ("_costs", "_prompt", "_size", "_targets", "_times", "_tokens")

    def __init__(
        self, route: Route, targets: Sequence[Target], size: Size, prompt: Callable[[Endpoint], int]
    ):
        """`prompt`: tokens of the prompt at most, as an endpoint counts them; asked when anybody wants to
        know."""
        self._targets, self._size, self._prompt = targets, size, prompt
        self._costs: list[int] = []
        self._tokens: list[tuple[int, int]] = []
        """Of prompt and output."""
        self._times = 2 if route.hedge is not None and len(targets) > 1 else 1
        """Targets that may be paid for the same answer."""

    def amount(self, limit: Limit, places: Sequence[int], began: float) -> int:
        """Of the dearest of these targets; where two may run for an answer, of the two dearest. `began`:
        when the call did, in seconds since the epoch."""
        if not self._tokens:
            self._work_out()
        of_each = [self._of(limit, at, began) for at in places]
        if len(places) == 1:
            return of_each[0]
        return sum(sorted(of_each, reverse=True)[: self._times])

    def _work_out(self) -> None:
        for target in self._targets:
            endpoint = target.endpoint
            prompt, output = self._prompt(endpoint), most.output_at_most(endpoint, self._size)
            self._costs.append(most.cost_at_most(endpoint.price, prompt, output, self._size))
            self._tokens.append((prompt, output))

    def _of(self, limit: Limit, at: int, began: float) -> int:
        if limit.measure == "tokens":
            return sum(self._tokens[at])
        if limit.tariffs is None:
            return self._costs[at]
        tariff = tariff_at(limit.tariffs, began)
        model = self._targets[at].endpoint.model
        return most.charge_at_most(tariff, model, self._costs[at], self._tokens[at], self._size)


def claims_of(exchange: Exchange, targets: Sequence[Target], reckoning: Reckoning) -> tuple[Claim, ...]:
    """What the call takes of each limit that it falls under; of one for a model or a provider if any of the
    targets might answer as such."""
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
        counted = limit.measure in SETTLED
        amount = reckoning.amount(limit, places, exchange.started) if counted else 1
        claims.append(Claim(limit, counter_for(limit, exchange.user, exchange.session), amount))
    return tuple(claims)


def _is_about(limit: Limit, target: Target) -> bool:
    endpoint = target.endpoint
    return limit.model in (None, endpoint.model) and limit.provider in (None, endpoint.provider.name)
