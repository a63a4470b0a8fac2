"""The catalogue seen by model: facts, everybody who offers it, its scores. What lists, ranks and compares."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from sekisho.core.provider import ModelFacts
from sekisho.providers.catalog import Catalog, Offer
from sekisho.providers.market.quality import QualitySet, Rated, matched

Order = Literal["name", "score", "price", "score-per-price", "context"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True, slots=True)
class Listing:
    """One model."""

    facts: ModelFacts
    offers: tuple[tuple[str, Offer], ...]
    """(row, what it offers), in the catalogue's order."""
    over: tuple[tuple[str, Offer], ...] = ()
    """Those whose providers have switched it off."""
    rated: tuple[Rated, ...] = ()
    """All scores of all sets."""
    ranked: Rated | None = None
    """Its best score in the set that models are ranked by."""

    @property
    def cheapest(self) -> tuple[str, Offer] | None:
        """Who asks least for a million tokens in and a million out; or asked, where nobody serves it now.
        None: nobody's price is known."""
        priced = [each for each in self.offers or self.over if each[1].price is not None]
        return min(priced, key=lambda each: _total(each[1]), default=None)

    @property
    def total(self) -> int | None:
        """Nano-USD for a million tokens in and a million out, at the cheapest."""
        found = self.cheapest
        return None if found is None else _total(found[1])

    @property
    def score(self) -> float | None:
        return None if self.ranked is None else self.ranked.score.score

    @property
    def score_per_price(self) -> float | None:
        """Score for each USD of `total`; infinite where it is free."""
        if self.score is None or self.total is None:
            return None
        return self.score * 1e9 / self.total if self.total else math.inf

    @property
    def context(self) -> int | None:
        """The longest that somebody offers."""
        known = [self.facts.context_length, *(offer.context_length for _, offer in self.offers)]
        return max((each for each in known if each is not None), default=None)

    @property
    def retires(self) -> str | None:
        """The day on which the last of its providers switches it off; None: not all of them do."""
        days = [offer.retires for _, offer in self.offers or self.over]
        return max((day.date for day in days if day), default=None) if all(days) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list is to show. None: whatever it is. What is not known of a model is not wanted."""

    author: str | None = None
    origin: str | None = None
    """Two capital letters."""
    open_weights: bool | None = None
    modality: str | None = None
    """That goes in or comes out. None: text comes out."""
    context: int | None = None
    """At least so many tokens."""
    price: int | None = None
    """At most so many nano-USD for a million tokens in and a million out."""
    provider: str | None = None
    """A catalogue row that offers it; prices are then that row's."""

    def _gives_or_takes(self, facts: ModelFacts) -> bool:
        if self.modality is None:  # what embeds or ranks is compared with what writes by nobody
            return "text" in facts.output_modalities
        return self.modality in (*facts.input_modalities, *facts.output_modalities)

    def has(self, listing: Listing) -> bool:
        facts = listing.facts
        return all(
            (
                self.author is None or facts.id.partition("/")[0] == self.author,
                self.origin is None or facts.origin == self.origin,
                self.open_weights is None or facts.open_weights is self.open_weights,
                self._gives_or_takes(facts),
                self.context is None or (listing.context or 0) >= self.context,
                self.price is None or (listing.total is not None and listing.total <= self.price),
            )
        )


class Market:
    """Every model of a catalogue. Built in some tens of milliseconds, and immutable."""

    def __init__(
        self, catalog: Catalog, sets: Sequence[QualitySet], today: dt.date, ranked_by: str | None = None
    ):
        """`ranked_by`: name of the set to rank by, instead of the latest. Raises KeyError."""
        self.catalog = catalog
        self.ranking = _chosen(sets, ranked_by)
        self._today = today.isoformat()
        offers = _offers(catalog)
        self._names = _Names(offers)
        self.rated = matched(sets, self._names.known)
        """Every score; those without a model are unmatched."""
        self._listings = self._assemble(offers)

    def listings(self, wanted: Wanted = Wanted(), order: Order = "name") -> tuple[Listing, ...]:
        """Those that are wanted; what the order is by and is not known stands last."""
        shown = (_at(each, wanted.provider) for each in self._listings.values())
        return tuple(sorted((each for each in shown if each and wanted.has(each)), key=_KEYS[order]))

    def find(self, name: str) -> Listing | None:
        """A model by `author/slug`, or by any other name that only one model has."""
        model = self._names.known(name)
        return None if model is None else self._listings.get(model)

    def scores(self) -> tuple[Rated, ...]:
        """Those of the set that models are ranked by, the best first."""
        own = (each for each in self.rated if each.quality is self.ranking)
        return tuple(sorted(own, key=lambda each: -each.score.score))

    def _assemble(self, offers: dict[str, list[tuple[str, Offer]]]) -> dict[str, Listing]:
        rated: dict[str, list[Rated]] = {}
        for each in self.rated:
            if each.model is not None:
                rated.setdefault(each.model, []).append(each)
        found: dict[str, Listing] = {}
        for model, offered in offers.items():
            facts, scores = self.catalog.facts(model), rated.get(model, [])
            own = [each for each in scores if each.quality is self.ranking]
            best = max(own, key=lambda each: each.score.score, default=None)
            if facts is not None:
                gone = [each for each in offered if self._is_over(each[1])]
                here = [each for each in offered if not self._is_over(each[1])]
                found[model] = Listing(facts, tuple(here), tuple(gone), tuple(scores), best)
        return found

    def _is_over(self, offer: Offer) -> bool:
        return offer.retires is not None and offer.retires.date <= self._today


class _Names:
    """What models are called: public names, slugs, ids of providers. A name of two models is neither's."""

    def __init__(self, offers: dict[str, list[tuple[str, Offer]]]):
        self._models = frozenset(offers)
        meanings: dict[str, set[str]] = {}
        for model, offered in offers.items():
            author, _, slug = model.partition("/")
            names = {slug}
            for _, offer in offered:
                names |= {offer.upstream, *offer.aliases, *(f"{author}/{each}" for each in offer.aliases)}
            for name in names:
                meanings.setdefault(name.lower(), set()).add(model)
        self._others = {name: min(models) for name, models in meanings.items() if len(models) == 1}

    def known(self, name: str) -> str | None:
        lowered = name.lower()
        return lowered if lowered in self._models else self._others.get(lowered)


def _total(offer: Offer) -> int:
    return offer.price.base.input + offer.price.base.output if offer.price else 0


def _offers(catalog: Catalog) -> dict[str, list[tuple[str, Offer]]]:
    found: dict[str, list[tuple[str, Offer]]] = {}
    for row in catalog.rows:
        for offer in catalog.offers(row):
            found.setdefault(offer.model, []).append((row, offer))
    return found


def _at(listing: Listing, row: str | None) -> Listing | None:
    """The model as one row offers it."""
    if row is None:
        return listing
    here, gone = (
        tuple(each for each in offers if each[0] == row) for offers in (listing.offers, listing.over)
    )
    return replace(listing, offers=here, over=gone) if here or gone else None


def _chosen(sets: Iterable[QualitySet], name: str | None) -> QualitySet | None:
    if name is None:
        return max(sets, key=lambda each: each.date, default=None)
    found = next((each for each in sets if each.name == name), None)
    if found is None:
        raise KeyError(name)
    return found


def _least(value: Callable[[Listing], float | None]) -> Callable[[Listing], tuple[float, str]]:
    def key(listing: Listing) -> tuple[float, str]:
        found = value(listing)
        return math.inf if found is None else found, listing.facts.id

    return key


def _most(value: Callable[[Listing], float | None]) -> Callable[[Listing], tuple[float, str]]:
    def negative(listing: Listing) -> float | None:
        found = value(listing)
        return None if found is None else -found

    return _least(negative)


_KEYS: dict[Order, Callable[[Listing], tuple[float, str]]] = {
    "name": lambda listing: (0.0, listing.facts.id),
    "score": _most(lambda listing: listing.score),
    "price": _least(lambda listing: listing.total),
    "score-per-price": _most(lambda listing: listing.score_per_price),
    "context": _most(lambda listing: listing.context),
}
