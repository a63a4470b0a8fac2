"""The compiled files of this folder, read piece by piece: what nobody asks for is never decoded.

`scripts/compile_models.py` writes them, and `sekisho catalog update` newer ones beside them.
"""

from importlib import resources

import msgspec

from sekisho.core.message import Value
from sekisho.core.money import Price
from sekisho.core.provider import ModelFacts, Retirement


class Past(Value, frozen=True, kw_only=True):
    """A price that held before."""

    price: Price
    until: str
    """The first day on which it held no more."""


class Offer(Value, frozen=True, kw_only=True):
    """One model that a catalogue provider serves."""

    model: str
    """`author/slug`."""
    upstream: str
    """The provider's own id of it."""
    aliases: tuple[str, ...] = ()
    """Other ids of the provider for the same model at the same price (dated versions). A client that
    asks for one of them means that very id, so that is what must go upstream."""
    price: Price | None = None
    context_length: int | None = None
    max_output: int | None = None
    quirks: tuple[str, ...] = ()
    """The model's own, beside its provider's."""
    retires: Retirement | None = None
    past: tuple[Past, ...] = ()
    """The latest first."""


class OfferFile(msgspec.Struct, frozen=True):
    source: str
    """Where the prices come from, unless a price says otherwise."""
    licence: str
    date: str
    """The day for which prices were resolved."""
    providers: dict[str, msgspec.Raw] = {}

    def read(self, row: str) -> tuple[Offer, ...]:
        """All offers of a catalogue row, decoded anew; empty where there are none."""
        raw = self.providers.get(row)
        if raw is None:
            return ()
        return tuple(self._dated(offer) for offer in _offers.decode(raw))

    def _dated(self, offer: Offer) -> Offer:
        price = offer.price
        if price is None:
            return offer
        dated = msgspec.structs.replace(price, source=price.source or self.source, date=self.date)
        return msgspec.structs.replace(offer, price=dated)


class FactsFile(msgspec.Struct, frozen=True):
    source: str
    licence: str
    date: str
    models: dict[str, msgspec.Raw] = {}

    def read(self, model: str) -> ModelFacts | None:
        raw = self.models.get(model)
        if raw is None:
            return None
        return msgspec.structs.replace(_facts.decode(raw), source=self.source, date=self.date)

    def by_slug(self, slug: str) -> tuple[str, ...]:
        return tuple(sorted(model for model in self.models if model.partition("/")[2] == slug))


_offers = msgspec.json.Decoder(tuple[Offer, ...])
_facts = msgspec.json.Decoder(ModelFacts)


def open_offers() -> OfferFile:
    """`offers.json` of this installation."""
    return msgspec.json.decode(_bytes("offers.json"), type=OfferFile)


def open_facts() -> FactsFile:
    """`facts.json` of this installation."""
    return msgspec.json.decode(_bytes("facts.json"), type=FactsFile)


def _bytes(name: str) -> bytes:
    return resources.files("sekisho.providers.models").joinpath(name).read_bytes()
