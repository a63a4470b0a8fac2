"""What a caller's limits have left, as header lines that its client reads.

Of several limits that count the same, the one with the least left is told. A call takes off tokens what it
came to, and nothing before that is known: what it holds at most is given back, and figures would rise again.
"""

from collections.abc import Iterator
from typing import Literal

from sekisho.core.admission import Left, Refusal, Standing
from sekisho.core.error import BudgetReached, LimitError, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.wire import limit_lines

Told = Literal["requests", "tokens"]
MEASURES: tuple[Told, ...] = ("requests", "tokens")


def lines(exchange: Exchange) -> bytes:
    """For an answer, or a refusal; empty where no limit counts requests or tokens."""
    text = ""
    for measure in MEASURES:
        found = list(_left(exchange, measure))
        if found:
            write = exchange.dialect.limit_lines or limit_lines.lines
            text += write(measure, min(found), exchange.started)
    return text.encode()


def not_again(error: SekishoError) -> bytes:
    """The line that keeps SDKs from trying again by themselves, where that cannot help soon."""
    if isinstance(error, BudgetReached) or (isinstance(error, LimitError) and error.retry_after is None):
        return b"x-should-retry: false\r\n"
    return b""


def _left(exchange: Exchange, measure: Told) -> Iterator[Left]:
    refusal = exchange.refusal
    if refusal is not None:
        if refusal.limit.measure == measure:
            yield Left(_room(refusal), refusal.limit.amount, refusal.reset)
        return
    for standing in exchange.standings:
        if standing.limit.measure == measure:
            yield Left(_remaining(exchange, standing), standing.limit.amount, standing.reset)


def _room(refusal: Refusal) -> int:
    return max(0, refusal.limit.amount - refusal.used - refusal.held)


def _remaining(exchange: Exchange, standing: Standing) -> int:
    remaining = standing.remaining
    if standing.limit.measure != "requests":
        held = next(claim.amount for claim in exchange.claims if claim.counter == standing.counter)
        usage = exchange.facts.usage
        remaining += held - (usage.total if usage is not None and not exchange.stream else 0)
    return max(0, remaining)
