"""Money as integers: amounts in nano-USD (1e-9 USD), rates in nano-USD for a million tokens.

A rate of 0.15 USD per million tokens is 150_000_000. A cost multiplies every token kind by its rate,
adds up, and divides once, rounding half up, so that a call's cost does not depend on the order of terms.
"""

from decimal import Decimal, InvalidOperation

from sekisho.core.message import Value
from sekisho.core.usage import Usage

NANO = 1_000_000_000
MILLION = 1_000_000


class Rates(Value, frozen=True, kw_only=True):
    """Nano-USD for a million tokens. None: the provider has no separate rate, see `cost`."""

    input: int
    output: int
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    request: int = 0
    """Nano-USD for the call itself; of a reranking, for each search that it is billed as."""


class Tier(Value, frozen=True, kw_only=True):
    """Rates for the whole call once its prompt is longer than `above` tokens."""

    above: int
    rates: Rates


class Price(Value, frozen=True, kw_only=True):
    base: Rates
    tiers: tuple[Tier, ...] = ()
    """Ascending by `above`."""
    service: dict[str, "Price"] | None = None
    """Other prices by service tier (`flex`, `priority`, `batch`)."""
    source: str = ""
    date: str = ""

    def rates_for(self, prompt_tokens: int, service_tier: str | None = None) -> Rates:
        """The rates that apply to a call with this many prompt tokens in this service tier."""
        if service_tier and self.service and service_tier in self.service:
            return self.service[service_tier].rates_for(prompt_tokens)
        rates = self.base
        for tier in self.tiers:
            if prompt_tokens <= tier.above:
                break
            rates = tier.rates
        return rates


def cost(usage: Usage, rates: Rates) -> int:
    """What `usage` costs at `rates`, in nano-USD.

    A token kind without a rate of its own is priced as plain input or output, never as zero.
    """
    itself = rates.request * usage.searches if usage.searches else rates.request
    cached = usage.cache_read or usage.cache_write or usage.cache_write_1h
    if not (cached or usage.input_audio or usage.output_audio):  # as most calls are
        exact = usage.input * rates.input + usage.output * rates.output
        return itself + (exact + MILLION // 2) // MILLION
    return itself + (millionths(usage, rates) + MILLION // 2) // MILLION


def millionths(usage: Usage, rates: Rates) -> int:
    """What the tokens cost exactly, in millionths of a nano-USD: sums of them are right in any order, and
    rounded once."""
    cache_read = rates.input if rates.cache_read is None else rates.cache_read
    cache_write = rates.input if rates.cache_write is None else rates.cache_write
    cache_write_1h = cache_write if rates.cache_write_1h is None else rates.cache_write_1h
    input_audio = rates.input if rates.input_audio is None else rates.input_audio
    output_audio = rates.output if rates.output_audio is None else rates.output_audio
    return (
        (usage.input - usage.input_audio) * rates.input
        + usage.input_audio * input_audio
        + usage.cache_read * cache_read
        + usage.cache_write * cache_write
        + usage.cache_write_1h * cache_write_1h
        + (usage.output - usage.output_audio) * rates.output
        + usage.output_audio * output_audio
    )


def nano_from_usd(usd: Decimal | int | str) -> int:
    """Exact conversion; raises ValueError where nano-USD cannot hold the amount."""
    try:
        amount = Decimal(usd)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount:
        return 0
    if (
        amount.is_finite() and -10 < amount.adjusted() < 30
    ):  # nobody means more, and 1e999999999 takes minutes
        numerator, denominator = amount.as_integer_ratio()
        nano, rest = divmod(numerator * NANO, denominator)
        if rest == 0:
            return nano
    msg = f"{usd} USD is not a whole number of nano-USD"
    raise ValueError(msg)


def usd_text(nano: int) -> str:
    """Nano-USD as a plain decimal number of USD, without exponent or trailing zeros."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO)
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".")
