"""Anthropic's headers about what limits have left."""

import math
from datetime import UTC, datetime

from sekisho.core.admission import Left


def lines(measure: str, left: Left, now: float) -> str:
    """Times are given in full, as RFC 3339 has it."""
    name = f"anthropic-ratelimit-{measure}"
    text = f"{name}-limit: {left.amount}\r\n{name}-remaining: {left.remaining}\r\n"
    if left.reset is None:
        return text
    then = datetime.fromtimestamp(math.ceil(now + left.reset), UTC)
    return f"{text}{name}-reset: {then:%Y-%m-%dT%H:%M:%SZ}\r\n"
