"""What an organisation is charged for its calls: what providers were paid and a mark-up, or prices of its
own.

Charges are exact, in millionths of a nano-USD, so that they can be added in any order; who shows one rounds
it once.
"""

from collections.abc import Mapping, Sequence

from sekisho.core.message import Value
from sekisho.core.money import MILLION, Rates, millionths
from sekisho.core.usage import Usage


class Tariff(Value, frozen=True, kw_only=True):
    begins: float = 0.0
    """Seconds since the epoch: of calls that began then or later, until the organisation's next tariff."""
    markup: int = 0
    """Millionths of the cost: 50,000 are 5 %. Negative: a discount."""
    prices: Mapping[str, Rates] = {}
    """By model (`author/slug`), in the place of cost and mark-up. They have no tiers, and nothing for the
    call itself."""

    def covers(self, model: str | None) -> bool:
        """Whether calls of this model have a price here, whatever the provider's is."""
        return model in self.prices

    def charge(self, model: str | None, cost: int, usage: Usage) -> int:
        """For calls of one model that came to `cost` (nano-USD) and `usage` together: millionths of a
        nano-USD."""
        rates = self.prices.get(model or "")
        return cost * (MILLION + self.markup) if rates is None else millionths(usage, rates)


AT_COST = Tariff()
"""Of an organisation that has none."""


def tariff_at(tariffs: Sequence[Tariff], moment: float) -> Tariff:
    """The one that rules at a moment, of an organisation's, which are in order of their beginnings."""
    ruling = AT_COST
    for tariff in tariffs:
        if tariff.begins > moment:
            break
        ruling = tariff
    return ruling
