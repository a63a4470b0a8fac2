"""What a caller's limits have left, as header lines that its client reads.

Of several limits that count the same, the one with the least left is told. A call takes off tokens what it
came to, and nothing before that is known: what it holds at most is given back, and figures would rise again.
"""

from collections.abc import Sequence
from typing import Literal

from sekisho.core.admission import Left, Refusal, Standing
from sekisho.core.error import BudgetReached, LimitError, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.core.limit import Claim
from sekisho.wire import limit_lines

Told = Literal["requests", "tokens"]
MEASURES: tuple[Told, ...] = ("requests", "tokens")


def lines(exchange: Exchange) -> bytes:
    """For an answer, or a refusal; empty where no limit counts requests or tokens."""
    refusal = exchange.refusal
    least = _left(exchange, exchange.standings, exchange.claims) if refusal is None else _room(refusal)
    text = ""
    for measure in MEASURES:
        left = least.get(measure)
        if left is not None:
            write = exchange.dialect.limit_lines or limit_lines.lines
            text += write(measure, left, exchange.started)
    return text.encode()


def not_again(error: SekishoError) -> bytes:
    """The line that keeps SDKs from trying again by themselves, where that cannot help soon."""
    if isinstance(error, BudgetReached) or (isinstance(error, LimitError) and error.retry_after is None):
        return b"x-should-retry: false\r\n"
    return b""


def _room(refusal: Refusal) -> dict[str, Left]:
    room = max(0, refusal.limit.amount - refusal.used - refusal.held)
    return {refusal.limit.measure: Left(room, refusal.limit.amount, refusal.reset)}


def _left(exchange: Exchange, standings: Sequence[Standing], claims: Sequence[Claim]) -> dict[str, Left]:
    """By what the limits count."""
    least: dict[str, Left] = {}
    for standing, claim in zip(standings, claims, strict=True):
        limit, remaining = standing.limit, standing.remaining
        if limit.measure == "tokens":
            usage = None if exchange.stream else exchange.facts.usage
            remaining += claim.amount - (0 if usage is None else usage.total)
        elif limit.measure != "requests":
            continue
        if limit.measure not in least or remaining < least[limit.measure].remaining:
            least[limit.measure] = Left(max(0, remaining), limit.amount, standing.reset)
    return least
