"""Anthropic's headers about what limits have left."""

import math
from datetime import UTC, datetime
from functools import lru_cache

from sekisho.core.limit import Told


@lru_cache(maxsize=4096)
def lines(measure: Told, amount: int, reset: float | None, second: int) -> tuple[str, str]:
    """See `core.contract.LimitLines`. Times are given in full, as RFC 3339 has it."""
    name = f"anthropic-ratelimit-{measure}"
    before, after = f"{name}-limit: {amount}\r\n{name}-remaining: ", "\r\n"
    if reset is not None:
        then = datetime.fromtimestamp(second + math.ceil(reset), UTC)
        after = f"\r\n{name}-reset: {then:%Y-%m-%dT%H:%M:%SZ}\r\n"
    return before, after
