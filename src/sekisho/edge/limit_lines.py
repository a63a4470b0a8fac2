"""What a caller's limits have left, as header lines that its client reads.

Of several limits that count the same, the one with the least left is told. A call takes off tokens what it
came to, and nothing before that is known: what it holds at most is given back, and figures would rise again.
"""

from math import inf

from sekisho.core.admission import Admitted, Left, Refusal
from sekisho.core.error import BudgetReached, LimitError, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.core.limit import Told
from sekisho.wire import limit_lines


def lines(exchange: Exchange) -> bytes:
    """For an answer, or a refusal; empty where no limit counts requests or tokens."""
    refusal, admitted = exchange.refusal, exchange.admitted
    if refusal is not None:
        measure = refusal.limit.measure
        if measure == "requests" or measure == "tokens":
            return _written(exchange, measure, _room(refusal)).encode()
        return b""
    if admitted is None:
        return b""
    requests = tokens = None
    for at in admitted.told:
        claim, room = admitted.claims[at], admitted.left[at]
        if claim.limit.measure == "requests":
            if requests is None or room < requests[0]:
                requests = room, at
            continue
        room += claim.amount
        if tokens is None or room < tokens[0]:
            tokens = room, at
    text = "" if requests is None else _written(exchange, "requests", _left(admitted, *requests))
    if tokens is not None:
        room, at = tokens
        usage = None if exchange.stream else exchange.facts.usage
        if usage is not None:
            room -= usage.total
        text += _written(exchange, "tokens", _left(admitted, room, at))
    return text.encode()


def not_again(error: SekishoError) -> bytes:
    """The line that keeps SDKs from trying again by themselves, where that cannot help soon."""
    if isinstance(error, BudgetReached) or (isinstance(error, LimitError) and error.retry_after is None):
        return b"x-should-retry: false\r\n"
    return b""


def _written(exchange: Exchange, measure: Told, left: Left) -> str:
    return (exchange.dialect.limit_lines or limit_lines.lines)(measure, left, exchange.started)


def _left(admitted: Admitted, room: int, at: int) -> Left:
    whole = admitted.whole[at]
    reset = None if whole == inf else whole - admitted.now
    return Left(room if room > 0 else 0, admitted.claims[at].limit.amount, reset)


def _room(refusal: Refusal) -> Left:
    room = max(0, refusal.limit.amount - refusal.used - refusal.held)
    return Left(room, refusal.limit.amount, refusal.reset)
