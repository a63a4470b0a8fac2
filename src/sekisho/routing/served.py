"""What one provider of the document serves: the catalogue's offers, with the operator's word on top."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from sekisho.core.provider import Endpoint, Provider
from sekisho.providers.catalog import Catalog, Offer
from sekisho.providers.quirks import QUIRKS
from sekisho.routing.document import ModelEntry, ProviderEntry
from sekisho.routing.names import nearest_of
from sekisho.routing.problem import Findings
from sekisho.wire.pointer import clash


@dataclass(frozen=True, slots=True)
class Served:
    """One model at one provider, with the names it goes by there."""

    endpoint: Endpoint
    names: tuple[str, ...]
    """The document's key where there is one, then the slug."""
    ids: tuple[str, ...] = ()
    """The provider's own id, unless the document says that the model stands for another."""
    versions: tuple[str, ...] = ()
    """The provider's ids for dated versions of the model: each goes upstream as it is."""

    def version(self, upstream_model: str) -> Endpoint:
        """The same model, asked for by a dated version's id."""
        return replace(self.endpoint, upstream_model=upstream_model)


def slug_of(model: str) -> str:
    """The name without its author."""
    return model.partition("/")[2] or model


class Shelf:
    """Works out what a provider serves, and notes what is wrong with its entry's models.

    Entries of the document come first and win: one that names an offer (by public name, slug or the
    provider's own id) overrides what it says differently, any other is one model more.
    """

    def __init__(self, provider: Provider, entry: ProviderEntry, catalog: Catalog):
        self.problems = Findings()
        self._provider = provider
        self._entry = entry
        self._catalog = catalog
        self._offers = catalog.offers(provider.row)
        self._known = _by_any_name(self._offers) if entry.models else {}

    def serve(self) -> tuple[Served, ...]:
        """Everything, each model once."""
        own: dict[str, Served] = {}
        for entry in self._entry.models:
            served = self._own(entry)
            name = served.endpoint.model
            if name in own:
                self._report(f"is {name}, which this provider lists already", entry.name)
            else:
                own[name] = served
        return (*own.values(), *(self._stock(offer) for offer in self._offers if offer.model not in own))

    def _own(self, entry: ModelEntry) -> Served:
        offer = self._known.get(entry.name)
        if offer is None:
            offer = Offer(model=self._public_name(entry.name), upstream=entry.name)
        changes = {
            member: value
            for member in ("upstream", "price", "context_length", "max_output", "quirks")
            if (value := getattr(entry, member)) is not None
        }
        self._check_quirks(entry)
        served = self._stock(msgspec.structs.replace(offer, **changes))
        if entry.extra_body:
            edits = served.endpoint.extra_body + entry.extra_body
            if reason := clash(edits):
                self._report(f"does not go with the provider's own: {reason}", entry.name, "extra_body")
            served = replace(served, endpoint=replace(served.endpoint, extra_body=edits))
        if entry.quantization is not None:
            served = replace(served, endpoint=replace(served.endpoint, quantization=entry.quantization))
        ids = served.ids if entry.upstream is None else ()
        return replace(served, names=_each_once((entry.name, *served.names)), ids=ids)

    def _stock(self, offer: Offer) -> Served:
        facts = self._catalog.facts(offer.model)
        endpoint = Endpoint(
            model=offer.model,
            provider=self._provider,
            upstream_model=offer.upstream,
            price=offer.price,
            facts=facts,
            context_length=offer.context_length or (facts.context_length if facts else None),
            max_output=offer.max_output or (facts.max_output if facts else None),
            quirks=_each_once((*self._provider.quirks, *offer.quirks)),
            extra_body=self._provider.extra_body,
            retires=offer.retires,
        )
        return Served(endpoint, (slug_of(offer.model),), (offer.upstream,), offer.aliases)

    def _public_name(self, key: str) -> str:
        if "/" in key:
            return key
        known = self._catalog.by_slug(key)
        return known[0] if len(known) == 1 else f"{self._provider.name}/{key}"

    def _check_quirks(self, entry: ModelEntry) -> None:
        for index, name in enumerate(entry.quirks or ()):
            if name not in QUIRKS:
                near = nearest_of(name, QUIRKS, limit=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self._report(f"is not a known quirk{hint}", entry.name, "quirks", str(index))

    def _report(self, message: str, *below: str) -> None:
        self.problems.append((("providers", self._entry.name, "models", *below), message))


def _by_any_name(offers: Sequence[Offer]) -> dict[str, Offer]:
    known: dict[str, Offer] = {}
    for offer in offers:
        for name in (offer.model, slug_of(offer.model), offer.upstream):
            known.setdefault(name, offer)
    for offer in offers:
        author = offer.model.partition("/")[0]
        for version in offer.aliases:
            model = f"{author}/{version}"
            dated = msgspec.structs.replace(offer, model=model, upstream=version, aliases=())
            known.setdefault(model, dated)
            known.setdefault(version, dated)
    return known


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
