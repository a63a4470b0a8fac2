"""What a caller's limits have left, as header lines that its client reads.

Of several limits that count the same, the one with the least left is told. A call takes off tokens what it
came to, and nothing before that is known: what it holds at most is given back, and figures would rise again.
"""

from sekisho.core.admission import Left, Refusal, Standing
from sekisho.core.error import BudgetReached, LimitError, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.core.limit import Measure
from sekisho.wire import limit_lines


def lines(exchange: Exchange) -> bytes:
    """For an answer, or a refusal; empty where no limit counts requests or tokens."""
    refusal = exchange.refusal
    if refusal is not None:
        return _written(exchange, refusal.limit.measure, _room(refusal)).encode()
    requests = tokens = None
    for standing in exchange.standings:
        measure = standing.claim.limit.measure
        if measure == "requests":
            if requests is None or standing.remaining < requests.remaining:
                requests = standing
        elif measure == "tokens" and (tokens is None or _given_back(standing) < _given_back(tokens)):
            tokens = standing
    text = ""
    if requests is not None:
        left = Left(max(0, requests.remaining), requests.limit.amount, requests.reset)
        text = _written(exchange, "requests", left)
    if tokens is not None:
        usage = None if exchange.stream else exchange.facts.usage
        remaining = _given_back(tokens) - (0 if usage is None else usage.total)
        text += _written(exchange, "tokens", Left(max(0, remaining), tokens.limit.amount, tokens.reset))
    return text.encode()


def not_again(error: SekishoError) -> bytes:
    """The line that keeps SDKs from trying again by themselves, where that cannot help soon."""
    if isinstance(error, BudgetReached) or (isinstance(error, LimitError) and error.retry_after is None):
        return b"x-should-retry: false\r\n"
    return b""


def _written(exchange: Exchange, measure: Measure, left: Left) -> str:
    if measure not in ("requests", "tokens"):
        return ""
    return (exchange.dialect.limit_lines or limit_lines.lines)(measure, left, exchange.started)


def _given_back(standing: Standing) -> int:
    """What remains but for what the call holds."""
    return standing.remaining + standing.claim.amount


def _room(refusal: Refusal) -> Left:
    room = max(0, refusal.limit.amount - refusal.used - refusal.held)
    return Left(room, refusal.limit.amount, refusal.reset)
