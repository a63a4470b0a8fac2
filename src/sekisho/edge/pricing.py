"""Prices as OpenRouter's API document spells them: USD for a token, as decimal text."""

from functools import lru_cache

import msgspec

from sekisho.core.money import Price, Rates
from sekisho.wire import json


def pricing(price: Price | None) -> dict[str, str]:
    """USD per token as decimal text. An unpriced model says -1, as the marketplace does where no fixed price
    can be named: never 0, which would mean free."""
    return _shown(None if price is None else price.base)


@lru_cache(maxsize=4096)  # models share prices: there are hundreds
def encoded_pricing(rates: Rates | None) -> msgspec.Raw:
    """The same of a price's base, as JSON."""
    return json.raw(_shown(rates))


def _shown(rates: Rates | None) -> dict[str, str]:
    if rates is None:
        return {"prompt": "-1", "completion": "-1"}
    shown = {"prompt": _per_token(rates.input), "completion": _per_token(rates.output)}
    for name, rate in (
        ("input_cache_read", rates.cache_read),
        ("input_cache_write", rates.cache_write),
        ("input_cache_write_1h", rates.cache_write_1h),
        ("audio", rates.input_audio),
        ("audio_output", rates.output_audio),
    ):
        if rate is not None:
            shown[name] = _per_token(rate)
    if rates.request:
        shown["request"] = _decimal(rates.request, 9)
    return shown


@lru_cache(maxsize=4096)
def _per_token(rate: int) -> str:
    """USD for a token, of nano-USD for a million."""
    return _decimal(rate, 15)


def _decimal(amount: int, places: int) -> str:
    """`amount` with its point moved to the left, exactly."""
    whole, rest = divmod(amount, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
