"""Headers about what limits have left, as OpenAI writes them and most clients read them."""

from functools import lru_cache
from math import ceil

from sekisho.core.limit import Told

_UNITS = ((3600, "h"), (60, "m"))


@lru_cache(maxsize=4096)
def lines(measure: Told, amount: int, reset: float | None, _second: int) -> tuple[str, str]:
    """See `core.contract.LimitLines`. Without a time where none is known."""
    before = f"x-ratelimit-limit-{measure}: {amount}\r\nx-ratelimit-remaining-{measure}: "
    after = "\r\n" if reset is None else f"\r\nx-ratelimit-reset-{measure}: {duration(reset)}\r\n"
    return before, after


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
