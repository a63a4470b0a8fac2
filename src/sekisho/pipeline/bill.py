"""What an answer came to that several targets made, or ran for: each is paid for its own, the client sees one
answer."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from sekisho.core.exchange import Exchange
from sekisho.core.money import Rates
from sekisho.core.money import cost as cost_of
from sekisho.core.provider import Endpoint
from sekisho.core.record import AttemptRecord
from sekisho.core.usage import Usage
from sekisho.metering.prices import price_call, rates_of


class Bill(msgspec.Struct, frozen=True):
    usage: Usage | None
    """As the client saw it."""
    cost: int | None
    """Nano-USD; None: nothing is known of a price, or there is no usage."""
    unpriced: bool
    attempts: tuple[AttemptRecord, ...]
    rates: Rates | None
    """Of the last target."""
    waived: int | None = None
    """As in the record."""


def whole(exchange: Exchange, usage: Usage | None) -> Bill:
    """The whole call's, if its last target came to `usage`."""
    if exchange.coalesced is not None:  # somebody else's answer, who pays for it
        return Bill(usage, None if usage is None else 0, unpriced=False, attempts=(), rates=None)
    endpoint, rates, cost = exchange.endpoint, None, None
    if endpoint is not None and endpoint.price is not None and usage is not None:
        rates = rates_of(usage, endpoint.price, exchange.facts.service_tier)
        cost = cost_of(usage, rates)
    if not exchange.pieces and not exchange.outrun:
        return Bill(usage, cost, usage is not None and cost is None, tuple(exchange.attempts), rates)
    attempts, costs = list(exchange.attempts), list(exchange.outrun)
    for piece in exchange.pieces:
        share = price(piece.endpoint, piece.usage, piece.service_tier)
        costs.append(share)
        attempts[piece.attempt] = replace(
            attempts[piece.attempt], model=piece.endpoint.model, usage=piece.usage, cost=share
        )
    if usage is not None and exchange.answering is not None:
        costs.append(cost)
        attempts[exchange.answering] = replace(attempts[exchange.answering], usage=usage, cost=cost)
    known = [each for each in costs if each is not None]
    return Bill(
        usage=seen(exchange, usage),
        cost=sum(known) if known else None,
        unpriced=len(known) < len(costs),
        attempts=tuple(attempts),
        rates=rates,
    )


def waive(exchange: Exchange, bill: Bill) -> Bill:
    """The bill of a call that brought nothing: providers are paid, and its key pays nothing."""
    attempts, at = list(bill.attempts), exchange.answering
    if at is not None and attempts[at].usage is None:
        attempts[at] = replace(attempts[at], usage=bill.usage, cost=bill.cost)
    return replace(bill, usage=None, cost=0, attempts=tuple(attempts), waived=bill.cost or 0)


def seen(exchange: Exchange, last: Usage | None) -> Usage | None:
    """What the client is told, if the last target came to that: its own prompt once, as the first one counted
    it, and all that was produced. What a broken stream came to is an estimate."""
    if not exchange.pieces:
        return last
    counts = [piece.usage for piece in exchange.pieces] + ([] if last is None else [last])
    return replace(
        counts[0],
        output=sum(count.output for count in counts),
        reasoning=sum(count.reasoning for count in counts),
        output_audio=sum(count.output_audio for count in counts),
        estimated=True,
    )


def shown_cost(exchange: Exchange, usage: Usage, service_tier: str | None) -> int | None:
    """What a client that is shown money is told beside `usage`; the prompt's share, where that has no output.
    None: it is not known."""
    if not exchange.pieces:
        return _total([price(exchange.endpoint, usage, service_tier), *exchange.outrun])
    paid: list[tuple[Endpoint | None, Usage | None, str | None]] = [
        *((piece.endpoint, piece.usage, piece.service_tier) for piece in exchange.pieces),
        (exchange.endpoint, exchange.facts.usage, service_tier),
    ]
    if not usage.output:
        paid = [(endpoint, count and _prompt_of(count), tier) for endpoint, count, tier in paid]
    return _total([*(price(*each) for each in paid), *exchange.outrun])


def price(endpoint: Endpoint | None, usage: Usage | None, service_tier: str | None) -> int | None:
    if endpoint is None or usage is None:
        return None
    return price_call(usage, endpoint.price, service_tier)


def _prompt_of(usage: Usage) -> Usage:
    return replace(usage, output=0, reasoning=0, output_audio=0)


def _total(costs: Sequence[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
