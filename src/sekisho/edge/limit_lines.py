"""What a caller's limits have left, as header lines that its client reads.

Of several limits that count the same, the one with the least left is told. A call takes off tokens what it
came to, and nothing before that is known: what it holds at most is given back, and figures would rise again.
"""

from math import ceil

from sekisho.core.admission import Refusal
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
    text, second = "", ceil(exchange.started)
    left, whole, claims = admitted.left, admitted.whole, admitted.claims
    if at := admitted.requests:
        least = at[0] if len(at) == 1 else min(at, key=left.__getitem__)
        amount, reset = claims[least].limit.amount, ceil(whole[least] - admitted.now)
        before, after = write("requests", amount, reset, second)
        text = f"{before}{left[least]}{after}"
    if at := admitted.tokens:
        least = at[0] if len(at) == 1 else min(at, key=lambda at: left[at] + claims[at].amount)
        claim, reset, usage = claims[least], ceil(whole[least] - admitted.now), exchange.facts.usage
        room = left[least] + claim.amount
        if usage is not None and not exchange.stream:
            room -= usage.total
            if room < 0:
                room = 0
        before, after = write("tokens", claim.limit.amount, reset, second)
        text += f"{before}{room}{after}"
    return text.encode()


def not_again(error: SekishoError) -> bytes:
    """The line that keeps SDKs from trying again by themselves, where that cannot help soon."""
    if isinstance(error, BudgetReached) or (isinstance(error, LimitError) and error.retry_after is None):
        return b"x-should-retry: false\r\n"
    return b""


def _refused(refusal: Refusal, write: LimitLines, now: float) -> bytes:
    limit = refusal.limit
    if limit.measure != "requests" and limit.measure != "tokens":
        return b""
    room = max(0, limit.amount - refusal.used - refusal.held)
    before, after = write(limit.measure, limit.amount, refusal.reset, ceil(now))
    return f"{before}{room}{after}".encode()
