"""An edition: everything the catalogue knows of models on one day, as one file. Read, checked and compared.

A newer edition never loses what prices were: `carried` puts those of the older one into its history.
"""

import datetime as dt
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from sekisho.core.message import Value
from sekisho.core.money import NANO, Price, Rates, usd_text
from sekisho.core.provider import ModelFacts
from sekisho.providers.models.store import Offer, Past
from sekisho.providers.quirks import QUIRKS

DEAREST = 10_000 * NANO
"""Nano-USD for a million tokens; the dearest model ever cost 600 USD (2025). More is a slip."""
ABSURD = 10
"""A price that changes by more than this factor is taken for a mistake."""
Kind = Literal["added", "removed", "price"]
_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]*/[^\s/][^\s]{0,199}")


class Edition(Value, frozen=True, kw_only=True):
    source: str
    licence: str
    date: str
    """The day for which prices were resolved."""
    providers: dict[str, tuple[Offer, ...]]
    """Row -> its offers."""
    models: dict[str, ModelFacts]


class BadEdition(ValueError):
    """A file that is no edition, or says what cannot be. Says where."""


@dataclass(frozen=True, slots=True)
class Change:
    provider: str
    model: str
    kind: Kind
    before: Price | None = None
    after: Price | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    changes: tuple[Change, ...]
    absurd: tuple[str, ...]
    """Why the newer one is not to be trusted; empty: nothing speaks against it."""


_editions = msgspec.json.Decoder(Edition)


def read(text: bytes, source: str) -> Edition:
    """An edition from its JSON. Raises BadEdition naming `source` and place."""
    try:
        found = _editions.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadEdition(f"{source}: {error}") from None
    try:
        dt.date.fromisoformat(found.date)
    except ValueError:
        raise BadEdition(f"{source}: date: {found.date!r} must be a day like 2026-11-22") from None
    if not found.source or not any(found.providers.values()):
        raise BadEdition(f"{source}: names no source, or nobody offers anything")
    for row, offers in found.providers.items():
        for reason in _wrong(offers, found.models):
            raise BadEdition(f"{source}: providers.{row}.{reason}")
    return found


def compared(old: Edition, new: Edition, rows: Container[str]) -> Comparison:
    """What is different, for the `rows` that there are. Neither is changed."""
    changes: list[Change] = []
    absurd = [f"it is of {new.date}, older than the {old.date} that is here"] if new.date < old.date else []
    for row in sorted({*old.providers, *new.providers}):
        if row not in rows:
            continue
        before = {offer.model: offer for offer in old.providers.get(row, ())}
        after = {offer.model: offer for offer in new.providers.get(row, ())}
        own = list(_changes(row, before, after))
        changes += own
        gone = sum(change.kind == "removed" for change in own)
        if gone * 2 > len(before):
            absurd.append(f"{row}: {gone} of {len(before)} models are gone")
        absurd += [reason for change in own if (reason := _absurd(change))]
    return Comparison(tuple(changes), tuple(absurd))


def carried(old: Edition, new: Edition) -> Edition:
    """`new` with the prices of `old`, where they were others, in its history."""
    providers = {}
    for row, offers in new.providers.items():
        known = {offer.model: offer for offer in old.providers.get(row, ())}
        providers[row] = tuple(_with_past(offer, known.get(offer.model), old, new.date) for offer in offers)
    return msgspec.structs.replace(new, providers=providers)


def rates_text(price: Price | None) -> str:
    """`1.25 / 10` USD for a million tokens in and out."""
    return "–" if price is None else f"{usd_text(price.base.input)} / {usd_text(price.base.output)}"


def _with_past(offer: Offer, known: Offer | None, old: Edition, until: str) -> Offer:
    if known is None:
        return offer
    past = {each.until: each for each in (*known.past, *offer.past)}
    if known.price is not None and not _same(known.price, offer.price):
        told = any(_same(each.price, known.price) and each.until > old.date for each in offer.past)
        if not told:  # the source itself may know better when it changed
            dated = msgspec.structs.replace(
                known.price, source=known.price.source or old.source, date=old.date
            )
            past.setdefault(until, Past(price=dated, until=until))
    return msgspec.structs.replace(offer, past=tuple(past[day] for day in sorted(past, reverse=True)))


def _changes(row: str, before: Mapping[str, Offer], after: Mapping[str, Offer]) -> Iterable[Change]:
    for model in sorted({*before, *after}):
        old, new = before.get(model), after.get(model)
        if old is None and new is not None:
            yield Change(row, model, "added", after=new.price)
        elif new is None and old is not None:
            yield Change(row, model, "removed", before=old.price)
        elif old is not None and new is not None and not _same(old.price, new.price):
            yield Change(row, model, "price", old.price, new.price)


def _absurd(change: Change) -> str | None:
    if change.kind != "price" or change.before is None:
        return None
    told = f"{change.provider}: {change.model}: {rates_text(change.before)} -> {rates_text(change.after)}"
    if change.after is None:
        return f"{told}: its price is gone"
    for old, new in zip(_plain(change.before), _plain(change.after), strict=True):
        if (old == 0) != (new == 0) or max(old, new) > ABSURD * min(old, new):
            return f"{told}: more than {ABSURD} times, or free"
    return None


def _plain(price: Price) -> tuple[int, int]:
    return price.base.input, price.base.output


def _same(one: Price | None, other: Price | None) -> bool:
    if one is None or other is None:
        return one is other
    return _undated(one) == _undated(other)


def _undated(price: Price) -> Price:
    return msgspec.structs.replace(price, source="", date="")


def _wrong(offers: tuple[Offer, ...], models: Mapping[str, ModelFacts]) -> Iterable[str]:
    seen: set[str] = set()
    for at, offer in enumerate(offers):
        if not _MODEL.fullmatch(offer.model) or not offer.upstream:
            yield f"{at}: {offer.model!r} is no author/slug, or has no id of the provider"
        if not seen.isdisjoint((offer.model, f" {offer.upstream}")):
            yield f"{at}: {offer.model} stands twice"
        seen |= {offer.model, f" {offer.upstream}"}
        if offer.model not in models:
            yield f"{at}: {offer.model} is not among the models"
        if unknown := sorted(set(offer.quirks) - QUIRKS.keys()):
            yield f"{at}: {offer.model}: there is no quirk {unknown[0]}; a newer Sekisho may know it"
        if any(not 0 <= rate <= DEAREST for price in _prices(offer) for rate in _every(price)):
            yield f"{at}: {offer.model}: a price is below 0 or above {usd_text(DEAREST)} USD"


def _prices(offer: Offer) -> Iterable[Price]:
    return (price for price in (offer.price, *(past.price for past in offer.past)) if price is not None)


def _every(price: Price) -> Iterable[int]:
    for one in (price, *(price.service or {}).values()):
        for rates in (one.base, *(tier.rates for tier in one.tiers)):
            yield from _numbers(rates)


def _numbers(rates: Rates) -> Iterable[int]:
    return (number for name in rates.__struct_fields__ if (number := getattr(rates, name)) is not None)
