"""Variants: what a suffix of a model's name asks for, as OpenRouter has them."""

from collections.abc import Mapping
from types import MappingProxyType

from sekisho.core.preference import Preferences, PriceCap
from sekisho.core.route import Snapshot

THINKING = "thinking"
PREFERENCES: Mapping[str, Preferences] = MappingProxyType(
    {
        "floor": Preferences(select="cheapest"),
        "nitro": Preferences(select="throughput"),
        "free": Preferences(price_cap=PriceCap(input=0, output=0, request=0)),
    }
)
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "online": "no web search is made here; give the model a search tool of your own",
        "extended": "no model has a second, longer context here; the model's own name has all there is",
        "exacto": "the quality of tool calls is not measured here",
    }
)
VARIANTS = frozenset((*PREFERENCES, *REFUSED, THINKING))


def split(model: str, snapshot: Snapshot) -> tuple[str, str | None]:
    """(name, variant), the latter None where the name has none.

    A name that is known as it stands has none, whatever it ends in: providers' ids and tags hold colons too.
    Nor has one whose beginning is not known: an open provider takes it as it is.
    """
    base, colon, variant = model.rpartition(":")
    if not colon or variant not in VARIANTS or snapshot.find_known(model) is not None:
        return model, None
    return (base, variant) if snapshot.find_known(base) is not None else (model, None)
