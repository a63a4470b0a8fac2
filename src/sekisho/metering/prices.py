"""What a call cost, from its usage and the endpoint's price."""

from sekisho.core.money import Price, Rates, cost
from sekisho.core.usage import Usage

_STANDARD = frozenset({"default", "standard", "auto", "on_demand"})
"""Words for the tier that everybody gets: OpenAI's, Anthropic's, what a request may say, Groq's."""


def service_tier(name: str | None) -> str | None:
    """A provider's word for a service tier as prices are filed under it; None for the standard one."""
    if not name or name in _STANDARD:
        return None
    lowered = name.lower()
    return None if lowered in _STANDARD else lowered


def price_call(usage: Usage, price: Price | None, tier: str | None = None) -> int | None:
    """Nano-USD; None where the endpoint has no price (the call is then flagged, not booked as free).

    `tier` is the service tier that the provider says it gave, not the one that was asked for. A tier
    without a price of its own costs the standard price.
    """
    if price is None:
        return None
    return cost(usage, rates_of(usage, price, tier))


def rates_of(usage: Usage, price: Price, tier: str | None = None) -> Rates:
    """Those that apply to a call of this usage."""
    if not (price.tiers or price.service):  # as most prices are
        return price.base
    return price.rates_for(usage.prompt, service_tier(tier))
