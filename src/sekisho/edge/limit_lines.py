"""What a caller's limits have left, as header lines that its client reads.

Of several limits that count the same, the one with the least left is told. A call takes off tokens what it
came to, and nothing before that is known: what it holds at most is given back, and figures would rise again.
"""

from sekisho.core.admission import Admitted, Left, Refusal
from sekisho.core.contract import LimitLines
from sekisho.core.error import BudgetReached, LimitError, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.wire import limit_lines


def lines(exchange: Exchange) -> bytes:
    """For an answer, or a refusal; empty where no limit counts requests or tokens."""
    admitted, write = exchange.admitted, exchange.dialect.limit_lines or limit_lines.lines
    if exchange.refusal is not None:
        return _refused(exchange.refusal, write, exchange.started)
    if admitted is None:
        return b""
    text, claims, left = "", admitted.claims, admitted.left
    requests = tokens = None
    for at in admitted.requests:
        if requests is None or left[at] < left[requests]:
            requests = at
    for at in admitted.tokens:
        if tokens is None or left[at] + claims[at].amount < left[tokens] + claims[tokens].amount:
            tokens = at
    if requests is not None:
        text = write("requests", _left(admitted, requests, left[requests]), exchange.started)
    if tokens is not None:
        room, usage = left[tokens] + claims[tokens].amount, exchange.facts.usage
        if usage is not None and not exchange.stream:
            room -= usage.total
        text += write("tokens", _left(admitted, tokens, room), exchange.started)
    return text.encode()


def not_again(error: SekishoError) -> bytes:
    """The line that keeps SDKs from trying again by themselves, where that cannot help soon."""
    if isinstance(error, BudgetReached) or (isinstance(error, LimitError) and error.retry_after is None):
        return b"x-should-retry: false\r\n"
    return b""


def _left(admitted: Admitted, at: int, room: int) -> Left:
    reset = admitted.whole[at] - admitted.now
    return Left(room if room > 0 else 0, admitted.claims[at].limit.amount, reset)


def _refused(refusal: Refusal, write: LimitLines, now: float) -> bytes:
    limit = refusal.limit
    if limit.measure != "requests" and limit.measure != "tokens":
        return b""
    room = max(0, limit.amount - refusal.used - refusal.held)
    return write(limit.measure, Left(room, limit.amount, refusal.reset), now).encode()
