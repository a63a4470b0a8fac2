"""How long to wait before the same target is tried again."""

from random import Random

from sekisho.core.error import UpstreamError

FIRST = 0.25
"""Seconds: the most that the first wait lasts; each further one may last twice as long."""
LONGEST = 8.0


def delay(attempt: int, error: UpstreamError, random: Random, budget_left: float) -> float | None:
    """Seconds to wait before trying the same target again; None: do not retry here.

    `attempt` is the number of the try that just failed, from 1; how many tries there may be is the
    caller's (`RetryPolicy`). `budget_left` is the time in seconds that the call has left: a wait that
    would use it up is no retry. Exponential with full jitter, so that clients that failed together do not
    come back together. A provider's Retry-After is a floor, never shortened.
    """
    if error.retry != "same":
        return None
    jitter = random.uniform(0.0, min(LONGEST, FIRST * 2 ** min(attempt - 1, 16)))
    wait = jitter if error.retry_after is None else max(error.retry_after, 0.0) + min(jitter, FIRST)
    return wait if wait < budget_left else None
