"""What `sekisho models` shows of a model: rows for tables, members for machines."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sekisho.cli.marketplace import Rows, show, sources, usd
from sekisho.cli.wording import Wording
from sekisho.core.money import Price, Rates
from sekisho.providers.catalog import Offer
from sekisho.providers.market.listing import Listing, Market
from sekisho.providers.market.quality import Rated

LIST = (
    "model", "score", "input", "output", "total", "score_per_usd", "provider", "providers",
    "context", "origin", "open_weights", "retires",
)  # fmt: skip
RANKING = ("rank", "name", "score", "model", "input", "output", "total", "provider", "retires")
PRICES = ("provider", "id", "tier", "input", "output", "cache_read", "cache_write", "retires")
PAST = ("provider", "until", "tier", "input", "output", "cache_read", "cache_write")


def member(listing: Listing) -> dict[str, Any]:
    """One model in a list. Money is USD for a million tokens."""
    facts, ratio = listing.facts, listing.score_per_price
    return {
        "model": facts.id,
        "name": facts.name,
        "score": listing.score,
        **_cheapest(listing),
        "score_per_usd": None if ratio is None or math.isinf(ratio) else round(ratio, 6),
        "providers": len(listing.offers),
        "context": listing.context,
        "origin": facts.origin,
        "open_weights": facts.open_weights,
        "licence": facts.licence,
        "takes": list(facts.input_modalities),
        "gives": list(facts.output_modalities),
        "retires": listing.retires,
    }


def ranked(market: Market, *, by_price: bool) -> Rows:
    """One row for each score, the best or the cheapest first; those without a price last."""
    rows = []
    for place, each in enumerate(market.scores(), 1):
        listing = market.find(each.model) if each.model else None
        price = _cheapest(listing) if listing else dict.fromkeys(("input", "output", "total", "provider"))
        total = listing.total if listing else None
        row = {
            "rank": place,
            "name": each.score.name,
            "score": each.score.score,
            "model": each.model,
            **price,
            "retires": listing.retires if listing else None,
        }
        rows.append((math.inf if total is None else total, row))
    if by_price:
        rows.sort(key=lambda each: each[0])
    return [row for _, row in rows]


def unmatched(rows: Rows, say: Wording) -> list[str]:
    """The footer's line about names that the catalogue does not know."""
    names = [row["name"] for row in rows if row["model"] is None]
    if not names:
        return []
    word = "カタログにない" if say.language == "ja" else "Not in the catalogue"
    return [f"{word}: {', '.join(names)}"]


def count(models: int, say: Wording) -> str:
    return f"{models} モデル" if say.language == "ja" else f"{models} models"


def turned(rows: Rows, say: Wording) -> tuple[Rows, list[str]]:
    """The same with one column for each model, and the columns' names."""
    members = [name for name in rows[0] if name not in ("model", "name")]
    columns = ["", *(row["model"] for row in rows)]
    lines = [{"": say(name), **{row["model"]: row[name] for row in rows}} for name in members]
    return lines, columns


def whole(listing: Listing) -> dict[str, Any]:
    """Everything of one model."""
    offered = (*listing.offers, *listing.over)
    return {
        **member(listing),
        "scores": [_score(each) for each in listing.rated],
        "offers": [_offer(row, offer) for row, offer in offered],
    }


def page(listing: Listing, market: Market, say: Wording) -> None:
    """All of that for people."""
    offered = (*listing.offers, *listing.over)
    row = member(listing)
    facts = [{"": say(name), listing.facts.id: value} for name, value in row.items() if name != "model"]
    show(facts, ("", listing.facts.id), say, [""])
    prices = [each for name, offer in offered for each in _prices(name, offer)]
    scores = [
        f"{each.score.name}: {each.score.score:.4f} ({each.quality.title}, {each.quality.date})"
        for each in listing.rated
    ]
    show(prices, PRICES, say, [*sources(market, say, ranked=False), *scores, ""])
    past = [each for name, offer in offered for each in _past(name, offer)]
    if past:
        show(past, PAST, say, [])


def _score(each: Rated) -> dict[str, Any]:
    return {
        "set": each.quality.name,
        "date": each.quality.date,
        "source": each.quality.source,
        "name": each.score.name,
        "score": each.score.score,
    }


def _offer(row: str, offer: Offer) -> dict[str, Any]:
    return {
        "provider": row,
        "id": offer.upstream,
        "context": offer.context_length,
        "max_output": offer.max_output,
        "prices": list(_prices(row, offer)),
        "past": list(_past(row, offer)),
        "date": offer.price.date if offer.price else None,
        "source": offer.price.source if offer.price else None,
        "use": offer.retires.use if offer.retires else None,
    }


def _cheapest(listing: Listing) -> dict[str, str | None]:
    found = listing.cheapest
    if found is None or found[1].price is None:
        return dict.fromkeys(("input", "output", "total", "provider"))
    row, rates = found[0], found[1].price.base
    return {
        "input": usd(rates.input),
        "output": usd(rates.output),
        "total": usd(listing.total),
        "provider": row,
    }


def _prices(row: str, offer: Offer) -> Iterable[Mapping[str, Any]]:
    retires = offer.retires.date if offer.retires else None
    if offer.price is None:
        yield {"provider": row, "id": offer.upstream, "retires": retires}
        return
    for tier, rates in _tiers(offer.price):
        yield {"provider": row, "id": offer.upstream, "tier": tier, **_rates(rates), "retires": retires}


def _past(row: str, offer: Offer) -> Iterable[Mapping[str, Any]]:
    for past in offer.past:
        for tier, rates in _tiers(past.price):
            yield {"provider": row, "until": past.until, "tier": tier, **_rates(rates)}


def _tiers(price: Price) -> Iterable[tuple[str, Rates]]:
    """A price's rates: the plain ones, those of long prompts, those of other service tiers."""
    yield "standard", price.base
    for tier in price.tiers:
        yield f"> {tier.above:,}", tier.rates
    for name, other in (price.service or {}).items():
        for tier_name, rates in _tiers(other):
            yield name if tier_name == "standard" else f"{name} {tier_name}", rates


def _rates(rates: Rates) -> dict[str, str | None]:
    return {
        "input": usd(rates.input),
        "output": usd(rates.output),
        "cache_read": usd(rates.cache_read),
        "cache_write": usd(rates.cache_write),
    }
