"""Headers about what limits have left, as OpenAI writes them and most clients read them."""

from functools import lru_cache
from math import ceil

from sekisho.core.admission import Left

_UNITS = ((3600, "h"), (60, "m"))


def lines(measure: str, left: Left, _now: float) -> str:
    """Without a time where none is known."""
    reset = left.reset
    if reset is not None and reset > 1:
        reset = ceil(reset)
    before, after = _around(measure, left.amount, reset)
    return f"{before}{left.remaining}{after}"


@lru_cache(maxsize=4096)
def _around(measure: str, amount: int, reset: float | None) -> tuple[str, str]:
    """What stays the same from call to call within a second, before and after what remains."""
    before = f"x-ratelimit-limit-{measure}: {amount}\r\nx-ratelimit-remaining-{measure}: "
    return before, "\r\n" if reset is None else f"\r\nx-ratelimit-reset-{measure}: {duration(reset)}\r\n"


def duration(seconds: float) -> str:
    """`6m0s`, `120ms`."""
    if seconds < 1:
        return f"{max(0, ceil(seconds * 1000))}ms"
    left, text = ceil(seconds), ""
    for length, unit in _UNITS:
        count, left = divmod(left, length)
        if count or text:
            text += f"{count}{unit}"
    return f"{text}{left}s"
