"""Headers about what limits have left, as OpenAI writes them and most clients read them."""

import math
from functools import lru_cache

from sekisho.core.admission import Left

_UNITS = ((3600, "h"), (60, "m"))


def lines(measure: str, left: Left, _now: float) -> str:
    """Without a time where none is known."""
    text = (
        f"x-ratelimit-limit-{measure}: {left.amount}\r\nx-ratelimit-remaining-{measure}: {left.remaining}\r\n"
    )
    return text if left.reset is None else f"{text}x-ratelimit-reset-{measure}: {duration(left.reset)}\r\n"


def duration(seconds: float) -> str:
    """`6m0s`, `120ms`."""
    if seconds < 1:
        return f"{max(0, math.ceil(seconds * 1000))}ms"
    return _whole(math.ceil(seconds))


@lru_cache(maxsize=4096)
def _whole(seconds: int) -> str:
    left, text = seconds, ""
    for length, unit in _UNITS:
        count, left = divmod(left, length)
        if count or text:
            text += f"{count}{unit}"
    return f"{text}{left}s"
